"""What may be sent about identities, owners, accounts and systems."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, System
from portal.users.models import User
from portal.users.roles import Role


class PersonField(forms.CharField):
    """A person by number, address or exact name; ambiguity is said, never guessed away."""

    def clean(self, value: Any) -> Identity | None:
        """The one person meant, or an error that says how to be clearer."""
        words = super().clean(value)
        if not words:
            return None
        people = Identity.objects.human().active()
        for found in (
            people.filter(engagements__number__iexact=words).distinct(),
            people.filter(email__iexact=words),
            people.filter(name__iexact=words),
        ):
            hits = list(found[:2])
            if len(hits) == 1:
                return hits[0]
            if hits:
                raise ValidationError(
                    _("More than one person fits “%(words)s”. Give the e-mail address."),
                    params={"words": words},
                )
        raise ValidationError(
            _("Nobody here fits “%(words)s”. Give a number, address or full name."), params={"words": words}
        )


def person_field(label: Any, **kwargs: Any) -> PersonField:
    """With the suggestions of the page's datalist."""
    widget = forms.TextInput(attrs={"list": "people", "autocomplete": "off"})
    return PersonField(label=label, widget=widget, **kwargs)


class VersionForm(forms.Form):
    """Carries the version that was seen."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class OwnerForm(VersionForm):
    """Name an owner and, if known, a deputy."""

    owner = person_field(_("Owner"), required=False, help_text=_("Number, address or full name of a person."))
    deputy = person_field(_("Deputy"), required=False)

    def clean(self) -> dict[str, Any]:
        """At least one of them, and not the same person twice."""
        given = super().clean() or {}
        owner, deputy = given.get("owner"), given.get("deputy")
        if not self.errors and not owner and not deputy:
            raise ValidationError(_("Name an owner or a deputy."))
        if owner and owner == deputy:
            raise ValidationError(_("Owner and deputy must be two people."))
        return given


class MachineForm(VersionForm):
    """What is known of a machine."""

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[choice for choice in Identity.Kind.choices if choice[0] != Identity.Kind.HUMAN],
    )
    purpose = forms.CharField(
        label=_("Purpose"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("What would stop without it?"),
    )
    rhythm = forms.ChoiceField(
        label=_("Rhythm"), choices=[("", _("unknown")), *Identity.Rhythm.choices], required=False
    )
    environment = forms.CharField(label=_("Environment"), max_length=24, required=False)
    vendor = forms.CharField(label=_("Vendor"), max_length=200, required=False)
    contract_end = forms.DateField(
        label=_("Contract ends"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class NewMachineForm(MachineForm):
    """The same of one that is not there yet, so that there is no version of it."""

    version = None  # type: ignore[assignment]  # Django's way of leaving out a field of the base


class LinkForm(VersionForm):
    """Whose account this is: a person by number, address or name, or a machine by its name."""

    identity = forms.CharField(
        label=_("Whose account is this?"),
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )

    def clean_identity(self) -> Identity:
        """A machine with exactly this name, else a person."""
        words = self.cleaned_data["identity"]
        machines = list(Identity.objects.machines().active().filter(name__iexact=words)[:2])
        if len(machines) == 1:
            return machines[0]
        found = PersonField(required=True).clean(words)
        if found is None:
            raise ValidationError(_("Say who."))
        return found


class MemberForm(VersionForm):
    """Somebody who knows the secret of a shared account."""

    member = person_field(_("Who else knows its secret?"))


class ShareForm(forms.Form):
    """Let an auditor see one thing, such as a system or a pack, until a moment."""

    user = forms.ModelChoiceField(label=_("Auditor"), queryset=User.objects.none())
    until = forms.DateTimeField(
        label=_("Until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        auditors = User.objects.filter(is_active=True, roles__contains=[Role.AUDITOR.value]).order_by("name")
        self.fields["user"].queryset = auditors  # type: ignore[attr-defined]  # a ModelChoiceField


class SystemForm(VersionForm):
    """What is known of a system, and who carries out removals on it."""

    name = forms.CharField(label=_("Name"), max_length=200)
    environment = forms.ChoiceField(label=_("Environment"), choices=System.Environment)
    removal_days = forms.IntegerField(label=_("Days to remove a right"), min_value=1, max_value=90)
    owner = person_field(_("Owner"), required=False)
    deputy = person_field(_("Deputy"), required=False)
    carriers = forms.CharField(
        label=_("Who carries out removals"), required=False, help_text=_("Addresses, separated by commas.")
    )

    def clean_carriers(self) -> list[Identity]:
        """Each of them, or which one is unknown."""
        field = PersonField(required=False)
        found = [
            field.clean(part.strip()) for part in self.cleaned_data["carriers"].split(",") if part.strip()
        ]
        return [person for person in found if person is not None]
