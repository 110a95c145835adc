"""What may be sent about who answers for machines: applications, claims, and owners for many at once."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.inventory import VersionForm, person_field
from accounts.models import Application, Identity, OwnershipClaim
from accounts.services.proposals import MOST, How

LONGEST_LIST = 100_000  # characters of names or keys in one field


class ApplicationFacts(VersionForm):
    """What its owner says of an application, and who is behind them."""

    description = forms.CharField(
        label=_("What it does"), widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=2000
    )
    environment = forms.CharField(label=_("Environment"), max_length=24, required=False)
    deputy = person_field(_("Deputy"), required=False)


class ApplicationForm(ApplicationFacts):
    """All of it, for those who keep the inventory."""

    name = forms.CharField(label=_("Name"), max_length=200)
    owner = person_field(
        _("Owner"),
        required=False,
        help_text=_("Answers for every machine of it that has no owner of its own."),
    )
    field_order = ("version", "name", "description", "environment", "owner", "deputy")

    def clean(self) -> dict[str, Any]:
        """Two people."""
        given = super().clean() or {}
        if given.get("owner") and given.get("owner") == given.get("deputy"):
            raise ValidationError(_("Owner and deputy must be two people."))
        return given


class NewApplicationForm(ApplicationForm):
    """The same of one that is not there yet, so that there is no version of it."""

    version = None  # type: ignore[assignment]  # Django's way of leaving out a field of the base


class AssignForm(forms.Form):
    """Machines that are to belong to an application, by name, one a line."""

    machines = forms.CharField(
        label=_("Machine identities, one name a line"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=LONGEST_LIST,
    )

    def clean_machines(self) -> list[UUID]:
        """Each of them, or which names are unknown or stand for several."""
        wanted = list(dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["machines"].splitlines()))))
        if len(wanted) > MOST:
            raise ValidationError(_("No more than %(most)d at once."), params={"most": MOST})
        found: dict[str, list[UUID]] = {}
        machines = Identity.objects.machines().active().filter(name__in=wanted)
        for name, key in machines.values_list("name", "pk"):
            found.setdefault(name, []).append(key)
        wrong = [name for name in wanted if len(found.get(name, [])) != 1]
        if wrong:
            raise ValidationError(
                _("Not known, or more than one of that name: %(names)s"),
                params={"names": ", ".join(wrong[:20])},
            )
        return [found[name][0] for name in wanted]


class ClaimForm(VersionForm):
    """One of four answers."""

    answer = forms.ChoiceField(
        label=_("Is it yours?"), choices=OwnershipClaim.Answer.choices, widget=forms.RadioSelect
    )
    ask = person_field(
        _("Whom to ask"), required=False, help_text=_("Only where somebody else is to be asked.")
    )
    remark = forms.CharField(
        label=_("What else should IAM know?"),
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        max_length=1000,
    )

    def clean(self) -> dict[str, Any]:
        """Asking somebody needs somebody."""
        given = super().clean() or {}
        if (
            given.get("answer") == OwnershipClaim.Answer.ASK
            and not given.get("ask")
            and "ask" not in self.errors
        ):
            self.add_error("ask", _("Say whom to ask."))
        return given


class NamingForm(forms.Form):
    """What to do with the chosen machines, before anything is done."""

    how = forms.ChoiceField(
        label=_("Do with the ticked ones"),
        choices=[
            (How.PROPOSED.value, _("name the likeliest owner of each")),
            (How.PERSON.value, _("name one person for all")),
            (How.APPLICATION.value, _("let them belong to an application")),
        ],
    )
    person = person_field(_("Person"), required=False)
    application = forms.ModelChoiceField(
        label=_("Application"), queryset=Application.objects.none(), required=False, empty_label=_("choose")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["application"]
        chosen.queryset = Application.objects.active().by_name()  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean(self) -> dict[str, Any]:
        """Each way needs what it names."""
        given = super().clean() or {}
        for how in (How.PERSON, How.APPLICATION):
            if given.get("how") == how and not given.get(how.value) and how.value not in self.errors:
                self.add_error(how.value, _("Say which."))
        return given


class LookedAtForm(forms.Form):
    """What was looked at comes back as it was shown: machine:version, with the person where one is named."""

    rows = forms.CharField(widget=forms.HiddenInput, max_length=LONGEST_LIST)
    application = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def clean_rows(self) -> list[tuple[UUID, int, UUID | None]]:
        """Keys and versions, or nothing of it."""
        try:
            found = [self._row(part) for part in self.cleaned_data["rows"].split(",")]
        except ValueError:
            raise ValidationError(_("The form is incomplete. Open the page again.")) from None
        if len(found) > MOST:
            raise ValidationError(_("No more than %(most)d at once."), params={"most": MOST})
        return found

    @staticmethod
    def _row(part: str) -> tuple[UUID, int, UUID | None]:
        machine, version, person = part.split(":")
        if not version.isdecimal() or len(version) > 9:
            raise ValueError(part)
        return UUID(machine), int(version), UUID(person) if person else None
