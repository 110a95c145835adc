"""What may be asked about a past day."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.services import wall_clock
from portal import moment


def _clock(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "datetime-local", "step": "60"})
    return forms.CharField(label=label, required=False, max_length=40, widget=widget, help_text=help_text)


def _words(label: Any, placeholder: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": placeholder})
    return forms.CharField(label=label, required=False, max_length=200, widget=widget)


class AsOfForm(forms.Form):
    """A moment on somebody's wall, by whose knowledge, and of what. Moments with an offset need no zone."""

    at = _clock(_("On"))
    zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    known_at = _clock(
        _("By what was known on"),
        _(
            "Leave it empty to ask by what is known today. With a moment here you get the answer that the"
            " portal would have given then, before later readings corrected it."
        ),
    )
    system = forms.CharField(required=False, max_length=24)
    identity = _words(_("Who"), _("name, address or number"))
    account = _words(_("Account"), _("name"))
    right = _words(_("Right"), _("name or words, inherited ones too"))
    perhaps = forms.BooleanField(required=False)

    def clean_zone(self) -> str:
        """Theirs if they say none."""
        zone = self.cleaned_data["zone"] or timezone.get_current_timezone_name()
        wall_clock.instants(datetime(2000, 1, 1), zone)  # noqa: DTZ001 - refuses what is no zone
        return str(zone)

    def clean(self) -> dict[str, Any]:
        """`at` and `known_at` as instants; None for the first is now."""
        given = super().clean() or {}
        for name in ("at", "known_at"):
            if given.get(name) and "zone" in given:
                try:
                    given[name] = _instant(given[name], given["zone"])
                except ValidationError as error:
                    self.add_error(name, error)
            elif name in given:
                given[name] = None
        return given

    def on_the_wall(self, name: str) -> str:
        """A moment as the field of the page takes it."""
        at = self.cleaned_data.get(name)
        if not isinstance(at, datetime):
            return str(self.data.get(name, "")) if name in self.errors else ""
        return at.astimezone(ZoneInfo(self.cleaned_data["zone"])).strftime(wall_clock.WRITTEN)


def _instant(text: str, zone: str) -> datetime:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        words = _("“%(text)s” is no moment; write it as 2026-05-03T14:00.")
        raise ValidationError(words, params={"text": text}) from None
    if said.tzinfo is None:
        try:
            at = wall_clock.instant(said, zone)
        except ValidationError as error:
            if error.code != "ambiguous":
                raise
            words = _("Clocks were put back then, so that this hour came twice. Say it in the zone UTC.")
            raise ValidationError(words) from None
    else:
        at = said.astimezone(UTC)
    if at > moment.now():
        raise ValidationError(_("That moment has not come: nobody knows who will have what."))
    return at
