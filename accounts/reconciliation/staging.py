"""Records into tables of the reading's own: what does not fit or comes twice is rejected with its line.

The tables are UNLOGGED, in the schema `staging`, and stay until the reading is settled, so that applying it
does not read the file again. They are a copy that may be lost at any time: see `waiting`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from json import dumps
from operator import attrgetter
from typing import Any

from django.db.models import Model

from accounts import models
from accounts.connectors import records
from accounts.connectors.records import Record, Rejected
from accounts.reconciliation.reading import Reading
from portal.audit.models import uuid7

BATCH = 10_000
MOMENTS = 50_000
Limits = tuple[tuple[str, int], ...]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Staged:
    """One kind of record and the table it waits in."""

    kind: str
    columns: str
    twins: str  # finds rows with the same key and takes them out, all but the first; empty: looked for later
    row: Callable[[Any], Row]
    limits: Limits  # of the longest value of a column


def _limits(model: type[Model], **fields: str) -> Limits:
    """How long a value of a raw column may be, by the column it goes to."""
    columns = {column.name: column for column in model._meta.fields}
    return tuple((name, int(columns[column].max_length or 0)) for name, column in fields.items())


def _person(person: records.Person) -> Row:
    manager = person.manager_number or person.sponsor_number  # a sponsor is who answers for a contractor
    return (
        person.line, person.number, person.name, person.email, person.employer, person.kind, person.title,
        person.department, manager, person.starts_on, person.ends_on, person.status, uuid7(),
    )  # fmt: skip


def _account(account: records.Account) -> Row:
    hints = dict(account.hints)
    source = account.last_used_source
    return (
        account.line, account.external_id, account.name, account.display_name, account.kind,
        account.identity_kind, account.identity_key, account.employee_number, account.email,
        account.is_enabled, _text[account.created_at], _text[account.last_used_at],
        source[:100] if source else None,
        hints.get("purpose"), hints.get("environment"), uuid7() if account.identity_key else None,
        account.expires_at, dumps(hints) if hints else None,
    )  # fmt: skip


class _Texts(dict[datetime | None, str | None]):
    """Moments as text: the same few thousand stand in millions of rows, and writing one takes long."""

    def __missing__(self, moment: datetime | None) -> str | None:
        if moment is None:
            return None
        if len(self) > MOMENTS:
            self.clear()
        text = self[moment] = str(moment)
        return text


_text = _Texts()


def _grant(grant: records.Grant) -> Row:
    return (
        grant.line, grant.account, grant.entitlement, grant.via, _text[grant.starts_at], _text[grant.ends_at],
        _text[grant.last_used_at], grant.is_eligible,
    )  # fmt: skip


def _entitlement(right: records.Entitlement) -> Row:
    says_more = right.plain_words or right.because or right.is_privileged is not None
    leads = right.acts_as or right.acts_on or right.reach or right.marks
    is_bare = not says_more and not leads and right.name == right.external_id
    marks = "{" + ",".join(sorted(set(right.marks))) + "}"
    return (
        right.line, right.external_id, right.name, right.kind, right.plain_words, right.is_privileged,
        right.because, is_bare, marks, right.reach, right.acts_as, right.acts_on, right.removable_at,
        right.risk,
    )  # fmt: skip


KINDS: dict[type, Staged] = {
    records.Person: Staged(
        "person",
        """line int, number text, name text, email text, employer text, kind text, title text,
        department text, manager_number text, starts_on date, ends_on date, status text, fresh uuid""",
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
        ),
    ),
    records.Entitlement: Staged(
        "entitlement",
        """line int, external_id text, name text, kind text, plain_words text, is_privileged boolean,
        because text, is_bare boolean, marks text[], reach text, acts_as text, acts_on text,
        removable_at text, risk text""",
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
        "line int, parent text, child text",
        # Said twice is said once: nothing differs between them.
        """WITH twins AS (DELETE FROM raw_inclusion r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY parent, child ORDER BY line) AS n
          FROM raw_inclusion) twin WHERE r.ctid = twin.place AND twin.n > 1)
        SELECT line, child FROM raw_inclusion WHERE false""",
        attrgetter("line", "parent", "child"),
        _limits(models.Entitlement, parent="external_id", child="external_id"),
    ),
    records.Account: Staged(
        "account",
        """line int, external_id text, name text, display_name text, kind text, identity_kind text,
        identity_key text, employee_number text, email text, is_enabled boolean, created_at timestamptz,
        last_used_at timestamptz, last_used_source text, purpose text, environment text, fresh uuid,
        expires_at timestamptz, hints jsonb""",
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
        """line int, account text, entitlement text, via text, starts_at timestamptz, ends_at timestamptz,
        last_used_at timestamptz, is_eligible boolean""",
        "",  # by the keys of the record, which are shorter
        _grant,
        _limits(models.Account, account="external_id")
        + _limits(models.Entitlement, entitlement="external_id", via="external_id"),
    ),
    records.Credential: Staged(
        "credential",
        """line int, account text, kind text, fingerprint text, is_active boolean, created_at timestamptz,
        rotated_at timestamptz, expires_at timestamptz, last_used_at timestamptz, is_slot boolean,
        storage text, weakness text""",
        """DELETE FROM raw_credential r USING (
          SELECT ctid AS place, row_number() OVER (PARTITION BY account, kind, fingerprint ORDER BY line) AS n
          FROM raw_credential WHERE (account, kind, fingerprint) IN (
            SELECT account, kind, fingerprint FROM raw_credential GROUP BY 1, 2, 3 HAVING count(*) > 1)) twin
        WHERE r.ctid = twin.place AND twin.n > 1 RETURNING r.line, r.account""",
        attrgetter(
            "line", "account", "kind", "fingerprint", "is_active", "created_at", "rotated_at", "expires_at",
            "last_used_at", "is_slot", "storage", "weakness",
        ),
        _limits(models.Account, account="external_id")
        + _limits(models.Credential, fingerprint="fingerprint", storage="storage", weakness="weakness"),
    ),
}  # fmt: skip


def load(reading: Reading, found: Iterable[Record], *, seen: Callable[[int], None]) -> None:
    """Fill the raw tables from the connector's records; `seen(line)` is told how far it has come."""
    waiting: dict[type, list[Row]] = {kind: [] for kind in KINDS}
    for staged in KINDS.values():
        reading.execute(f"CREATE UNLOGGED TABLE raw_{staged.kind} ({staged.columns})")
    rows_of = {kind: staged.row for kind, staged in KINDS.items()}
    for record in found:
        kind = type(record)
        if isinstance(record, Rejected):
            reading.reject(record)
            continue
        rows = waiting[kind]
        rows.append(rows_of[kind](record))
        if len(rows) >= BATCH:
            _send(reading, KINDS[kind], rows)
            rows.clear()
            seen(record.line)
    for kind, staged in KINDS.items():
        _send(reading, staged, waiting[kind])
        _reject_unfit(reading, staged)
        if staged.twins:
            reject_twins(reading, staged.kind, reading.rows(staged.twins))
        reading.execute(f"ANALYZE raw_{staged.kind}")


