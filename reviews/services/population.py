"""The population of a campaign: as a launch would freeze it now, and as it was frozen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Identity, reach
from portal.users.models import User
from reviews.models import Campaign
from reviews.services import population_sql as sql
from reviews.services import readings
from reviews.services.readings import SourceLine

LEFT_OUT = {
    "privileged_unknown": _("nobody knows whether the right is privileged"),
    "no_reviewer": _("nobody may decide on it, not even the fallback"),
    "removal_on_its_way": _("its removal has been asked for already"),
    "no_session_reach": _("opens no privileged session on the chosen systems, as far as known"),
    "not_privileged": _("not a privileged right"),
    "kind_not_chosen": _("of a kind of identity that was not chosen"),
    "credentials_not_chosen": _("credentials were not chosen"),
    "not_of_a_machine": _("a credential of a person, not of a machine"),
    "nothing_held": _("an account that holds no right, as far as known"),
    "account_gone": _("its account is proved gone"),
}
RULES = {
    "manager": _("their manager"),
    "manager_up": _("next manager up, because the manager is missing, on leave, gone or may not decide"),
    "owner": _("the owner, who attests the need"),
    "system_owner": _("the system’s owner"),
    "system_owner_up": _("the system owner’s manager, because the owner is missing or may not decide"),
    "fallback": _("fallback, because nobody else is there or may decide"),
    "fallback_up": _("the fallback’s manager, because the fallback may not decide"),
}
# What a campaign says loudly although it is left out.
LOUD = ("privileged_unknown", "no_reviewer")
WORDS_WANTED = 90  # per cent of items whose right is described in words
WORDLESS = {"without": _("without words"), "suggested": _("only suggested")}  # as the list of rights has it


@dataclass(frozen=True)
class Slice:
    """A part of the population or of what is left out, and how many it has."""

    code: str
    count: int
    label: object = ""
    system_code: str = ""


@dataclass(frozen=True)
class ReviewerShare:
    """What somebody gets to decide, and by which rules."""

    identity: Identity
    count: int
    rules: list[object]
    can_sign_in: bool


@dataclass(frozen=True)
class Population:
    """Counts of what is in, who decides, what is out, and the readings it rests on."""

    at: datetime
    total: int
    by_system: list[Slice]
    by_kind: list[Slice]
    reviewers: list[ReviewerShare]
    left_out: list[Slice]
    sources: list[SourceLine]
    rights: int
    wordless: list[Slice]  # items without words, or with words that were only suggested, by system
    fingerprint: str = ""
    is_frozen: bool = False
    systems_outside: list[Slice] = field(default_factory=list)

    @property
    def reds(self) -> list[SourceLine]:
        """The sources that only a signed exception goes on with."""
        return [line for line in self.sources if line.red]

    @property
    def loud(self) -> list[Slice]:
        """What is left out and should worry somebody."""
        return [part for part in self.left_out if part.code in LOUD]

    @property
    def left_out_total(self) -> int:
        """Everything of the chosen systems that is not in the review."""
        return sum(part.count for part in self.left_out)

    @property
    def words_percent(self) -> int | None:
        """How many items have a right with words, rounded down; None where none has a right."""
        return 100 * self._with_words // self.rights if self.rights else None

    @property
    def needs_words(self) -> bool:
        """Too few items say what their right lets somebody do."""
        return self.words_percent is not None and self.words_percent < WORDS_WANTED

    @property
    def _with_words(self) -> int:
        return self.rights - sum(part.count for part in self.wordless)

    @property
    def without_reviewer(self) -> int:
        """Nobody may decide on these; a launch refuses."""
        return sum(part.count for part in self.left_out if part.code == "no_reviewer")


def gather(campaign: Campaign, at: datetime) -> None:
    """Fill the temporary table of this transaction with everything of the campaign's systems.

    Of a campaign about session reach, also with what opens sessions there and is held at gateways.
    """
    systems = list(campaign.systems.by_code())
    reach.stage(systems if campaign.session_reach else [], at)
    parameters: dict[str, Any] = {
        "systems": [system.pk for system in systems],
        "session_reach": campaign.session_reach,
        "kinds": list(campaign.kinds),
        "privileged_only": campaign.privileged_only,
        "with_credentials": campaign.with_credentials,
        "fallback": campaign.fallback_id,
        "creator": User.objects.filter(pk=campaign.created_by_id)
        .values_list("identity_id", flat=True)
        .first(),
        "used_since": at - timedelta(days=campaign.evidence_days),
        "at": at,
    }
    with connection.cursor() as cursor:
        # One wide pass: compiling it takes longer than running it, and it sorts what it has read.
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '128MB'")
        cursor.execute("DROP TABLE IF EXISTS pg_temp.staging_population")
        cursor.execute(sql.GATHER, parameters)
        # Whether it holds ten rows or a million decides how everything that reads it should be planned.
        cursor.execute("ANALYZE pg_temp.staging_population")


@transaction.atomic
def preview(campaign: Campaign, at: datetime) -> Population:
    """Exactly what a launch at `at` would freeze."""
    gather(campaign, at)
    return staged(campaign, at)


def staged(campaign: Campaign, at: datetime) -> Population:
    """What the gathered table holds."""
    with connection.cursor() as cursor:
        cursor.execute(sql.FINGERPRINT)
        fingerprint = str(cursor.fetchone()[0])
    items = {(row["system_code"], row["source_id"]): row["n"] for row in _rows(sql.BY_SOURCE, {})}
    lines = readings.behind(campaign, at, items=items)
    return _population(campaign, at, sql.STAGED, lines, fingerprint=fingerprint)


def frozen(campaign: Campaign) -> Population:
    """As it was frozen, with the reviewers as they are now."""
    launched_at = campaign.launched_at or campaign.created_at
    return _population(campaign, launched_at, sql.FROZEN, readings.frozen(campaign), is_frozen=True)


def page_of_items(
    campaign: Campaign, *, offset: int, limit: int, reviewer: UUID | None = None
) -> list[dict[str, Any]]:
    """Rows to look at, in the order of the launch; a draft's table must have been gathered before."""
    relation = sql.STAGED if campaign.state == Campaign.State.DRAFT else sql.FROZEN
    parameters = {"campaign": campaign.pk, "offset": offset, "limit": limit, "reviewer": reviewer}
    return _rows(sql.ITEMS.format(items=relation.items, order=relation.order), parameters)


