"""What may be sent about identities, owners, accounts and systems."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Application, Identity, System
from portal.users.models import User
from portal.users.roles import Role

HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.:-]{0,198}[a-z0-9_])?")


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


class NamesField(forms.Field):
    """Names separated by commas, each once."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> list[str]:
        """Without the empty ones."""
        parts = [part.strip() for part in str(value or "").split(",")]
        return list(dict.fromkeys(filter(None, parts)))

    def validate(self, value: Any) -> None:
        """Each fits its column, and is text that the database takes."""
        super().validate(value)
        if any(len(part) > 100 or "\x00" in part for part in value):
            raise ValidationError(_("A name here has 100 letters at most."))

    def prepare_value(self, value: Any) -> Any:
        """As it was typed."""
        return ", ".join(value) if isinstance(value, list) else value


class IdentityFacts(VersionForm):
    """What whoever answers for a machine says of it."""

    purpose = forms.CharField(
        label=_("Purpose"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        help_text=_("What would stop without it?"),
    )
    rhythm = forms.ChoiceField(
        label=_("Rhythm"),
        choices=[("", _("unknown")), *Identity.Rhythm.choices],
        required=False,
        help_text=_("How often it is expected to act; unused is judged against it."),
    )
    environment = forms.CharField(label=_("Environment"), max_length=24, required=False)
    consumers = NamesField(
        label=_("Used by"),
        required=False,
        help_text=_("Who or what uses it, separated by commas. More than one is reuse."),
    )
    vendor = forms.CharField(label=_("Vendor"), max_length=200, required=False)
    vendor_contact = forms.CharField(label=_("Contact at the vendor"), max_length=200, required=False)
    contract_end = forms.DateField(
        label=_("Contract ends"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    review_by = forms.DateField(
        label=_("Review by"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("By then somebody looks whether it is still needed."),
    )


class IdentityForm(IdentityFacts):
    """All that is known of a machine, for those who keep the inventory."""

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[choice for choice in Identity.Kind.choices if choice[0] != Identity.Kind.HUMAN],
    )
    application = forms.ModelChoiceField(
        label=_("Application"),
        queryset=Application.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("Without an owner of its own, its application's owner answers for it."),
    )
    field_order = (
        "version", "name", "kind", "purpose", "rhythm", "environment", "consumers", "application",
        "vendor", "vendor_contact", "contract_end", "review_by",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = self.initial.get("application")
        offered = Application.objects.filter(
            Q(status=Application.Status.ACTIVE) | Q(pk=current.pk if current else None)
        )
        self.fields["application"].queryset = offered.by_name()  # type: ignore[attr-defined]  # a ModelChoiceField


class NewIdentityForm(IdentityForm):
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

    user = forms.ModelChoiceField(label=_("Auditor"), queryset=User.objects.none(), empty_label=_("Choose …"))
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
    hosts = forms.CharField(
        label=_("Host names"),
        required=False,
        max_length=4_000,
        help_text=_(
            "What gateways and sudo rules call its machines, separated by commas: core01, core02. By them a"
            " right to act as root@core01 is found to lead here."
        ),
    )
    is_gateway = forms.BooleanField(
        label=_("Is a gateway"),
        required=False,
        help_text=_("A bastion, vault or cluster through which others are entered."),
    )

    def clean_hosts(self) -> list[str]:
        """Each once, in small letters, in the order given."""
        parts = [part.strip().lower() for part in self.cleaned_data["hosts"].replace("\n", ",").split(",")]
        hosts = list(dict.fromkeys(part for part in parts if part))
        if wrong := [host for host in hosts if not HOST.fullmatch(host)]:
            raise ValidationError(
                _("“%(host)s” is no host name. Separate host names by commas."), params={"host": wrong[0]}
            )
        return hosts

    def clean_carriers(self) -> list[Identity]:
        """Each of them, or which one is unknown."""
        field = PersonField(required=False)
        found = [
            field.clean(part.strip()) for part in self.cleaned_data["carriers"].split(",") if part.strip()
        ]
        return [person for person in found if person is not None]
