"""The lines of a review as the page draws them, gathered in a constant number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Membership,
    Revocation,
    System,
)
from portal.users.models import User
from reviews.models import Campaign, Decision, ReviewItem
from reviews.models.worklist import Place
from reviews.services import evidence, reviewers, verdicts
from reviews.services.evidence import Recorders, Tally
from reviews.views import words

OLD_SECRET_DAYS = 365


@dataclass(frozen=True)
class Option:
    """One verdict as a button."""

    verdict: str
    label: object
    key: str
    is_pressed: bool

    @property
    def removes(self) -> bool:
        """Drawn in the colour of ending."""
        return self.verdict in {ReviewItem.Verdict.REVOKE, ReviewItem.Verdict.SHUT_DOWN}


@dataclass(frozen=True)
class Row:
    """Everything that the page says about one item."""

    item: ReviewItem
    account: Account
    system: System
    subject: Identity | None
    right: Entitlement | None
    grant: Grant | None
    credential: Credential | None
    members: list[Identity]
    decision: Decision | None
    revocation: Revocation | None
    reading: ImportRun | None
    ended_by: ImportRun | None
    tally: Tally
    recorders: Recorders | None
    at: datetime
    is_mine: bool
    is_own: bool
    was_reviewed_before: bool
    place: int = 0
    group: str = ""
    starts_group: bool = False
    tags: list[tuple[str, object]] = field(default_factory=list)

    @property
    def change(self) -> str:
        """What changed since the last review of this system; nothing where there was none."""
        return (
            self.item.delta if self.was_reviewed_before and self.item.delta != ReviewItem.Delta.SAME else ""
        )

    @property
    def campaign(self) -> Campaign:
        """Whose item it is."""
        return self.item.campaign

    @property
    def may_decide(self) -> bool:
        """The reviewer, while it runs, unless it is their own."""
        return self.is_open and not self.is_own

    @property
    def is_open(self) -> bool:
        """Something can still be done about it by the reviewer."""
        running = (
            self.campaign.state == Campaign.State.LAUNCHED and self.item.assignment.signed_off_at is None
        )
        return self.is_mine and running and not self.item.ended_as

    @property
    def may_tick(self) -> bool:
        """It can be decided together with others of the same right."""
        return self.may_decide and not verdicts.goes_alone(self.item, self.account)

    @property
    def anchor(self) -> str:
        """Where the line stands on its page."""
        return f"item-{self.item.number}"

    @property
    def name(self) -> str:
        """Who it is about, or the account where nobody is known."""
        return self.subject.name if self.subject else self.account.name

    @property
    def kind(self) -> str:
        """For the face: a machine's drawing for accounts of nobody known."""
        return self.subject.kind if self.subject else "service"

    @property
    def line(self) -> str:
        """One line about them."""
        return words.about(self.subject, self.account, self.members)

    @property
    def title(self) -> str:
        """The right in words, or by its name; of a credential what it is."""
        if self.right is not None:
            return self.right.plain_words.rstrip(". ") or self.right.name
        return words.of_credential(self.credential) if self.credential else _("unknown")

    @property
    def has_no_words(self) -> bool:
        """Nobody has said what the right lets somebody do."""
        return self.right is not None and not self.right.plain_words

    @property
    def options(self) -> list[Option]:
        """The three verdicts of the row, by key."""
        main = verdicts.main_of(self.item)
        return [self._option(verdict, str(number)) for number, verdict in enumerate(main, 1)]

    @property
    def more(self) -> list[Option]:
        """The others."""
        return [self._option(verdict, "") for verdict in verdicts.more_of(self.item)]

    def _option(self, verdict: ReviewItem.Verdict, key: str) -> Option:
        return Option(verdict.value, verdict.label, key, self.item.verdict == verdict)

    @property
    def used_in(self) -> str:
        """The code of the session that shows the last use, where it was a session that showed it."""
        what, _space, code = self.item.last_used_source.partition(" ")
        return code if what == "session" else ""

    @property
    def reasons(self) -> list[tuple[str, str, bool]]:
        """Offered reasons: as kept, as read, and whether it is the one that stands."""
        current = self.decision.reason if self.decision else ""
        return [(text, _(text), text == current) for text in verdicts.reasons_for(self.item.verdict)]

    @property
    def reason_words(self) -> str:
        """The reason that stands, as read."""
        current = self.decision.reason if self.decision else ""
        return _(current) if current else ""

    @property
    def more_pressed(self) -> bool:
        """What was decided is one of the others."""
        return any(option.is_pressed for option in self.more)

    @property
    def own_reason(self) -> str:
        """What stands, when it is none of those offered."""
        current = self.decision.reason if self.decision else ""
        return "" if current in verdicts.reasons_for(self.item.verdict) else current

    @property
    def then(self) -> str:
        """What happens then."""
        return words.then(self.item.verdict, self.system, self.decision, self.account)

    @property
    def latest_end(self) -> str:
        """The last day a limit may name, as a date field takes it."""
        decided_at = self.item.decided_at or self.at
        return timezone.localtime(decided_at + verdicts.longest_limit(self.right)).date().isoformat()

    @property
    def end(self) -> str:
        """The agreed end as a date field takes it."""
        ends_at = self.decision.ends_at if self.decision else None
        return timezone.localtime(ends_at).date().isoformat() if ends_at else ""

    def bounded_end(self, chosen: datetime | None) -> datetime | None:
        """A day that was chosen ends late; on the last day allowed it ends when it must.

        The day that stands already is the end that stands, to the second.
        """
        if chosen is None:
            return None
        day, stands = timezone.localtime(chosen).date(), self.decision.ends_at if self.decision else None
        if stands is not None and timezone.localtime(stands).date() == day:
            return stands
        longest = self.at + verdicts.longest_limit(self.right)
        is_last = day == timezone.localtime(longest).date()
        return min(chosen, longest - timedelta(seconds=1)) if is_last else chosen

    @property
    def coverage(self) -> str:
        """Sessions, no session, or not recorded."""
        return evidence.coverage(bool(self.tally.total), self.recorders).value


