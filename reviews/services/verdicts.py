"""Which verdicts fit an item, the reasons that are offered with them, and how long a limit may run."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from accounts.models import Account, Entitlement, Identity, Revocation
from reviews.models import ReviewItem

Verdict = ReviewItem.Verdict

# What each verdict asks of whoever carries it out; the others change nothing on a system.
ACTS: Final[dict[str, Revocation.Act]] = {
    Verdict.REVOKE: Revocation.Act.REMOVE,
    Verdict.LIMIT: Revocation.Act.LIMIT,
    Verdict.ROTATE: Revocation.Act.ROTATE,
    Verdict.SHUT_DOWN: Revocation.Act.DISABLE,
}

# Reasons are kept as these English words, so that evidence never depends on somebody's language.
REASONS: Final[dict[str, list[str]]] = {
    Verdict.REVOKE: [
        _("No longer needed in the role"),
        _("Not used in the period"),
        _("Left the team"),
        _("Left the organisation"),
        _("Too broad for the task"),
        _("Nobody knows what it is for"),
    ],
    Verdict.LIMIT: [
        _("Needed only for a while"),
        _("Too broad for the task"),
        _("Unused, kept for a while"),
    ],
    Verdict.ROTATE: [
        _("The secret is old"),
        _("Known to people who left"),
        _("Used in more than one place"),
    ],
    Verdict.HAND_OVER: [_("Somebody else answers for it now"), _("The owner has left")],
    Verdict.SHUT_DOWN: [
        _("Nothing uses it any more"),
        _("Nobody answers for it"),
        _("The contract has ended"),
        _("Left the organisation"),
    ],
}

# How long something may rest unused before that says anything, by its rhythm.
RHYTHM_DAYS: Final = {"daily": 7, "weekly": 30, "monthly": 90, "quarterly": 200, "yearly": 400}


def main_of(item: ReviewItem) -> list[ReviewItem.Verdict]:
    """The three verdicts of the row, in the order of their keys."""
    if item.kind == "credential":
        return [Verdict.CERTIFY, Verdict.ROTATE, Verdict.SHUT_DOWN]
    return [Verdict.CERTIFY, Verdict.REVOKE, Verdict.LIMIT]


def more_of(item: ReviewItem) -> list[ReviewItem.Verdict]:
    """The verdicts that are needed less often."""
    is_machine = bool(item.subject_kind) and item.subject_kind != Identity.Kind.HUMAN
    more = [Verdict.REVOKE] if item.kind == "credential" else [Verdict.SHUT_DOWN]
    return [Verdict.HAND_OVER, *more] if is_machine else more


def all_of(item: ReviewItem) -> list[ReviewItem.Verdict]:
    """Every verdict that fits."""
    return main_of(item) + more_of(item)


def reasons_for(verdict: str) -> list[str]:
    """The words offered with a verdict, in English, the most usual first."""
    return REASONS.get(verdict, [])


def usual_reason(item: ReviewItem, verdict: str, *, subject: Identity | None, at: datetime) -> str:
    """The reason that a click alone gives; it is shown at once and can be changed."""
    offered = reasons_for(verdict)
    if not offered:
        return ""
    if subject is not None and subject.status == Identity.Status.LEFT and "Left the organisation" in offered:
        return "Left the organisation"
    if verdict == Verdict.REVOKE and is_unused(item, subject=subject, at=at):
        return "Not used in the period"
    if verdict == Verdict.SHUT_DOWN and subject is None:
        return "Nobody answers for it"
    return offered[0]


def is_unused(item: ReviewItem, *, subject: Identity | None, at: datetime) -> bool:
    """Known to rest longer than its rhythm allows; unknown use is not disuse, nor is an emergency's."""
    rhythm = subject.rhythm if subject is not None else ""
    if item.last_used_at is None or rhythm == Identity.Rhythm.EMERGENCY:
        return False
    days = max(RHYTHM_DAYS.get(rhythm, 90), item.campaign.evidence_days)
    return item.last_used_at < at - timedelta(days=days)


def longest_limit(entitlement: Entitlement | None) -> timedelta:
    """How far away an agreed end may be: the window of administrators' rights, or of others.

    Which rights are an administrator's is said by name in a setting; nothing is guessed beyond that.
    """
    admin: Sequence[str] = settings.PORTAL_ADMIN_RIGHTS
    names = {name.casefold() for name in admin}
    if entitlement is not None and entitlement.name.casefold() in names:
        return timedelta(hours=settings.PORTAL_LIMIT_HOURS_ADMIN)
    return timedelta(days=settings.PORTAL_LIMIT_DAYS)


def goes_alone(item: ReviewItem, account: Account) -> bool:
    """Privileged rights of emergency accounts are decided one by one."""
    return account.kind == Account.Kind.EMERGENCY and item.is_privileged is not False
