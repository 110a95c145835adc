"""Deciding, and taking back: numbered, never edited, each with what stood beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import Account, Credential, Entitlement, Grant, Identity, RevocationCause
from accounts.services import revocations
from portal import moment
from portal.audit.services import record as record_event
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from reviews.models import Assignment, Campaign, Decision, EvidenceLink, ReviewItem, Shown
from reviews.services import evidence, locks, reviewers, verdicts
from reviews.services.evidence import Beside
from reviews.services.passing import pass_on
from reviews.services.signing import sign_off

__all__ = ["pass_on", "record", "record_alike", "sign_off", "undo"]

ALIKE_AT_MOST = 500


@dataclass(frozen=True)
class _Act:
    """One person's decision on some items: the verdict, why, until when, and when it happens."""

    verdict: str
    by: User
    at: datetime
    reason: str = ""
    ends_at: datetime | None = None
    batch: UUID | None = None


@transaction.atomic
def record(
    item: ReviewItem,
    *,
    verdict: str,
    ordinal: int,
    by: User,
    reason: str = "",
    ends_at: datetime | None = None,
    batch: UUID | None = None,
) -> Decision:
    """Decide on an item. `ordinal` is the one that was seen; somebody faster raises Conflict.

    Without a reason a change gets the usual one of its context, which is shown and can be changed; without
    an end a limit runs as long as it may.
    """
    act = _Act(verdict, by, moment.now(), reason.strip(), ends_at, batch)
    return _decide({item.pk: ordinal}, act)[0]


@transaction.atomic
def record_alike(
    share: Assignment, seen: Mapping[int, int], *, verdict: str, by: User, reason: str = "", batch: UUID
) -> list[Decision]:
    """Decide several items of the same right in one go; `seen` is item key → ordinal. All or none."""
    if not seen:
        raise ValidationError(_("Tick the lines you want to decide alike."))
    if len(seen) > ALIKE_AT_MOST:
        raise ValidationError(_("That is more than %(most)d lines at once."), params={"most": ALIKE_AT_MOST})
    items = ReviewItem.objects.filter(pk__in=seen, assignment=share)
    if len({(item.kind, item.entitlement_id) for item in items}) > 1:
        raise ValidationError(
            _("These are different rights. Only lines of the same right are decided alike.")
        )
    accounts = Account.objects.in_bulk({item.account_id for item in items})
    if any(verdicts.goes_alone(item, accounts[item.account_id]) for item in items):
        raise ValidationError(_("Privileged rights of emergency accounts are decided one by one."))
    return _decide(seen, _Act(verdict, by, moment.now(), reason.strip(), None, batch), share=share)


@transaction.atomic
def undo(item: ReviewItem, *, ordinal: int, by: User) -> Decision:
    """Take the standing decision back, with the next ordinal; its revocation is withdrawn."""
    return _decide({item.pk: ordinal}, _Act(Decision.Verdict.WITHDRAW, by, moment.now()))[0]


def _decide(seen: Mapping[int, int], act: _Act, *, share: Assignment | None = None) -> list[Decision]:
    """The one way to a decision: check, note what stood beside it, move the item, cause what follows."""
    items = list(
        ReviewItem.objects.select_related("campaign", "assignment").filter(pk__in=seen).order_by("pk")
    )
    if len(items) != len(seen) or (share and any(item.assignment_id != share.pk for item in items)):
        raise ValidationError(_("Some of these lines are not in your review any more. Read the page again."))
    campaign = items[0].campaign
    locks.beside_others(campaign.pk)
    campaign.refresh_from_db(fields=["state"])
    _check(items, seen, campaign, act)
    rights = Entitlement.objects.in_bulk({item.entitlement_id for item in items if item.entitlement_id})
    subjects = Identity.objects.in_bulk({item.subject_id for item in items if item.subject_id})
    stood = evidence.beside(items, campaign, act.at, user=act.by)
    before = _standing(items)
    made = [
        _move(
            item,
            seen[item.pk],
            _completed(item, act, subjects.get(item.subject_id), rights.get(item.entitlement_id)),
            stood[item.pk],
        )
        for item in items
    ]
    EvidenceLink.objects.bulk_create(
        link for decision in made for link in evidence.links(decision, stood[decision.item_id])
    )
    for decision in made:
        decided_before = before.get(decision.item_id)
        _follow(decision, decided_before, act)
    _count(items, before, act)
    return made


def _check(items: Sequence[ReviewItem], seen: Mapping[int, int], campaign: Campaign, act: _Act) -> None:
    """Whether this person may say this about these items now."""
    if campaign.state != Campaign.State.LAUNCHED:
        raise ValidationError(_("This campaign is closed; nothing in it moves any more."))
    barred = reviewers.barred_of(items, act.at)
    for item in items:
        if act.by.identity_id is None or item.assignment.reviewer_id != act.by.identity_id:
            raise PermissionDenied(_("Only the reviewer of an item decides on it."))
        if item.assignment.signed_off_at is not None:
            raise ValidationError(_("This share is signed off; its decisions stand."))
        if item.ended_as:
            raise ValidationError(_("This no longer applies: a reading proved it gone."))
        if item.ordinal != seen[item.pk]:
            raise Conflict(item)
        if act.by.identity_id in barred[item.pk]:
            raise ValidationError(
                _("Nobody decides on their own access or on what they answer for. Pass this on.")
            )
        if act.verdict == Decision.Verdict.WITHDRAW:
            if not item.verdict:
                raise Conflict(item)
        elif act.verdict not in verdicts.all_of(item):
            raise ValidationError(_("That decision does not fit this line."))


