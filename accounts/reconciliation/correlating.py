"""Correlation without a reading: what rules would find among accounts that stand, and doing it.

The same statements as for readings decide, over all accounts that belong to nobody known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from accounts.models import CorrelationRule
from accounts.models.correlation import Claim, claims_of
from accounts.reconciliation import changes, links
from accounts.reconciliation.reading import Reading
from accounts.reconciliation.runs import ADVISORY_LOCK
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb

MOST_LOOKED_AT: Final = 50_000  # accounts, while somebody waits for a page
SAMPLES: Final = 20

COUNTS = """
SELECT count(*) FILTER (WHERE identity_id IS NOT NULL), count(*) FILTER (WHERE claims IS NOT NULL),
  count(*) FILTER (WHERE doubt <> ''), (SELECT count(*) FROM staging_claim) FROM staging_link
"""
# Claims that would be taken back: an account has some now, and would have none and nobody.
UNCLAIMED = """
SELECT count(*) FROM staging_claim c JOIN accounts_account a ON a.id = c.account_id
WHERE a.claims <> '[]' AND NOT EXISTS (SELECT FROM staging_link l WHERE l.account_id = c.account_id
  AND (l.claims IS NOT NULL OR l.identity_id IS NOT NULL))
"""
# What would be new comes first: links, then claims that nobody has seen.
SAMPLE = """
SELECT l.account_id, l.identity_id, l.confidence, l.doubt, l.claims
FROM staging_link l JOIN accounts_account a ON a.id = l.account_id
WHERE l.identity_id IS NOT NULL OR l.claims IS NOT NULL
ORDER BY l.identity_id IS NULL, l.claims IS NOT DISTINCT FROM a.claims, lower(a.name), a.id LIMIT %(shown)s
"""


class Standing(Reading):
    """Accounts that belong to nobody, asked about as a reading of people asks: without a file."""

    def __init__(self) -> None:
        self._cursor = connection.cursor()
        self.told = {}

    @property
    def is_of_people(self) -> bool:
        """Accounts that are known are looked at, none are new."""
        return True


@dataclass(frozen=True, slots=True)
class Example:
    """One account with whom it would get, or who would be proposed."""

    account_id: int
    identity_id: UUID | None
    confidence: int | None
    doubt: str
    claims: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rules would do now. `is_whole` is False where more accounts wait than were looked at."""

    looked_at: int
    linked: int
    claimed: int
    doubted: int
    unclaimed: int
    examples: Sequence[Example]
    is_whole: bool


def look(rules: Sequence[CorrelationRule]) -> Outcome:
    """What these rules would link and propose among accounts that belong to nobody; nothing is written."""
    standing = Standing()
    with transaction.atomic():
        standing.clear()
        with standing.in_bulk():
            links.decide(standing, rules=rules, most=MOST_LOOKED_AT)
        linked, claimed, doubted, looked_at = standing.one(COUNTS)
        unclaimed = standing.one(UNCLAIMED)[0]
        examples = [
            Example(account, identity, sure, doubt, claims_of(claims))
            for account, identity, sure, doubt, claims in standing.rows(SAMPLE, shown=SAMPLES)
        ]
        standing.clear()
    return Outcome(looked_at, linked, claimed, doubted, unclaimed, examples, looked_at < MOST_LOOKED_AT)


@transaction.atomic
def apply(rule: CorrelationRule, *, actor: Actor) -> int:
    """Correlate all accounts that belong to nobody by the rules in force; returns how many changed.

    The event is about the rule whose change asked for it, and commits to every row that was changed.
    """
    standing = Standing()
    standing.execute("SELECT pg_advisory_xact_lock(%(lock)s)", lock=ADVISORY_LOCK)
    standing.clear()
    with standing.in_bulk():
        changes.note(standing)
        links.decide(standing)
        links.write(standing)
    linked = standing.one("SELECT count(*) FROM changed_row WHERE change = 'linked'")[0]
    changed, digest = changes.digest(standing)
    if changed:
        facts = {"linked": linked, "changed": changed, "changed_digest": digest}
        record(Verb.CORRELATION_APPLIED, rule, actor=actor, facts=facts)
    standing.clear()
    return changed
