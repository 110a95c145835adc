"""What may be sent about findings and rules: filters, an acceptance, a rule's setting."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import System
from accounts.models.system import SystemQuerySet
from reviews.models import Finding, RuleSetting, Severity
from reviews.models.finding import FindingQuerySet
from reviews.rules import RULES
from reviews.rules.rule import Number, Rule

PEOPLE, MACHINES = "people", "machines"
ALL = "all"
OWASP = sorted({key for rule in RULES.values() for key in rule.owasp}, key=lambda key: (len(key), key))


class FindingFilter(forms.Form):
    """The state of the list, as its address holds it; what it does not know is left out."""

    rule = forms.ChoiceField(label=_("Rule"), required=False)
    owasp = forms.ChoiceField(label=_("OWASP NHI Top 10"), required=False)
    severity = forms.ChoiceField(
        label=_("Severity"), required=False, choices=[("", _("all")), *Severity.choices]
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("open")), ("accepted", _("accepted")), ("fixed", _("gone")), (ALL, _("all"))],
    )
    system = forms.ModelChoiceField(
        System.objects.none(), label=_("System"), required=False, to_field_name="code", empty_label=_("all")
    )
    of = forms.ChoiceField(
        label=_("Of"),
        required=False,
        choices=[("", _("people and machines")), (PEOPLE, _("people")), (MACHINES, _("machines"))],
    )
    owner = forms.CharField(
        label=_("Owner"), required=False, max_length=200, widget=forms.TextInput(attrs={"type": "search"})
    )
    mine = forms.BooleanField(label=_("Only what I answer for"), required=False)

    def __init__(self, asked: QueryDict, *, systems: SystemQuerySet) -> None:
        super().__init__(asked, auto_id="filter-%s")
        for name, choices in (
            ("rule", [(code, f"{code} {rule.title}") for code, rule in RULES.items()]),
            ("owasp", [(key, key) for key in OWASP]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - they are declared above
            field.choices = [("", _("all")), *choices]
        system = self.fields["system"]
        assert isinstance(system, forms.ModelChoiceField)  # noqa: S101 - the same
        system.queryset = systems

    def chosen(self, name: str) -> Any:
        """What was asked for, or nothing where that makes no sense."""
        self.is_valid()
        return self.cleaned_data.get(name)

    @property
    def is_used(self) -> bool:
        """Anything at all is chosen."""
        return any(self.chosen(name) for name in self.fields)

    def narrowed(self, found: FindingQuerySet, identity_id: Any) -> FindingQuerySet:
        """The rows that fit."""
        if self.chosen("mine"):
            found = found.answered_for_by(identity_id)
        state = self.chosen("state")
        if state != ALL:
            found = found.filter(state=state or Finding.State.OPEN)
        if code := self.chosen("rule"):
            found = found.filter(rule=code)
        if owasp := self.chosen("owasp"):
            found = found.filter(rule__in=[code for code, rule in RULES.items() if owasp in rule.owasp])
        if severity := self.chosen("severity"):
            found = found.filter(severity=severity)
        if system := self.chosen("system"):
            found = found.filter(system=system)
        if of := self.chosen("of"):
            found = found.filter(is_human=of == PEOPLE)
        if owner := self.chosen("owner"):
            found = found.of_owner_called(owner)
        return found


class AcceptForm(forms.Form):
    """Living with a finding until a day."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    until = forms.DateField(
        label=_("Until"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("At most a year from now. The day after, it is open again."),
    )
    reason = forms.CharField(
        label=_("Why it can be lived with"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class RuleForm(forms.Form):
    """A rule's setting: its fields follow its thresholds."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    is_on = forms.BooleanField(
        label=_("In force"), required=False, help_text=_("Switched off, its findings close and say so.")
    )
    severity = forms.ChoiceField(
        label=_("Severity"),
        choices=Severity.choices,
        help_text=_("One step more where the right is privileged, and one more in production."),
    )

    def __init__(self, rule: Rule, setting: RuleSetting, sent: QueryDict | None) -> None:
        self.rule = rule
        current = rule.current(setting.thresholds)
        initial = {"version": setting.version, "is_on": setting.is_on, "severity": setting.severity}
        initial |= {name: _shown(value) for name, value in current.items()}
        super().__init__(sent, initial=initial)
        for name, threshold in rule.thresholds.items():
            label = format_lazy("{} ({})", threshold.label, threshold.unit)
            if isinstance(threshold, Number):
                self.fields[name] = forms.IntegerField(
                    label=label, min_value=threshold.least, max_value=threshold.most
                )
            else:
                self.fields[name] = forms.CharField(
                    label=label, max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
                )
        self.fields["because"] = forms.CharField(
            label=_("Why it is changed"), max_length=500, help_text=_("Stands in the rule's history.")
        )

    def thresholds(self) -> dict[str, Any]:
        """As the rule wants them."""
        return {
            name: self.cleaned_data[name]
            if isinstance(threshold, Number)
            else self.cleaned_data[name].split(",")
            for name, threshold in self.rule.thresholds.items()
        }


def _shown(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