def gather(
    items: Sequence[ReviewItem], *, user: User, at: datetime, places: Sequence[Place] = ()
) -> list[Row]:
    """The rows of these items, in their order. All of them are of one campaign."""
    if not items:
        return []
    campaign = items[0].campaign
    accounts = Account.objects.select_related("system").prefetch_related("system__carriers")
    accounts_by_key = accounts.in_bulk({item.account_id for item in items})
    grants = Grant.objects.select_related("via").in_bulk(_keys(item.grant_id for item in items))
    rights = Entitlement.objects.in_bulk(_keys(item.entitlement_id for item in items))
    credentials = Credential.objects.in_bulk(_keys(item.credential_id for item in items))
    subjects = Identity.objects.select_related("owner", "deputy").in_bulk(
        _keys(item.subject_id for item in items)
    )
    runs = ImportRun.objects.select_related("source").in_bulk(
        _keys(key for item in items for key in (item.run_id, item.ended_run))
    )
    members = _members(accounts_by_key.values(), at)
    decisions = _standing(items)
    removals = _removals(items)
    tallies = evidence.tallies(accounts_by_key, campaign, at)
    recorders = evidence.recorders_of({item.system_id for item in items}, at)
    barred = reviewers.barred_of(items, at)
    reviewed = reviewed_before(campaign)
    where = {place.item_id: place for place in places}
    rows, group = [], ""
    for item in items:
        account, spot = accounts_by_key[item.account_id], where.get(item.pk)
        values: dict[str, Any] = {
            "item": item,
            "account": account,
            "system": account.system,
            "subject": subjects.get(item.subject_id),
            "right": rights.get(item.entitlement_id),
            "grant": grants.get(item.grant_id),
            "credential": credentials.get(item.credential_id),
            "members": members.get(account.pk, []),
            "decision": decisions.get(item.pk),
            "revocation": removals.get((item.kind, item.grant_id or item.credential_id))
            or removals.get(("account", account.pk)),
            "reading": runs.get(item.run_id),
            "ended_by": runs.get(item.ended_run),
            "tally": tallies.get(account.pk, Tally()),
            "recorders": recorders.get(item.system_id),
            "at": at,
            "is_mine": user.identity_id is not None and item.assignment.reviewer_id == user.identity_id,
            "is_own": user.identity_id in barred[item.pk],
            "was_reviewed_before": item.system_id in reviewed,
            "place": spot.place if spot else 0,
            "group": spot.group if spot else "",
            "starts_group": spot is not None and spot.group != group,
        }
        group = spot.group if spot else ""
        rows.append(Row(**values, tags=_tags(values)))
    return rows


