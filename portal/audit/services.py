"""Recording: one act writes one event, in its transaction, or does not happen."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal, TypeVar
from uuid import UUID

from django.db import models, transaction

from portal import moment
from portal.audit import canonical
from portal.audit.models import Event, Payload, Pending, uuid7
from portal.audit.verbs import Verb
from portal.request_id import current as request_id

Row = TypeVar("Row", bound=models.Model)
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a machine with a token, or the portal itself when the hour asks."""

    kind: Literal["person", "machine", "portal"]
    id: str = ""
    name: str = ""
    card: bytes | None = None
    on_behalf_of: str = ""


PORTAL = Actor("portal", name="the portal")


def record(
    verb: Verb,
    subject: models.Model,
    *,
    actor: Actor,
    facts: canonical.Facts,
    stream: UUID | None = None,
    at: datetime | None = None,
) -> Event:
    """Write one event about `subject`. Outside a transaction it is refused: the act could survive without it.

    `facts` follow `canonical.fact`; names belong on cards, secrets nowhere.
    """
    return next(iter(_write(verb, [(subject, facts)], actor=actor, stream=stream, at=at)))


def record_each(
    verb: Verb,
    rows: Iterable[Row],
    *,
    actor: Actor,
    facts: Callable[[Row], canonical.Facts],
    stream: UUID | None = None,
    at: datetime | None = None,
) -> int:
    """One event for each row, for acts that need a leaf each; returns how many."""
    pairs = ((row, facts(row)) for row in rows)
    return sum(1 for _ in _write(verb, pairs, actor=actor, stream=stream, at=at))


def _write(
    verb: Verb,
    pairs: Iterable[tuple[models.Model, canonical.Facts]],
    *,
    actor: Actor,
    stream: UUID | None,
    at: datetime | None,
) -> Iterator[Event]:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("an event is written in the transaction of its act")
    moment_of_act = at or moment.now()
    remaining = iter(pairs)
    written: list[Event] = []
    while batch := list(islice(remaining, BATCH)):
        events, payloads = [], []
        for subject, facts in batch:
            event, payload = _event(verb, subject, facts, actor, stream, moment_of_act)
            events.append(event)
            payloads.append(payload)
        Event.objects.bulk_create(events)
        for event, payload in zip(events, payloads, strict=True):
            payload.event_id = event.pk
        Payload.objects.bulk_create(payloads)
        Pending.objects.bulk_create([Pending(event_id=event.pk) for event in events])
        written += events
    return iter(written)


def _event(  # noqa: PLR0917 - one caller, which has just these
    verb: Verb,
    subject: models.Model,
    facts: canonical.Facts,
    actor: Actor,
    stream: UUID | None,
    at: datetime,
) -> tuple[Event, Payload]:
    uid = uuid7()
    checked = canonical.fact(facts)
    body = canonical.encode(
        {
            "actor": {"card": actor.card, "id": actor.id, "kind": actor.kind},
            "at": at,
            "facts": checked,
            "on_behalf_of": actor.on_behalf_of or None,
            "request_id": request_id.get() or None,
            "stream": stream,
            "subject": {"id": str(subject.pk), "type": subject._meta.label_lower},
            "uid": uid,
            "v": 1,
            "verb": verb.value,
        }
    )
    salt = canonical.salt()
    event = Event(
        uid=uid,
        verb=verb.value,
        at=at,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_card=actor.card,
        on_behalf_of=actor.on_behalf_of,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        stream=stream,
        request_id=request_id.get(),
        commitment=canonical.commit(body, salt),
    )
    return event, Payload(salt=salt, body=body, facts=checked)
