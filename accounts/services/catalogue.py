"""Verbs about what rights mean: described in place, suggested and confirmed, or taken over from a catalogue.

What people wrote stays: readings change only what they said themselves (`reconciliation.inventory`). A
catalogue is taken over as a whole or not at all; a row that can't be read is named by its line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.connectors.columns import aliases, require, resolve
from accounts.connectors.records import Rejected, Unreadable
from accounts.connectors.tables import Row, Table
from accounts.connectors.text import Readable
from accounts.connectors.values import Unclear, yes_or_no
from accounts.models import Entitlement, Identity, System
from accounts.reconciliation import derived
from portal.audit.services import record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.users.models import User
from portal.vault import services as vault
from portal.vault.models import Blob

Describer = Entitlement.Describer
MOST_ROWS: Final = 50_000
LONGEST: Final = 2_000  # characters of words or a risk
FIELDS = aliases(
    {
        "system": "system | system code | platform | application",
        "external_id": "external id | entitlement id | right id | id | technical name | code",
        "name": "name | right | entitlement | role | group",
        "plain_words": "plain words | in words | words | description | meaning | what it allows",
        "risk": "risk | what can go wrong | impact",
        "privileged": "privileged | is privileged | critical",
        "because": "because | reason | why",
        "owner": "owner | owner email | right owner | responsible",
    }
)
WRITTEN = ("plain_words", "risk", "privileged", "because", "owner")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalogue that was matched, and what it would change."""

    line: int
    right: Entitlement
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue as read: what it would change, how many rows say what is known, and what can't be read."""

    entries: tuple[Entry, ...]
    same: int
    rejected: tuple[Rejected, ...]


@transaction.atomic
def describe(
    right: Entitlement,
    *,
    plain_words: str,
    risk: str,
    is_privileged: bool | None,
    because: str,
    owner: Identity | None,
    version: int | None,
    by: User,
) -> Entitlement:
    """Say what a right allows. From now on readings leave these words alone."""
    if is_privileged is not None and is_privileged != right.is_privileged and not because.strip():
        raise ValidationError({"because": _("Say why it is privileged, or why not.")})
    _check_owner(owner)
    values = {
        "plain_words": plain_words.strip(),
        "risk": risk.strip(),
        "is_privileged": is_privileged,
        "because": because.strip(),
        "owner": owner,
    }
    return _write(right, values, Describer.HAND, version, by)


@transaction.atomic
def confirm(rights: Iterable[Entitlement], *, by: User) -> int:
    """What was suggested is right: it counts as written by hand. Returns how many."""
    done = 0
    for right in rights:
        if right.described_by == Describer.SUGGESTED:
            _write(right, {}, Describer.HAND, right.version, by)
            done += 1
    return done


@transaction.atomic
def reject(rights: Iterable[Entitlement], *, by: User) -> int:
    """What was suggested is wrong: there are no words again. Returns how many."""
    done = 0
    for right in rights:
        if right.described_by == Describer.SUGGESTED:
            _write(right, {"plain_words": "", "risk": ""}, Describer.IMPORT, right.version, by)
            done += 1
    return done


@transaction.atomic
def suggest(*, by: User, system: System | None = None) -> int:
    """Give rights without words those of a right of the same name elsewhere, to be confirmed by a person."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH told AS (
              SELECT DISTINCT ON (lower(name), kind) lower(name) AS name, kind, plain_words, risk
              FROM accounts_entitlement WHERE plain_words <> '' AND described_by <> 'suggested'
              ORDER BY lower(name), kind, described_by = 'hand' DESC, described_by = 'catalogue' DESC, id)
            UPDATE accounts_entitlement e SET plain_words = t.plain_words,
              risk = CASE WHEN e.risk = '' THEN t.risk ELSE e.risk END,
              described_by = 'suggested', version = e.version + 1
            FROM told t WHERE e.plain_words = '' AND lower(e.name) = t.name AND e.kind = t.kind
              AND (%(system)s::uuid IS NULL OR e.system_id = %(system)s::uuid)""",
            {"system": system.pk if system else None},
        )
        found = int(cursor.rowcount)
    if found:
        record(
            Verb.RIGHTS_SUGGESTED, by, actor=by.actor, facts={"rights": found, "system": system and system.pk}
        )
    return found