def page_left_out(campaign: Campaign, *, code: str, offset: int, limit: int) -> list[dict[str, Any]]:
    """Rows of what is left out; `code` narrows it to one reason."""
    relation = sql.STAGED if campaign.state == Campaign.State.DRAFT else sql.FROZEN
    parameters = {"campaign": campaign.pk, "code": code, "offset": offset, "limit": limit}
    return _rows(sql.LEFT_OUT_ROWS.format(left_out=relation.left_out), parameters)


def _population(
    campaign: Campaign,
    at: datetime,
    relation: sql.Relation,
    lines: list[SourceLine],
    *,
    fingerprint: str = "",
    is_frozen: bool = False,
) -> Population:
    parameters = {"campaign": campaign.pk}
    by_system = _rows(sql.BY_SYSTEM.format(items=relation.items), parameters)
    by_kind = _rows(sql.BY_KIND.format(items=relation.items), parameters)
    words = _rows(sql.WORDS.format(items=relation.items), parameters)
    kinds = dict(Identity.Kind.choices)
    left_out = [
        Slice(row["code"], row["n"], LEFT_OUT.get(row["code"], row["code"]), row["system_code"])
        for row in _rows(sql.BY_REASON.format(left_out=relation.left_out), parameters)
    ]
    order = list(LEFT_OUT)
    return Population(
        at=at,
        total=sum(row["n"] for row in by_system),
        by_system=[Slice(row["kind"], row["n"], row["kind"], row["system_code"]) for row in by_system],
        by_kind=[
            Slice(row["subject_kind"], row["n"], kinds.get(row["subject_kind"], _("nobody known")))
            for row in by_kind
        ],
        reviewers=_reviewers(_rows(sql.BY_REVIEWER.format(items=relation.items), parameters)),
        left_out=sorted(
            left_out, key=lambda part: order.index(part.code) if part.code in order else len(order)
        ),
        sources=lines,
        rights=sum(row["rights"] for row in words),
        wordless=[
            Slice(code, row[code], WORDLESS[code], row["system_code"])
            for row in words
            for code in WORDLESS
            if row[code]
        ],
        fingerprint=fingerprint,
        is_frozen=is_frozen,
        systems_outside=[
            Slice(row["code"], row["n"], row["name"], row["code"])
            for row in _rows(sql.OUTSIDE, parameters)
            if row["n"]
        ],
    )


def _reviewers(rows: Sequence[Mapping[str, Any]]) -> list[ReviewerShare]:
    """One line a reviewer, the largest share first."""
    people = Identity.objects.in_bulk({row["reviewer_id"] for row in rows})
    users = set(
        User.objects.filter(identity_id__in=list(people), is_active=True).values_list(
            "identity_id", flat=True
        )
    )
    counts: dict[UUID, int] = {}
    rules: dict[UUID, list[object]] = {}
    for row in rows:
        key = row["reviewer_id"]
        counts[key] = counts.get(key, 0) + row["n"]
        rules.setdefault(key, []).append(RULES.get(row["reviewer_rule"], row["reviewer_rule"]))
    ordered = sorted(counts, key=lambda key: (-counts[key], people[key].name))
    return [ReviewerShare(people[key], counts[key], rules[key], key in users) for key in ordered]


def shares() -> Iterator[tuple[UUID, int]]:
    """Reviewer and number of items, of the gathered table, in the order of the keys."""
    for row in _rows(sql.SHARES, {}):
        yield row["reviewer_id"], row["n"]


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
