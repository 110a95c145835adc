"""What may be sent about accounts that belong to nobody, and about the rules that propose whose they are."""

import json
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.forms.filters import UNKNOWN, YES_NO, ListFilter, Rows, choice, words_of
from accounts.forms.inventory import PersonField, VersionForm
from accounts.models import Account, CorrelationRule, Grant, Identity, System
from accounts.models.correlation import sure
from accounts.models.listing import has_words
from accounts.services.orphans import MOST
from portal.users.models import User

LONGEST_LIST: Final = 100_000  # characters of keys in one field
HAS_CLAIMS: Final = ~Q(claims=[])
KINDS = [
    (value, label)
    for value, label in Account.Kind.choices
    if value in {Account.Kind.PERSONAL, Account.Kind.MACHINE}
]


class QueueFilter(ListFilter):
    """Of accounts that belong to nobody known."""

    first = ("q", "system", "rule")
    far = frozenset({"privileged"})
    q = words_of(_("Search"), _("name or address"))
    system = choice(_("System"), [])
    proposed = choice(_("Somebody proposed"), YES_NO)
    rule = choice(_("Proposed by"), [])
    doubt = choice(_("Not linked because"), [("any", _("any doubt")), *Account.Doubt.choices])
    privileged = choice(_("Privileged rights"), YES_NO)
    kind = choice(_("Kind"), [*KINDS, (UNKNOWN, _("unknown"))])

    def __init__(self, data: Any, user: User, *, systems: bool = True) -> None:
        super().__init__(data, user, systems=systems)
        self.rules = {
            str(rule.pk): rule for rule in CorrelationRule.objects.select_related("system").in_order()
        }
        field = self.fields["rule"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("all")), *((key, str(rule)) for key, rule in self.rules.items())]

    @property
    def ahead(self) -> Q | None:
        """Those with a proposal come first, whatever was searched for."""
        return None if {"proposed", "rule"} & self.asked.keys() else HAS_CLAIMS

    def by_q(self, rows: Rows, words: str) -> Rows:
        """What the account itself is called."""
        return rows.filter(
            has_words("name", words) | has_words("display_name", words) | has_words("email", words)
        )

    def by_proposed(self, rows: Rows, said: str) -> Rows:
        """A rule found somebody, or none did."""
        return rows.filter(HAS_CLAIMS if said == "yes" else ~HAS_CLAIMS)

    def by_rule(self, rows: Rows, key: str) -> Rows:
        """This rule is the surest that found one of them."""
        return rows.filter(HAS_CLAIMS, claims__contains=[{"rule": key}])

    def by_doubt(self, rows: Rows, said: str) -> Rows:
        """Something matched, and yet it was not linked."""
        return rows.exclude(doubt="") if said == "any" else rows.filter(doubt=said)

    def by_privileged(self, rows: Rows, said: str) -> Rows:
        """With a privileged right now, or without; of rights that somebody may see."""
        held = Grant.objects.visible_to(self.user).held().privileged().filter(account=OuterRef("pk"))
        return rows.filter(Exists(held) if said == "yes" else ~Exists(held))

    def by_kind(self, rows: Rows, kind: str) -> Rows:
        """As the system says."""
        return rows.filter(kind="" if kind == UNKNOWN else kind)


class ClaimedForm(VersionForm):
    """The one of those proposed whose it is."""

    identity = forms.UUIDField(widget=forms.HiddenInput)


class MachineForm(VersionForm):
    """Which machine acts by an account: one that is known by this name, else a new one."""

    name = forms.CharField(
        label=_("Name of the machine identity"),
        max_length=200,
        widget=forms.TextInput(attrs={"list": "machines", "autocomplete": "off"}),
        help_text=_("If one of this name is known, it is taken; else it is made."),
    )
    kind = forms.ChoiceField(
        label=_("Kind, if it is new"),
        choices=[(value, label) for value, label in Identity.Kind.choices if value != Identity.Kind.HUMAN],
    )

    def clean(self) -> dict[str, Any]:
        """`machine` is the one that is known, or None."""
        given = super().clean() or {}
        found = list(Identity.objects.machines().active().filter(name__iexact=given.get("name", ""))[:2])
        if len(found) > 1:
            self.add_error("name", _("There is more than one of this name. Link it on the account's page."))
        return given | {"machine": found[0] if found else None}