def _completed(item: ReviewItem, act: _Act, subject: Identity | None, right: Entitlement | None) -> _Act:
    """The act with the usual reason and the longest end where none was given."""
    reason = act.reason or verdicts.usual_reason(item, act.verdict, subject=subject, at=act.at)
    ends_at = None
    if act.verdict == Decision.Verdict.LIMIT:
        longest = act.at + verdicts.longest_limit(right)
        ends_at = act.ends_at or longest
        if not act.at < ends_at <= longest:
            raise ValidationError(
                _("The end must be in the future and at most %(until)s."),
                params={"until": f"{longest:%Y-%m-%d %H:%M} UTC"},
            )
    return _Act(act.verdict, act.by, act.at, reason, ends_at, act.batch)


def _standing(items: Sequence[ReviewItem]) -> dict[int, Decision]:
    """The decision that stands on each item, by the item's key."""
    standing = Decision.objects.filter(
        item__in=[item.pk for item in items if item.verdict],
        ordinal=F("item__ordinal"),
        stage=F("item__stage"),
    )
    return {decision.item_id: decision for decision in standing}


def _move(item: ReviewItem, seen: int, act: _Act, stood: Beside) -> Decision:
    """Write the decision with the next ordinal and let the item say so; that is the optimistic lock."""
    is_undo = act.verdict == Decision.Verdict.WITHDRAW
    moved = ReviewItem.objects.filter(
        pk=item.pk, ordinal=seen, assignment=item.assignment_id, ended_as=""
    ).update(
        ordinal=seen + 1,
        verdict="" if is_undo else act.verdict,
        decided_at=None if is_undo else act.at,
    )
    if not moved:
        raise Conflict(item)
    digest, body = stood.shown()
    Shown.objects.bulk_create([Shown(digest=digest, body=body)], ignore_conflicts=True)
    return Decision.objects.create(
        item=item,
        stage=item.stage,
        ordinal=seen + 1,
        verdict=act.verdict,
        reason=act.reason,
        ends_at=act.ends_at,
        by_user=act.by.pk,
        by_identity=item.assignment.reviewer_id,
        by_card=act.by.card,
        shown=digest,
        batch=act.batch,
        coverage=stood.coverage,
        recorder_seen_at=stood.recorder_seen_at,
        at=act.at,
    )


def cause_of(decision: Decision, label: str = "") -> revocations.Cause:
    """How a revocation refers to the decision that asks for it: by its key."""
    return revocations.Cause(RevocationCause.Kind.DECISION, str(decision.pk), label)


def _follow(decision: Decision, before: Decision | None, act: _Act) -> None:
    """What a decision causes: the earlier one's revocation is withdrawn and its own decided.

    Where the same is asked for and only the reason is another, the one revocation goes on with its cause.
    """
    item, actor = decision.item, act.by.actor
    asked = verdicts.ACTS.get(decision.verdict)
    until = f", until {decision.ends_at:%Y-%m-%d %H:%M} UTC" if decision.ends_at else ""
    cause = cause_of(decision, f"{item.campaign.code}/{item.number}{until}")
    revocation = None
    if before is not None and before.verdict in verdicts.ACTS:
        if (before.verdict, before.ends_at) == (decision.verdict, decision.ends_at):
            revocation = revocations.carry_on(cause_of(before), cause)
        if revocation is None:
            revocations.withdraw(cause_of(before), actor=actor, at=act.at)
    if asked and revocation is None:
        target = target_of(item, decision.verdict)
        revocation = revocations.decide(
            target, act=asked, cause=cause, actor=actor, at=act.at, ends_at=decision.ends_at
        )
    facts = {
        "campaign": item.campaign.code,
        "item": item.number,
        "decision": decision.pk,
        "ordinal": decision.ordinal,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "ends_at": decision.ends_at,
        "by_identity": decision.by_identity,
        "shown": decision.shown,
        "coverage": decision.coverage,
        "recorder_seen_at": decision.recorder_seen_at,
        "batch": decision.batch,
        "revocation": revocation.pk if revocation else None,
    }
    is_undo = decision.verdict == Decision.Verdict.WITHDRAW
    verb = Verb.DECISION_WITHDRAWN if is_undo else Verb.DECISION_RECORDED
    record_event(verb, item, actor=actor, at=act.at, stream=item.campaign_id, facts=facts)


def target_of(item: ReviewItem, verdict: str) -> Grant | Credential | Account:
    """What a verdict lets go: the right, the credential, or the account as a whole."""
    if verdict == Decision.Verdict.SHUT_DOWN:
        return Account.objects.get(pk=item.account_id)
    if item.kind == "credential":
        return Credential.objects.select_related("account").get(pk=item.credential_id or 0)
    return Grant.objects.get(pk=item.grant_id or 0)


def _count(items: Sequence[ReviewItem], before: Mapping[int, Decision], act: _Act) -> None:
    """Move the counters of the share, unless it was signed off meanwhile: then nothing of this happens."""
    is_undo = act.verdict == Decision.Verdict.WITHDRAW
    decided = -len(items) if is_undo else sum(1 for item in items if item.pk not in before)
    were_revoked = sum(1 for decision in before.values() if decision.verdict == Decision.Verdict.REVOKE)
    revoked = (len(items) if act.verdict == Decision.Verdict.REVOKE else 0) - were_revoked
    share_id = items[0].assignment_id
    open_share = Assignment.objects.filter(pk=share_id, signed_off_at=None)
    if not open_share.update(
        decided=F("decided") + decided, revoked=F("revoked") + revoked, version=F("version") + 1
    ):
        raise ValidationError(_("This share is signed off; its decisions stand."))