def reject_twins(reading: Reading, kind: str, twins: Iterable[Row]) -> None:
    """What a file says twice of one thing is not used twice."""
    for line, key in sorted(twins):
        if kind == "person":
            reason = (
                "The number stands in this file for more than one company. A source carries the numbers of "
                "one: split the file, and give each company a source of its own."
            )
            reading.reject(Rejected(line, "number_of_two_companies", reason, key[:200]))
        else:
            reason = f"This {kind} is in the file more than once. Export it again."
            reading.reject(Rejected(line, f"duplicate_{kind}", reason, key[:200]))


def _send(reading: Reading, staged: Staged, rows: Sequence[Row]) -> None:
    """The rows as CSV, which the csv module writes many times faster than rows are sent one by one."""
    text = io.StringIO()
    # It quotes what the line end holds, so both of its characters are safe inside a value.
    csv.writer(text, lineterminator="\r\n").writerows(row for row in rows if "" not in row)
    # It writes nothing for None and for "" alike, and nothing stands for NULL.
    text.writelines(_with_empty(row) for row in rows if "" in row)
    if rows:
        reading.fill(f"COPY raw_{staged.kind} FROM STDIN (FORMAT csv)", text.getvalue())


def _with_empty(row: Row) -> str:
    cells = ("" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in row)
    return ",".join(cells) + "\r\n"


def _reject_unfit(reading: Reading, staged: Staged) -> None:
    tests = [f"length({name}) > {limit}" for name, limit in staged.limits]
    named = " ".join(
        f"WHEN {test} THEN '{name}'" for test, (name, _) in zip(tests, staged.limits, strict=True)
    )
    texts = ", ".join(name for name, _ in staged.limits)
    limits = dict(staged.limits)
    found = reading.rows(
        f"DELETE FROM raw_{staged.kind} "  # noqa: S608  # names of our own columns
        f"WHERE {' OR '.join(tests)} RETURNING line, CASE {named} END, {texts}"
    )
    for line, name, *values in sorted(found, key=lambda row: row[0]):
        value = values[list(limits).index(name)]
        words = name.replace("_", " ")
        reason = (
            f"The {words} has {len(value)} characters, at most {limits[name]} are kept. Shorten it there."
        )
        reading.reject(Rejected(line, "too_long", reason, value[:200]))
