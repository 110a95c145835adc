"""Signing off: a reviewer's own act over the counted results of their share."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import CharField, F, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Revocation, RevocationCause
from accounts.services import revocations
from portal import moment
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict, change
from portal.users.models import User
from reviews.models import Assignment, Campaign, Decision, ReviewItem, SignOff
from reviews.models.campaign import ReviewItemQuerySet
from reviews.services import ending, locks, results


@transaction.atomic
def sign_off(share: Assignment, *, version: int, statement: str, by: User) -> SignOff:
    """Confirm a share: from now on it is read-only, and what was decided to go is asked for."""
    at = moment.now()
    locks.beside_others(share.campaign_id)
    share = Assignment.objects.select_related("campaign").select_for_update(of=("self",)).get(pk=share.pk)
    if by.identity_id is None or share.reviewer_id != by.identity_id:
        raise PermissionDenied(_("Only the reviewer signs off their share."))
    if share.campaign.state != Campaign.State.LAUNCHED:
        raise ValidationError(_("This campaign is closed; nothing in it moves any more."))
    if share.signed_off_at is not None or share.version != version:
        raise Conflict(share)
    if not statement.strip():
        raise ValidationError(_("Confirm the statement to sign off."))
    ending.refresh_ended(share.campaign)
    items = ReviewItem.objects.filter(assignment=share)
    _check_complete(items)
    count, digest = results.digest(items)
    counted = results.counts(items)
    given = SignOff.objects.create(
        campaign=share.campaign,
        assignment=share,
        kind=SignOff.Kind.REVIEWER,
        by_user=by.pk,
        by_identity=by.identity_id,
        by_card=by.card,
        counts=counted,
        decisions_digest=digest,
        statement=statement.strip(),
        at=at,
    )
    change(share, None, when=Q(signed_off_at=None), signed_off_at=at)
    asked = revocations.request(decided_in(items), actor=by.actor, at=at)
    facts = _facts(given, count) | {"requested": asked}
    record(Verb.SIGNOFF_GIVEN, share, actor=by.actor, at=at, stream=share.campaign_id, facts=facts)
    return given


def _check_complete(items: ReviewItemQuerySet) -> None:
    if not items.exists():
        raise ValidationError(_("Nothing is in this share; there is nothing to sign off."))
    if left := items.undecided().count():
        text = ngettext(
            "%(count)d line is not decided. Decide it or pass it on, then sign off.",
            "%(count)d lines are not decided. Decide them or pass them on, then sign off.",
            left,
        )
        raise ValidationError(text % {"count": left})


def caused_by(items: QuerySet[ReviewItem]) -> QuerySet[Revocation]:
    """The revocations that the standing decisions on these items ask for."""
    standing = Decision.objects.filter(item__in=items, ordinal=F("item__ordinal"), stage=F("item__stage"))
    references = standing.annotate(text=Cast("pk", CharField())).values("text")
    causes = RevocationCause.objects.filter(
        kind=RevocationCause.Kind.DECISION, reference__in=references, withdrawn_at=None
    )
    return Revocation.objects.filter(pk__in=causes.values("revocation"))


def decided_in(items: QuerySet[ReviewItem]) -> QuerySet[Revocation]:
    """Those of them that nobody has asked for yet."""
    return caused_by(items).filter(state=Revocation.State.DECIDED)


def _facts(given: SignOff, decisions: int) -> dict[str, object]:
    return {
        "campaign": given.campaign.code,
        "kind": given.kind,
        "by_identity": given.by_identity,
        "counts": given.counts,
        "decisions": {"count": decisions, "sha256": given.decisions_digest},
        "statement": given.statement,
    }
