"""Who is asked whether a machine is theirs, since when, and why them.

Nothing is stored for it: the last word about a machine names somebody, or whoever stands in is asked, or the
likeliest candidate who has not said no. One with an owner is only asked about when that owner hands it on.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

# Joins from a machine `m` to who answers for it, and what follows: for every statement that asks.
ANSWERS: Final = """
LEFT JOIN accounts_identity own ON own.id = m.owner_id
LEFT JOIN accounts_application app ON app.id = m.application_id
LEFT JOIN accounts_identity through ON through.id = app.owner_id"""
ACCOUNTABLE: Final = """CASE WHEN own.status <> 'left' THEN own.id
  WHEN through.status <> 'left' THEN through.id ELSE coalesce(own.id, through.id) END"""
IS_OWNED: Final = "(coalesce(own.status <> 'left', false) OR coalesce(through.status <> 'left', false))"

OF_THESE: Final = "SELECT unnest(%(machines)s::uuid[]) AS id"
OF_PERSON: Final = """SELECT identity_id AS id FROM accounts_ownerproposal
  WHERE candidate_id = %(person)s AND reason <> 'system'
UNION SELECT identity_id FROM accounts_ownershipclaim WHERE ask_id = %(person)s
UNION SELECT id FROM accounts_identity WHERE stand_in_id = %(person)s"""
OF_OLD: Final = """SELECT DISTINCT p.identity_id AS id FROM accounts_ownerproposal p
JOIN accounts_identity m ON m.id = p.identity_id AND m.stand_in_id IS NULL
WHERE p.found_at < %(before)s"""
OF_ALL: Final = """SELECT DISTINCT identity_id AS id FROM accounts_ownerproposal
UNION SELECT identity_id FROM accounts_ownershipclaim WHERE answer = 'ask'"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One machine and whom it waits for; `person_id` is None where nobody is left to be asked.

    `because` is "word" (somebody named them), "stand_in", or the reason of a proposal. `last_resort_id` owns
    the system it lives on, and stands in when nobody has answered for long enough since `since`.
    """

    machine_id: UUID
    person_id: UUID | None
    person_name: str | None
    since: datetime | None
    because: str
    last_resort_id: UUID | None
    is_owned: bool
    is_to_be_shut_down: bool


def _statement(about: str, then: str) -> str:
    return f"""
    WITH about AS ({about}),
    word AS (  -- the last word about each that no later owner has overtaken
      SELECT DISTINCT ON (c.identity_id) c.identity_id, c.answer, c.ask_id, c.said_at
      FROM accounts_ownershipclaim c JOIN about ON about.id = c.identity_id
      WHERE NOT EXISTS (SELECT FROM accounts_ownership o
        WHERE o.identity_id = c.identity_id AND o.role = 'owner' AND lower(o.during) > c.said_at)
      ORDER BY c.identity_id, c.said_at DESC, c.id DESC),
    asked AS (
      SELECT m.id AS machine_id, {IS_OWNED} AS is_owned, coalesce(word.answer = 'shut_down', false) AS to_end,
        CASE WHEN word.answer = 'shut_down' THEN NULL
          WHEN word.answer = 'ask' AND named.status <> 'left' THEN word.ask_id
          WHEN {IS_OWNED} THEN NULL
          WHEN stands.id IS NOT NULL THEN stands.id
          ELSE best.candidate_id END AS person_id,
        CASE WHEN word.answer = 'ask' AND named.status <> 'left' THEN 'word'
          WHEN stands.id IS NOT NULL THEN 'stand_in' ELSE coalesce(best.reason, '') END AS because,
        CASE WHEN word.answer = 'ask' AND named.status <> 'left' THEN word.said_at
          ELSE greatest(coalesce(best.found_at, resort.found_at), word.said_at) END AS since,
        resort.candidate_id AS last_resort_id, m.stand_in_id
      FROM about JOIN accounts_identity m ON m.id = about.id AND m.status <> 'left' AND m.kind <> 'human'
      {ANSWERS}
      LEFT JOIN word ON word.identity_id = m.id
      LEFT JOIN accounts_identity named ON named.id = word.ask_id
      LEFT JOIN accounts_identity stands ON stands.id = m.stand_in_id AND stands.status <> 'left'
        AND {_has_not_refused("stands.id")}
      LEFT JOIN LATERAL (SELECT p.candidate_id, p.reason, p.found_at FROM accounts_ownerproposal p
        JOIN accounts_identity c ON c.id = p.candidate_id AND c.status <> 'left'
        WHERE p.identity_id = m.id AND p.reason <> 'system' AND {_has_not_refused("p.candidate_id")}
        ORDER BY p.weight DESC, c.name, c.id LIMIT 1) best ON true
      LEFT JOIN LATERAL (SELECT p.candidate_id, p.found_at FROM accounts_ownerproposal p
        JOIN accounts_identity c ON c.id = p.candidate_id AND c.status <> 'left'
        WHERE p.identity_id = m.id AND p.reason = 'system' AND {_has_not_refused("p.candidate_id")}
        ORDER BY p.weight DESC, c.name, c.id LIMIT 1) resort ON true)
    {then}
    """  # noqa: S608 - put together from constants; what is asked about travels as parameters


def _has_not_refused(person: str) -> str:
    return f"""NOT EXISTS (SELECT FROM accounts_ownershipclaim no WHERE no.identity_id = m.id
      AND no.said_by_id = {person} AND no.answer <> 'mine')"""


_ROWS: Final = """SELECT machine_id, person_id, who.name, since, because, last_resort_id, is_owned, to_end
FROM asked LEFT JOIN accounts_identity who ON who.id = person_id {where}"""


def about(machines: Collection[UUID]) -> dict[UUID, Asked]:
    """Whom each of these waits for."""
    return {one.machine_id: one for one in _rows(OF_THESE, _ROWS.format(where=""), machines=list(machines))}


def of_person(person: UUID, *, limit: int) -> list[Asked]:
    """What waits for one person's word, the longest waiting first."""
    where = "WHERE person_id = %(person)s ORDER BY since, machine_id LIMIT %(limit)s"
    if not _is_pointed_to(person):
        return []
    return list(_rows(OF_PERSON, _ROWS.format(where=where), person=person, limit=limit))


