"""What stands beside an item when somebody decides: sessions of the period, or why there are none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, OuterRef, Q, Subquery

from accounts.models import Entitlement
from portal.audit import canonical
from portal.users.models import User
from reviews.models import Campaign, Decision, EvidenceLink, ReviewItem
from sessions_app.models import Coverage as RecorderCoverage
from sessions_app.models import Recording, Session, Viewing

Relation = EvidenceLink.Relation
OUTSIDE = (Session.Match.NO_GRANT, Session.Match.GRANT_ENDED)


@dataclass(frozen=True)
class SessionFact:
    """One session as it stands beside an item. It was under the account; who acted is not established."""

    id: UUID
    code: str
    started_at: datetime
    ended_at: datetime | None
    match: str
    sha256: str
    opened_at: datetime | None
    relation: Relation

    @property
    def seconds(self) -> float | None:
        """How long it lasted; unknown is None."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None

    @property
    def match_label(self) -> object:
        """How far it could be tied to a grant, in words."""
        return Session.Match(self.match).label


@dataclass(frozen=True)
class Recorders:
    """Whether a system is recorded now, by whom, and the recorders' last sign of life."""

    codes: list[str] = field(default_factory=list)
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Tally:
    """How many sessions stand beside an item, without loading them."""

    total: int = 0
    outside: int = 0
    last_at: datetime | None = None


def window(campaign: Campaign, at: datetime) -> tuple[datetime, datetime]:
    """The period of evidence of a decision at `at`; of a closed campaign the one that ended with it."""
    return campaign.evidence_window(campaign.closed_at or at)


def sessions_beside(
    items: Sequence[ReviewItem], campaign: Campaign, at: datetime, *, user: User
) -> dict[int, list[SessionFact]]:
    """The sessions of the period under each item's account, newest first, with what `user` opened of them."""
    since, until = window(campaign, at)
    sealed = Recording.objects.sealed().filter(session=OuterRef("pk")).order_by("received_at", "pk")
    opened = Viewing.objects.filter(
        session=OuterRef("pk"), user_id=user.pk, kind=Viewing.Kind.FACTS
    ).order_by("at")
    rows = (
        Session.objects.filter(account__in={item.account_id for item in items})
        .filter(started_at__gte=since, started_at__lte=until)
        .annotate(digest=Subquery(sealed.values("sha256")[:1]), opened=Subquery(opened.values("at")[:1]))
        .order_by("-started_at", "code")
        .values("pk", "code", "started_at", "ended_at", "match", "account_id", "grant_id", "digest", "opened")
    )
    by_account: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_account.setdefault(row["account_id"], []).append(dict(row))
    return {item.pk: [_fact(row, item) for row in by_account.get(item.account_id, ())] for item in items}


def _fact(row: Mapping[str, Any], item: ReviewItem) -> SessionFact:
    if row["match"] in OUTSIDE:
        relation = Relation.OUTSIDE
    elif item.grant_id is not None and row["grant_id"] == item.grant_id:
        relation = Relation.GRANT
    else:
        relation = Relation.ACCOUNT
    return SessionFact(
        row["pk"],
        row["code"],
        row["started_at"],
        row["ended_at"],
        row["match"],
        row["digest"] or "",
        row["opened"],
        relation,
    )


def tallies(accounts: Iterable[int], campaign: Campaign, at: datetime) -> dict[int, Tally]:
    """By account: how many sessions of the period there were; accounts without any are missing."""
    since, until = window(campaign, at)
    rows = (
        Session.objects.filter(account__in=set(accounts), started_at__gte=since, started_at__lte=until)
        .order_by()
        .values("account_id")
        .annotate(
            total=Count("pk"), outside=Count("pk", filter=Q(match__in=OUTSIDE)), last_at=Max("started_at")
        )
    )
    return {row["account_id"]: Tally(row["total"], row["outside"], row["last_at"]) for row in rows}


