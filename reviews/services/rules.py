"""How rules are set, by whom and why; and asking them when somebody wants to know now."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.jobs import enqueue_on_commit
from portal.users.models import User
from reviews.models import Evaluation, RuleSetting, RuleVersion, Severity
from reviews.rules import RULES, settings
from reviews.tasks.rules import evaluate_one, evaluate_rules


@transaction.atomic
def change_setting(
    code: str,
    *,
    is_on: bool,
    severity: str,
    thresholds: Mapping[str, object],
    because: str,
    version: int,
    by: User,
) -> RuleSetting:
    """Set a rule; the change is a version of its own with a reason, and the rule is asked again."""
    rule, at, because = RULES[code], moment.now(), because.strip()
    if not because:
        raise ValidationError(_("Say why; the reason stands in the rule's history."))
    values: dict[str, Any] = {
        "is_on": is_on,
        "severity": Severity(severity).value,
        "thresholds": rule.checked(thresholds),
    }
    row = settings.all_kept([code])[code]
    before = {name: getattr(row, name) for name in values}
    if before == values:
        raise ValidationError(_("Nothing is different. Change something, or leave it as it is."))
    row = change(row, version, changed_at=at, **values)
    RuleVersion.objects.create(code=code, number=row.version, because=because, set_by=by, set_at=at, **values)
    facts = {"version": row.version, "before": before, "after": values, "because": because}
    record(Verb.RULE_CHANGED, row, actor=by.actor, at=at, facts=facts)
    enqueue_on_commit(evaluate_one, code, str(by.pk))
    return row


def ask_now(*, by: User) -> None:
    """Have all rules asked in a task; the evaluation's event names who asked."""
    enqueue_on_commit(evaluate_rules, Evaluation.Trigger.PERSON.value, str(by.pk))
