"""Findings: who may see them without a role, and that a reading makes the rules be asked."""

from typing import Any

from django.db.models import QuerySet

from portal.audit.verbs import Verb
from portal.tasks.jobs import enqueue_unless_waiting
from portal.tasks.ports import happened
from portal.users.models import User
from portal.users.ports import reasons_to_see
from reviews.models import Evaluation, Finding
from reviews.tasks.rules import evaluate_rules


@reasons_to_see[Finding].answered_by("answers for the machine or the system")
def own_findings(user: User) -> QuerySet[Any, Any]:
    """About machines they own, stand behind or stand in for, and on systems they answer for."""
    return Finding.objects.answered_for_by(user.identity_id).values("pk")


@happened[Verb.IMPORT_APPLIED].answered_by("rules are asked")
def ask_rules(_event_id: int) -> None:
    """In a task of its own, once for several readings that come together."""
    enqueue_unless_waiting(evaluate_rules, Evaluation.Trigger.IMPORT.value)