def recorders_of(systems: Iterable[UUID], at: datetime) -> dict[UUID, Recorders]:
    """By system: the recorders that cover it at `at`; systems that nobody records are missing."""
    rows = (
        RecorderCoverage.objects.filter(system__in=set(systems), during__contains=at)
        .order_by("recorder__code")
        .values_list("system_id", "recorder__code", "recorder__last_seen_at")
    )
    found: dict[UUID, Recorders] = {}
    for system_id, code, seen_at in rows:
        known = found.get(system_id, Recorders())
        alive = max((moment for moment in (known.seen_at, seen_at) if moment), default=None)
        found[system_id] = Recorders([*known.codes, code], alive)
    return found


def coverage(has_sessions: bool, recorders: Recorders | None) -> Decision.Coverage:
    """The code of what stood beside an item: none seen is not the same as nobody looking."""
    if has_sessions:
        return Decision.Coverage.SESSIONS
    return Decision.Coverage.NO_SESSION if recorders else Decision.Coverage.NOT_RECORDED


@dataclass(frozen=True)
class Beside:
    """Everything that stood beside one item at one moment, as a decision on it commits to."""

    item: ReviewItem
    sessions: list[SessionFact]
    recorders: Recorders | None
    words: str
    since: datetime
    until: datetime

    @property
    def coverage(self) -> Decision.Coverage:
        """Sessions, no session, or not recorded."""
        return coverage(bool(self.sessions), self.recorders)

    @property
    def recorder_seen_at(self) -> datetime | None:
        """The last sign of life of the recorders, where there are any."""
        return self.recorders.seen_at if self.recorders else None

    def shown(self) -> tuple[bytes, bytes]:
        """Digest and bytes of what was on the screen (docs/evidence-format.md, *shown*)."""
        item = self.item
        body = canonical.encode(
            {
                "v": 1,
                "campaign": item.campaign.code,
                "item": item.number,
                "leaf": item.leaf,
                "cards": {
                    "account": item.account_card,
                    "entitlement": item.entitlement_card,
                    "subject": item.subject_card,
                },
                "words_sha256": sha256(self.words.encode()).hexdigest() if self.words else None,
                "is_privileged": item.is_privileged,
                "since": item.since,
                "last_used_at": item.last_used_at,
                "last_used_source": item.last_used_source,
                "delta": item.delta,
                "window": {"from": self.since, "until": self.until},
                "sessions": [
                    {"code": fact.code, "relation": fact.relation, "sha256": fact.sha256 or None}
                    for fact in sorted(self.sessions, key=lambda fact: fact.code)
                ],
                "coverage": self.coverage,
                "recorder_seen_at": self.recorder_seen_at,
            }
        )
        return sha256(body).digest(), body


def beside(items: Sequence[ReviewItem], campaign: Campaign, at: datetime, *, user: User) -> dict[int, Beside]:
    """For each item by key what stands beside it, in a constant number of queries."""
    since, until = window(campaign, at)
    sessions = sessions_beside(items, campaign, at, user=user)
    recorders = recorders_of({item.system_id for item in items}, at)
    rights = {item.entitlement_id for item in items if item.entitlement_id}
    words = dict(Entitlement.objects.filter(pk__in=rights).values_list("pk", "plain_words"))
    return {
        item.pk: Beside(
            item,
            sessions[item.pk],
            recorders.get(item.system_id),
            words.get(item.entitlement_id or 0, ""),
            since,
            until,
        )
        for item in items
    }


def links(decision: Decision, stood: Beside) -> list[EvidenceLink]:
    """The rows that tie a decision to each session that stood beside it; not saved."""
    return [
        EvidenceLink(
            decision=decision,
            session_id=fact.id,
            session_code=fact.code,
            sha256=fact.sha256,
            relation=fact.relation,
            opened_at=fact.opened_at,
        )
        for fact in stood.sessions
    ]
