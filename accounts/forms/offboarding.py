"""What may be sent about offboardings."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import person_field
from accounts.forms.revocations import VersionForm
from accounts.models import CaseLine, OffboardingCase
from accounts.services import wall_clock
from portal import moment


class SearchForm(forms.Form):
    """Find the person who leaves. Sent by POST: an address would stand in logs and histories."""

    q = forms.CharField(
        label=_("Name, e-mail address or number"),
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


def _zone_choices() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in wall_clock.zones()]


class HourForm(forms.Form):
    """The hour on the wall, and whose wall."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    hour = forms.TimeField(label=_("Hour"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zone_choices,
        help_text=_("Where that clock hangs; it need not be where you are."),
    )
    which = forms.ChoiceField(
        label=_("That hour comes twice. Which one?"),
        choices=[(wall_clock.FIRST, _("the first")), (wall_clock.SECOND, _("the second"))],
        widget=forms.RadioSelect,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self._comes_twice():
            del self.fields["which"]

    def clean(self) -> dict[str, Any]:
        """`local_time` and the instant it means."""
        given = super().clean() or {}
        if not {"day", "hour", "zone"} <= given.keys():
            return given
        given["local_time"] = datetime.combine(given["day"], given["hour"]).replace(second=0, microsecond=0)
        try:
            given["effective_at"] = wall_clock.instant(
                given["local_time"], given["zone"], which=given.get("which", "")
            )
        except ValidationError as error:
            self.add_error("which" if error.code == "ambiguous" else "hour", error)
        return given

    def _comes_twice(self) -> bool:
        """Whether what was sent is an hour that comes twice: only then is there something to choose."""
        try:
            day, hour, zone = (
                self.fields[name].clean(self.data.get(name)) for name in ("day", "hour", "zone")
            )
            return len(wall_clock.instants(datetime.combine(day, hour), zone)) > 1
        except ValidationError:
            return False  # said at its field


class ScheduleForm(HourForm):
    """Why, as a class, and when."""

    field_order = ("reason", "day", "hour", "zone", "which")
    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=OffboardingCase.Reason.choices,
        help_text=_("Only HR sees it."),
    )


class RescheduleForm(HourForm, VersionForm):
    """Another hour for a planned case."""

    @classmethod
    def of(cls, case: OffboardingCase, data: Any = None) -> "RescheduleForm":
        """With the hour that is planned now."""
        local = case.on_the_wall
        initial = {"day": local.date(), "hour": local.time(), "zone": case.zone, "version": case.version}
        return cls(data, initial=initial)


class ExceptForm(VersionForm):
    """This stays until a day, because …, and I answer for it."""

    because = forms.CharField(
        label=_("It stays, because"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        help_text=_("Your name stands beside it, in the case and in the log."),
    )
    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))

    @classmethod
    def of(cls, line: CaseLine, data: Any = None) -> "ExceptForm":
        """For one line; two weeks are offered."""
        until = timezone.localtime(moment.now()).date() + timedelta(days=14)
        return cls(data, initial={"version": line.version, "until": until})

    def clean_until(self) -> Any:
        """A day to come."""
        until = self.cleaned_data["until"]
        if until <= timezone.localtime(moment.now()).date():
            raise ValidationError(_("Say a day after today."))
        return until


class HandOverForm(VersionForm):
    """Who answers for it from now on."""

    to = person_field(_("New owner"), help_text=_("Number, address or full name of a person."))