def _keys(found: Iterable[Any]) -> set[Any]:
    return {key for key in found if key is not None}


def _members(accounts: Iterable[Account], at: datetime) -> dict[int, list[Identity]]:
    shared = [
        account.pk for account in accounts if account.kind in {Account.Kind.SHARED, Account.Kind.EMERGENCY}
    ]
    found: dict[int, list[Identity]] = {}
    running = Membership.objects.filter(account__in=shared, during__contains=at).select_related("identity")
    for membership in running.order_by("identity__name"):
        found.setdefault(membership.account_id, []).append(membership.identity)
    return found


def _standing(items: Sequence[ReviewItem]) -> dict[int, Decision]:
    keys = [item.pk for item in items if item.verdict]
    standing = Decision.objects.filter(item__in=keys, ordinal=F("item__ordinal"), stage=F("item__stage"))
    return {decision.item_id: decision for decision in standing}


def reviewed_before(campaign: Campaign) -> set[UUID]:
    """The systems that a campaign was closed over before this one began."""
    earlier = Campaign.objects.filter(closed_at__lte=campaign.launched_at or campaign.created_at)
    return set(earlier.filter(systems__in=campaign.systems.all()).values_list("systems", flat=True))


def _removals(items: Sequence[ReviewItem]) -> dict[tuple[str, int | None], Revocation]:
    """The newest revocation that was not withdrawn, by what it is of."""
    of_these = Revocation.objects.filter(
        Q(grant__in=_keys(item.grant_id for item in items))
        | Q(credential__in=_keys(item.credential_id for item in items))
        | Q(account__in={item.account_id for item in items})
    )
    found: dict[tuple[str, int | None], Revocation] = {}
    for revocation in of_these.exclude(state=Revocation.State.WITHDRAWN).order_by("decided_at", "pk"):
        for kind in ("grant", "credential", "account"):
            if key := getattr(revocation, f"{kind}_id"):
                found[kind, key] = revocation
    return found


def _tags(values: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What stands out, the gravest first: tone and words."""
    item, account, subject, grant = values["item"], values["account"], values["subject"], values["grant"]
    credential, at = values["credential"], values["at"]
    found: list[tuple[str, object]] = []
    if subject is not None and subject.status == Identity.Status.LEFT:
        found.append(("bad", _("has left")))
    if item.is_privileged:
        found.append(("bad", _("privileged")))
    elif item.is_privileged is None:
        found.append(("warn", _("privileged or not: unknown")))
    if account.kind == Account.Kind.EMERGENCY:
        found.append(("warn", _("emergency account")))
    if subject is not None and not subject.is_human and subject.owner_id is None:
        found.append(("bad", _("nobody answers for it")))
    if grant is not None and grant.via is not None:
        found.append(("warn", _("not removable here: comes through %(via)s") % {"via": grant.via}))
    if verdicts.is_unused(item, subject=subject, at=at):
        found.append(("warn", _("unused")))
    if credential is not None and (age := words.age_of(credential, at)) and age > OLD_SECRET_DAYS:
        text = ngettext("the same secret for %(days)d day", "the same secret for %(days)d days", age)
        found.append(("warn", text % {"days": age}))
    if grant is not None and item.is_privileged and grant.ends_at is None:
        found.append(("quiet", _("always on")))
    if account.is_enabled is False:
        found.append(("quiet", _("account is disabled")))
    return found


def group_label(row: Row, group: str) -> str:
    """What the lines of a group have in common."""
    if group == "system":
        return f"{row.system.code}, {row.system.name}"
    if group == "right":
        return row.title if row.right is not None else _("Credentials")
    return row.name


def item_ids(places: Iterable[Place]) -> list[int]:
    """Keys of a page."""
    return [place.item_id for place in places]


def in_order(items: Iterable[ReviewItem], keys: Sequence[int]) -> list[ReviewItem]:
    """As the page has them."""
    found = {item.pk: item for item in items}
    return [found[key] for key in keys if key in found]


def used_since(campaign: Campaign, at: datetime) -> datetime:
    """What was used before this counts as unused."""
    return evidence.window(campaign, at)[0]