class SharedForm(VersionForm):
    """Who knows the secret of an account that is nobody's own."""

    kind = forms.ChoiceField(
        label=_("What it is"),
        widget=forms.RadioSelect,
        choices=[
            (Account.Kind.SHARED.value, _("shared: several people use it")),
            (Account.Kind.EMERGENCY.value, _("emergency: kept for the worst case")),
        ],
        initial=Account.Kind.SHARED.value,
    )
    members = forms.CharField(
        label=_("Who knows its secret"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Numbers, addresses or full names, one a line or separated by commas. May stay empty."),
    )

    def clean_members(self) -> list[Identity]:
        """Each of them once, or which one is unknown."""
        field = PersonField(required=False)
        words = self.cleaned_data["members"].replace("\n", ",").split(",")
        found = [field.clean(part.strip()) for part in words if part.strip()]
        return list(dict.fromkeys(person for person in found if person is not None))


class AlikeForm(forms.Form):
    """What was looked at comes back as it was shown: account:version:person."""

    row = forms.MultipleChoiceField(widget=forms.MultipleHiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        said = data.getlist("row") if hasattr(data, "getlist") else []
        self.fields["row"].choices = [(one, one) for one in said]  # type: ignore[attr-defined]  # a choice field

    def clean_row(self) -> dict[int, tuple[int, UUID]]:
        """Keys and versions, or nothing of it."""
        if len(self.cleaned_data["row"]) > MOST:
            raise ValidationError(_("No more than %(most)d at once."), params={"most": MOST})
        try:
            return dict(self._row(part) for part in self.cleaned_data["row"])
        except ValueError:
            raise ValidationError(_("The form is incomplete. Open the page again.")) from None

    @staticmethod
    def _row(part: str) -> tuple[int, tuple[int, UUID]]:
        account, version, person = part.split(":")
        if not (account + version).isdecimal() or len(account) > 18 or len(version) > 9:
            raise ValueError(part)
        return int(account), (int(version), UUID(person))


class RuleForm(forms.ModelForm[CorrelationRule]):
    """How a rule is set. `looked` carries what somebody looked at, so that nothing else is saved."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    looked = forms.CharField(widget=forms.HiddenInput, required=False, max_length=1_000)

    class Meta:
        model = CorrelationRule
        fields = ("of", "to", "strip", "confidence", "position", "system", "is_on")
        help_texts = {
            "strip": _("For logins such as adm-jsmith; several are separated by commas."),
            "position": _("Where two rules find the same, the one with the smaller number is named."),
        }

    def __init__(self, data: Any, *, instance: CorrelationRule, version: int | None) -> None:
        # A copy, as a form writes into what it is given before anything is decided.
        names = ("of", "to", "strip", "confidence", "position", "system", "is_on")
        copy = CorrelationRule(pk=instance.pk, **{name: getattr(instance, name) for name in names})
        super().__init__(data, instance=copy, initial={"version": version})
        help_text = _("From %(sure)d on it links by itself; below, it proposes.") % {"sure": sure()}
        self.fields["confidence"].help_text = help_text
        self.fields["system"].queryset = System.objects.by_code()  # type: ignore[attr-defined]  # a choice field
        self.fields["system"].empty_label = _("all systems")  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """What the rule would be set to."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    @property
    def seal(self) -> str:
        """The same as a hidden field carries it back."""
        return json.dumps({name: str(value) for name, value in self.values.items()}, sort_keys=True)

    @property
    def was_looked_at(self) -> bool:
        """These very values were shown with what they would do."""
        return bool(self.cleaned_data["looked"] == self.seal)
