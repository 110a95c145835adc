"""Records into temporary tables: what does not fit or comes twice is rejected with its line."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from json import dumps
from typing import Any

from django.db.models import Model

from accounts import models
from accounts.connectors import records
from accounts.connectors.records import Record, Rejected
from accounts.reconciliation.reading import Reading
from portal.audit.models import uuid7

BATCH = 5000
Limits = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Staged:
    """One kind of record and the table it waits in."""

    kind: str
    create: str
    copy: str
    twins: str  # finds rows with the same key and takes them out, all but the first
    row: Callable[[Any], tuple[Any, ...]]
    limits: Limits


def _limits(model: type[Model], **fields: str) -> Limits:
    """How long a value of the record may be, by the column it goes to."""
    columns = {column.name: column for column in model._meta.fields}
    return tuple((name, int(columns[column].max_length or 0)) for name, column in fields.items())


def _person(person: records.Person) -> tuple[Any, ...]:
    manager = person.manager_number or person.sponsor_number  # a sponsor is who answers for a contractor
    return (
        person.line, person.number, person.name, person.email, person.employer, person.kind, person.title,
        person.department, manager, person.starts_on, person.ends_on, person.status, uuid7(),
    )  # fmt: skip


def _account(account: records.Account) -> tuple[Any, ...]:
    hints = dict(account.hints)
    source = account.last_used_source
    return (
        account.line, account.external_id, account.name, account.display_name, account.kind,
        account.identity_kind, account.identity_key, account.employee_number, account.email,
        account.is_enabled, account.created_at, account.last_used_at, source[:100] if source else None,
        hints.get("purpose"), hints.get("environment"), uuid7() if account.identity_key else None,
        account.expires_at, dumps(hints) if hints else None,
    )  # fmt: skip


def _entitlement(right: records.Entitlement) -> tuple[Any, ...]:
    says_more = right.plain_words or right.because or right.is_privileged is not None or right.acts_as
    is_bare = not says_more and right.name == right.external_id
    return (
        right.line, right.external_id, right.name, right.kind, right.plain_words, right.is_privileged,
        right.because, is_bare, sorted(set(right.marks)), right.reach, right.acts_as, right.acts_on,
        right.removable_at, right.risk,
    )  # fmt: skip


def _grant(grant: records.Grant) -> tuple[Any, ...]:
    return (
        grant.line, grant.account, grant.entitlement, grant.via, grant.starts_at, grant.ends_at,
        grant.last_used_at, grant.is_eligible,
    )  # fmt: skip


def _inclusion(inclusion: records.Inclusion) -> tuple[Any, ...]:
    return (inclusion.line, inclusion.parent, inclusion.child)


def _credential(credential: records.Credential) -> tuple[Any, ...]:
    return (
        credential.line, credential.account, credential.kind, credential.fingerprint, credential.is_active,
        credential.created_at, credential.rotated_at, credential.expires_at, credential.last_used_at,
        credential.is_slot, credential.storage, credential.weakness,
    )  # fmt: skip


KINDS: dict[type, Staged] = {
    records.Person: Staged(
        "person",
        """CREATE TEMP TABLE raw_person (line int, number text, name text, email text, employer text,
        kind text, title text, department text, manager_number text, starts_on date, ends_on date,
        status text, fresh uuid) ON COMMIT DROP""",
        "COPY raw_person FROM STDIN",
        # All of them: whose number it is cannot be told.
        """DELETE FROM raw_person r
        WHERE number IN (SELECT number FROM raw_person GROUP BY 1 HAVING count(*) > 1)
        RETURNING r.line, r.number""",
        _person,
        _limits(models.Identity, name="name", email="email")
        + _limits(
            models.Engagement,
            number="number",
            employer="employer",
            title="title",
            department="department",
            manager_number="manager_number",
            sponsor_number="manager_number",
        ),
    ),
    records.Entitlement: Staged(
        "entitlement",
        """CREATE TEMP TABLE raw_entitlement (line int, external_id text, name text, kind text,
        plain_words text, is_privileged boolean, because text, is_bare boolean, marks text[], reach text,
        acts_as text, acts_on text, removable_at text, risk text) ON COMMIT DROP""",
        "COPY raw_entitlement FROM STDIN",
        """DELETE FROM raw_entitlement r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY external_id ORDER BY line) AS n
          FROM raw_entitlement
          WHERE external_id IN (SELECT external_id FROM raw_entitlement GROUP BY 1 HAVING count(*) > 1)) twin
        WHERE r.ctid = twin.place AND twin.n > 1 RETURNING r.line, r.external_id""",
        _entitlement,
        _limits(
            models.Entitlement,
            external_id="external_id",
            name="name",
            acts_as="acts_as_name",
            acts_on="acts_on_name",
            removable_at="removable_at",
        ),
    ),
    records.Inclusion: Staged(
        "inclusion",
        "CREATE TEMP TABLE raw_inclusion (line int, parent text, child text) ON COMMIT DROP",
        "COPY raw_inclusion FROM STDIN",
        # Said twice is said once: nothing differs between them.
        """WITH twins AS (DELETE FROM raw_inclusion r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY parent, child ORDER BY line) AS n
          FROM raw_inclusion) twin WHERE r.ctid = twin.place AND twin.n > 1)
        SELECT line, child FROM raw_inclusion WHERE false""",
        _inclusion,
        _limits(models.Entitlement, parent="external_id", child="external_id"),
    ),
    records.Account: Staged(
        "account",
        """CREATE TEMP TABLE raw_account (line int, external_id text, name text, display_name text, kind text,
        identity_kind text, identity_key text, employee_number text, email text, is_enabled boolean,
        created_at timestamptz, last_used_at timestamptz, last_used_source text, purpose text,
        environment text, fresh uuid, expires_at timestamptz, hints jsonb) ON COMMIT DROP""",
        "COPY raw_account FROM STDIN",
        """DELETE FROM raw_account r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY external_id ORDER BY line) AS n
          FROM raw_account
          WHERE external_id IN (SELECT external_id FROM raw_account GROUP BY 1 HAVING count(*) > 1)) twin
        WHERE r.ctid = twin.place AND twin.n > 1 RETURNING r.line, r.external_id""",
        _account,
        _limits(
            models.Account,
            external_id="external_id",
            name="name",
            display_name="display_name",
            email="email",
            employee_number="employee_number",
        )
        + _limits(models.Identity, identity_key="name"),
    ),
    records.Grant: Staged(
        "grant",
        """CREATE TEMP TABLE raw_grant (line int, account text, entitlement text, via text,
        starts_at timestamptz, ends_at timestamptz, last_used_at timestamptz, is_eligible boolean)
        ON COMMIT DROP""",
        "COPY raw_grant FROM STDIN",
        """DELETE FROM raw_grant r USING (
          SELECT ctid AS place,
            row_number() OVER (PARTITION BY account, entitlement, via, is_eligible ORDER BY line) AS n
          FROM raw_grant WHERE (account, entitlement) IN (
            SELECT account, entitlement FROM raw_grant
            GROUP BY account, entitlement, via, is_eligible HAVING count(*) > 1)) twin
        WHERE r.ctid = twin.place AND twin.n > 1 RETURNING r.line, r.account""",
        _grant,
        _limits(models.Account, account="external_id")
        + _limits(models.Entitlement, entitlement="external_id", via="external_id"),
    ),
    records.Credential: Staged(
        "credential",
        """CREATE TEMP TABLE raw_credential (line int, account text, kind text, fingerprint text,
        is_active boolean, created_at timestamptz, rotated_at timestamptz, expires_at timestamptz,
        last_used_at timestamptz, is_slot boolean, storage text, weakness text) ON COMMIT DROP""",
        "COPY raw_credential FROM STDIN",
        """DELETE FROM raw_credential r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY account, kind, fingerprint ORDER BY line) AS n
          FROM raw_credential WHERE (account, kind, fingerprint) IN (
            SELECT account, kind, fingerprint FROM raw_credential GROUP BY 1, 2, 3 HAVING count(*) > 1)) twin
        WHERE r.ctid = twin.place AND twin.n > 1 RETURNING r.line, r.account""",
        _credential,
        _limits(models.Account, account="external_id")
        + _limits(models.Credential, fingerprint="fingerprint", storage="storage", weakness="weakness"),
    ),
}

# Whatever an earlier reading of the same transaction left; ON COMMIT DROP does it otherwise.
CLEAR = """DROP TABLE IF EXISTS raw_person, raw_entitlement, raw_account, raw_inclusion, raw_grant,
raw_credential, staging_person, staging_identity, staging_entitlement, staging_account, staging_bond,
staging_inclusion, staging_right, staging_grant, staging_credential, staging_claim, staging_candidate,
staging_machine, staging_link, gone_engagement, gone_account, gone_inclusion, gone_grant, gone_credential,
changed_row"""


def load(reading: Reading, found: Iterable[Record], *, seen: Callable[[int], None]) -> None:
    """Fill the raw tables from the connector's records; `seen(line)` is told how far it has come."""
    reading.execute(CLEAR)
    waiting: dict[type, list[tuple[Any, ...]]] = {}
    for kind, staged in KINDS.items():
        reading.execute(staged.create)
        waiting[kind] = []
    for record in found:
        if isinstance(record, Rejected):
            reading.reject(record)
            continue
        staged, rows = KINDS[type(record)], waiting[type(record)]
        if (unfit := _unfit(record, staged.limits)) is not None:
            reading.reject(unfit)
            continue
        rows.append(staged.row(record))
        if len(rows) >= BATCH:
            reading.copy(staged.copy, rows)
            rows.clear()
            seen(record.line)
    for kind, staged in KINDS.items():
        reading.copy(staged.copy, waiting[kind])
        _reject_twins(reading, staged)
        reading.execute(f"ANALYZE raw_{staged.kind}")


def _unfit(record: Record, limits: Limits) -> Rejected | None:
    for name, limit in limits:
        value = getattr(record, name)
        if value is not None and len(value) > limit:
            words = name.replace("_", " ")
            reason = f"The {words} has {len(value)} characters, at most {limit} are kept. Shorten it there."
            return Rejected(record.line, "too_long", reason, value[:200])
    return None


def _reject_twins(reading: Reading, staged: Staged) -> None:
    for line, key in sorted(reading.rows(staged.twins)):
        if staged.kind == "person":
            reason = (
                "The number stands in this file for more than one company. A source carries the numbers of "
                "one: split the file, and give each company a source of its own."
            )
            reading.reject(Rejected(line, "number_of_two_companies", reason, key[:200]))
        else:
            reason = f"This {staged.kind} is in the file more than once. Export it again."
            reading.reject(Rejected(line, f"duplicate_{staged.kind}", reason, key[:200]))