def count_of(person: UUID, *, most: int) -> int:
    """How many wait for one person's word beside those they stand in for, counted no further than `most`."""
    then = """SELECT count(*) FROM (SELECT FROM asked
      WHERE person_id = %(person)s AND because <> 'stand_in' LIMIT %(most)s) counted"""
    if not _is_pointed_to(person):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_statement(OF_PERSON, then), {"person": person, "most": most})
        return int(cursor.fetchone()[0])


def by_person() -> dict[UUID, int]:
    """How many machines wait for each person."""
    then = "SELECT person_id, count(*) FROM asked WHERE person_id IS NOT NULL GROUP BY person_id"
    with connection.cursor() as cursor:
        cursor.execute(_statement(OF_ALL, then))
        return dict(cursor.fetchall())


def unanswered(before: datetime, *, limit: int) -> list[Asked]:
    """Machines of nobody that waited since before then, and whose system has an owner to fall to."""
    where = """WHERE NOT is_owned AND NOT to_end AND last_resort_id IS NOT NULL AND asked.stand_in_id IS NULL
      AND since < %(before)s LIMIT %(limit)s"""
    return list(_rows(OF_OLD, _ROWS.format(where=where), before=before, limit=limit))


def _is_pointed_to(person: UUID) -> bool:
    """Nothing points to most people, and every page of theirs asks."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({OF_PERSON})", {"person": person})
        return bool(cursor.fetchone()[0])


def _rows(about: str, then: str, **told: Any) -> Iterator[Asked]:
    with connection.cursor() as cursor:
        cursor.execute(_statement(about, then), told)
        for row in cursor.fetchall():
            yield Asked(*row)