@transaction.atomic
def keep(file: Readable) -> Blob:
    """Put a catalogue (CSV or workbook) into the vault, as the columns that are read and nothing else.

    Raises Unreadable, with the line, for a file that is none.
    """
    table = Table(file)
    at = resolve(table, FIELDS, {}, ())
    require(table, at, (("external_id", "name"), WRITTEN))
    rows = (
        {"line": row.line, **{field: row.cells[place].strip() for field, place in at.items()}}
        for row in _rows(table)
    )
    pieces = (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
    return vault.keep(pieces, limit=settings.PORTAL_UPLOAD_LIMIT)


def read(blob: Blob, *, rights: "RightsSeen") -> Catalogue:
    """What a catalogue that was kept would change of these rights; nothing is written."""
    found = _Reading(rights)
    with vault.open_verified(blob) as file:
        for kept in file:
            said = json.loads(kept)
            found.add(said.pop("line"), said)
    return Catalogue(tuple(found.entries), found.same, tuple(found.rejected))


@transaction.atomic
def take_over(catalogue: Catalogue, *, by: User) -> int:
    """Write what was read and shown; a right that somebody changed meanwhile ends it with a conflict."""
    for entry in catalogue.entries:
        _write(entry.right, entry.values, Describer.CATALOGUE, entry.right.version, by)
    return len(catalogue.entries)


class _Reading:
    """The rows of one catalogue, told apart."""

    def __init__(self, rights: "RightsSeen") -> None:
        self.entries: list[Entry] = []
        self.rejected: list[Rejected] = []
        self.same = 0
        self._rights = rights
        self._seen: dict[int, int] = {}

    def add(self, line: int, said: Mapping[str, str]) -> None:
        """One row: an entry, one that changes nothing, or one that is rejected with its reason."""
        right = self._rights.find(said)
        if isinstance(right, str):
            self._reject(line, "unknown_right", right)
            return
        if (first := self._seen.setdefault(right.pk, line)) != line:
            words = _("Line %(line)d describes this right already. Keep one of them.")
            self._reject(line, "duplicate_right", words % {"line": first})
            return
        try:
            values = _values(said)
        except ValidationError as refusal:
            self._reject(line, "unclear", " ".join(refusal.messages))
            return
        changes = {key: value for key, value in values.items() if value != getattr(right, key)}
        if changes:
            self.entries.append(Entry(line, right, changes))
        else:
            self.same += 1

    def _reject(self, line: int, code: str, reason: str) -> None:
        self.rejected.append(Rejected(line, code, reason))


class RightsSeen:
    """The rights that a catalogue may describe, found by system and by their own id or name."""

    def __init__(self, rights: Iterable[Entitlement]) -> None:
        self._by_key: dict[tuple[str, str], list[Entitlement]] = {}
        for right in rights:
            for code in (right.system.code.casefold(), ""):
                for key in {right.external_id, right.name.casefold()}:
                    self._by_key.setdefault((code, key), []).append(right)

    def find(self, cells: Mapping[str, str]) -> "Entitlement | str":
        """The right that a row is about, or why there is not exactly one."""
        code = cells.get("system", "").casefold()
        for key in (cells.get("external_id", ""), cells.get("name", "").casefold()):
            found = self._by_key.get((code, key), []) if key else []
            if len(found) == 1:
                return found[0]
            if found:
                return _("More than one right is called so. Say the system and the external id.")
        return _("No right here is called so. Check the system and the id, or import the system first.")


def _rows(table: Table) -> Iterator[Row]:
    for number, row in enumerate(row for row in table if any(cell.strip() for cell in row.cells)):
        if number >= MOST_ROWS:
            raise Unreadable(
                "too_long", _("A catalogue may have %(most)d rows. Send it in parts.") % {"most": MOST_ROWS}
            )
        if len(row.cells) != len(table.columns):
            words = _("Line %(line)d has another number of cells than the header. Nothing was taken over.")
            raise Unreadable("ragged", words % {"line": row.line}, row.line)
        yield row


def _values(cells: Mapping[str, str]) -> dict[str, Any]:
    """What the row says; an empty cell says nothing."""
    said = {name: cells[name] for name in ("plain_words", "risk", "because") if cells.get(name)}
    if any(len(words) > LONGEST for words in said.values()):
        raise ValidationError(_("At most %(most)d characters are kept. Shorten it.") % {"most": LONGEST})
    values: dict[str, Any] = dict(said)
    if privileged := cells.get("privileged"):
        try:
            values["is_privileged"] = yes_or_no(privileged, "privileged")
        except Unclear as unclear:
            raise ValidationError(_("Privileged is yes or no, or the cell is empty.")) from unclear
    if owner := cells.get("owner"):
        named = Identity.objects.human().active().filter(Q(email__iexact=owner) | Q(name__iexact=owner))
        if len(found := list(named[:2])) != 1:
            raise ValidationError(_("No one person is called “%(owner)s”.") % {"owner": owner[:80]})
        values["owner"] = found[0]
    return values


def _check_owner(owner: Identity | None) -> None:
    if owner is not None and (not owner.is_human or owner.status == Identity.Status.LEFT):
        raise ValidationError({"owner": _("Choose a person who is here.")})


def _write(
    right: Entitlement, values: Mapping[str, Any], describer: str, version: int | None, by: User
) -> Entitlement:
    changes = {key: value for key, value in values.items() if value != getattr(right, key)}
    if not changes and describer == right.described_by:
        return right
    if changes.get("is_privileged"):
        changes["carries_privilege"] = True  # the check wants both at once
    change(right, version, **changes, described_by=describer)
    if "is_privileged" in changes:
        with connection.cursor() as cursor:
            cursor.execute(derived.CARRIES, {"system": right.system_id})
        right.refresh_from_db()
    facts = {
        "card": right.card,
        "system": right.system_id,
        "fields": sorted(changes),
        "described_by": describer,
        "is_privileged": right.is_privileged,
    }
    record(Verb.RIGHT_DESCRIBED, right, actor=by.actor, facts=facts)
    return right
