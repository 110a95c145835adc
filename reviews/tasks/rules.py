"""Tasks that ask the rules."""

from portal.audit.services import PORTAL, Actor
from portal.tasks.jobs import job
from portal.users.models import User
from reviews.models import Evaluation
from reviews.rules import RULES, engine

Trigger = Evaluation.Trigger


@job(attempts=3)
def evaluate_rules(trigger: str, by: str | None = None) -> None:
    """All of them."""
    engine.evaluate(trigger=Trigger(trigger), actor=_actor(by))


@job(attempts=3)
def evaluate_one(code: str, by: str | None = None) -> None:
    """One whose setting was changed."""
    if code in RULES:
        engine.evaluate([code], trigger=Trigger.SETTING, actor=_actor(by))


def _actor(by: str | None) -> Actor:
    user = User.objects.filter(pk=by).first() if by else None
    return user.actor if user else PORTAL
