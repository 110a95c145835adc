"""How rules of correlation are set, and what they would do before they are."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import CorrelationRule
from accounts.reconciliation import correlating
from accounts.reconciliation.correlating import Outcome
from accounts.tasks.correlation import correlate
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.jobs import enqueue_on_commit
from portal.users.models import User

FIELDS = ("of", "to", "strip", "confidence", "position", "is_on", "system")


def look(rule: CorrelationRule | None, values: Mapping[str, object]) -> Outcome:
    """What all rules together would link and propose now if this one were set so; nothing is changed."""
    tried = _set(rule, values)
    rules = [one for one in CorrelationRule.objects.in_force() if one.pk != tried.pk]
    if tried.is_on:
        rules.append(tried)
    return correlating.look(sorted(rules, key=lambda one: (one.position, -one.confidence, str(one.pk))))


@transaction.atomic
def add_rule(values: Mapping[str, object], *, by: User) -> CorrelationRule:
    """One more rule; what it finds among accounts that stand is linked and proposed right after."""
    made = _set(None, values)
    _check_twin(made)
    made.full_clean()
    made.save()
    _told(made, None, by)
    return made


@transaction.atomic
def change_rule(
    rule: CorrelationRule, values: Mapping[str, object], *, version: int | None, by: User
) -> CorrelationRule:
    """Set a rule otherwise. Links that stand stay; proposals are made anew."""
    before = rule.to_facts()
    tried = _set(rule, values)
    if tried.to_facts() == before:
        raise ValidationError(_("Nothing is different. Change something, or leave it as it is."))
    _check_twin(tried)
    tried.full_clean(exclude=["id"])
    given: dict[str, Any] = {name: values[name] for name in FIELDS}
    change(rule, version, **given)
    _told(rule, before, by)
    return rule


def _set(rule: CorrelationRule | None, values: Mapping[str, object]) -> CorrelationRule:
    """A rule as it would be, which nobody has saved."""
    made = CorrelationRule(**{name: values[name] for name in FIELDS})
    if rule is not None:
        made.pk = rule.pk
    return made


def _told(rule: CorrelationRule, before: Mapping[str, object] | None, by: User) -> None:
    facts = {"version": rule.version, "before": before, "after": rule.to_facts()}
    record(Verb.CORRELATION_RULE_CHANGED, rule, actor=by.actor, facts=facts)
    enqueue_on_commit(correlate, str(rule.pk), str(by.pk))


def _check_twin(rule: CorrelationRule) -> None:
    twins = CorrelationRule.objects.exclude(pk=rule.pk).filter(of=rule.of, to=rule.to, system=rule.system)
    if twins.exists():
        raise ValidationError({"to": _("There is a rule that compares the same. Change that one.")})
