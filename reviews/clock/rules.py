"""Every night all rules are asked, so that what time alone makes wrong is found as well."""

from datetime import datetime, timedelta

from django.utils import timezone

from portal.tasks.jobs import enqueue_unless_waiting
from portal.tasks.schedule import every
from reviews.models import Evaluation
from reviews.rules import RULES
from reviews.tasks.rules import evaluate_rules

NIGHT = range(1, 5)  # hours of the portal's own zone
AT_LEAST, AT_MOST = timedelta(hours=20), timedelta(hours=26)


@every(minutes=30)
def ask_rules(at: datetime) -> None:
    """Once a night; by day only where no night has done it for too long."""
    whole = Evaluation.objects.filter(rules__gte=len(RULES)).order_by("-at")
    latest = whole.values_list("at", flat=True).first()
    age = at - latest if latest else AT_MOST
    is_night = timezone.localtime(at).hour in NIGHT
    if age >= (AT_LEAST if is_night else AT_MOST):
        enqueue_unless_waiting(evaluate_rules, Evaluation.Trigger.NIGHT.value)
