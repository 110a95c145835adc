"""What a pack holds, file by file, in a fixed order. Rows stream; nothing is held whole.

The layout follows what an auditor re-performs: population from the source, the completed review, what
the source says afterwards, people, owners; then sessions, the log, and the format's own description.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db.models import Model, Q

from accounts.models import Engagement, Identity, ImportRun, Revocation, System
from portal import cells
from portal.audit import canonical
from portal.audit.models import Card, Event
from portal.vault import services as vault
from reviews.models import Campaign, Decision, EvidenceLink, EvidencePack, ReviewItem
from reviews.packs import as_of, render
from reviews.packs.bag import BagFile, pieces_of, text
from sessions_app.models import Recording, Session

Row = dict[str, object]
BATCH = 1_000


def columns(words: str) -> tuple[str, ...]:
    """Names of columns, written as a sentence is."""
    return tuple(words.split())


def files(pack: EvidencePack) -> list[BagFile]:
    """Every payload file of this pack."""
    campaign = pack.campaign
    return [
        BagFile("README.html", text([render.summary(pack)])),
        BagFile("FORMAT.md", _format),
        BagFile("campaign.json", _lines(partial(_campaign, campaign))),
        *_table("1-population/items", partial(_items, campaign)),
        *_table("1-population/sources", partial(_sources, campaign)),
        *_table("1-population/left-out", partial(_exclusions, campaign)),
        *_table("1-population/as-of", partial(as_of.rows, campaign)),
        *_readings("1-population/readings", _population_runs(campaign)),
        *_table("2-review/decisions", partial(_decisions, campaign)),
        *_table("2-review/evidence-links", partial(_links, campaign)),
        BagFile("2-review/shown.jsonl", _lines(partial(_shown, campaign))),
        *_table("2-review/sign-offs", partial(_sign_offs, campaign)),
        *_table("3-after/removals", partial(_revocations, campaign)),
        *_readings("3-after/readings", _proving_runs(campaign)),
        *_table("4-people/people", partial(_people, campaign)),
        *_table("5-owners/systems", partial(_systems, campaign)),
        *_table("6-sessions/sessions", partial(_sessions, campaign)),
        *_transcripts(campaign),
        *(_recordings(campaign) if pack.with_recordings else []),
        BagFile("7-log/events.jsonl", _lines(partial(_events, campaign))),
        BagFile("7-log/cards.jsonl", _lines(partial(_cards, campaign))),
    ]


def linked_sessions(campaign: Campaign) -> list[Session]:
    """The sessions that some decision of this campaign rests on."""
    keys = EvidenceLink.objects.filter(decision__item__campaign=campaign).values("session_id")
    return list(
        Session.objects.filter(pk__in=keys).select_related("system", "account", "recorder").order_by("code")
    )


def revocations_of(campaign: Campaign) -> "Iterable[Revocation]":
    """The removals that decisions of this campaign asked for."""
    return (
        Revocation.objects.filter(causes__kind="decision", causes__label__startswith=f"{campaign.code}/")
        .select_related(
            "system", "verified_run", "grant__entitlement", "grant__account", "credential", "account"
        )
        .distinct()
        .order_by("decided_at", "pk")
    )


def _table(name: str, find: Callable[[], Iterable[Row]]) -> list[BagFile]:
    """The same rows twice: for programs (JSON lines) and for spreadsheets (CSV with harmless cells)."""
    return [BagFile(f"{name}.jsonl", _lines(find)), BagFile(f"{name}.csv", lambda: _csv(find()))]


def _lines(find: Callable[[], Iterable[Row]]) -> Callable[[], Iterator[bytes]]:
    return lambda: (canonical.encode(row) + b"\n" for row in find())


def _csv(found: Iterable[Row]) -> Iterator[bytes]:
    records = iter(found)
    first = next(records, None)
    if first is None:
        return
    header: Sequence[str] = list(first)
    values = ([_flat(row[key]) for key in header] for row in _chain(first, records))
    for line in cells.rows(header, values):
        yield line.encode()


def _chain(first: Row, rest: Iterable[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _flat(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return json.dumps(canonical.fact(value), sort_keys=True) if isinstance(value, dict | list) else value


def _row(instance: Model, *names: str) -> Row:
    return {name: getattr(instance, name) for name in names}


def _format() -> Iterator[bytes]:
    yield Path(settings.ROOT / "docs" / "evidence-format.md").read_bytes()


def _campaign(campaign: Campaign) -> Iterator[Row]:
    names = columns(
        "code name purpose kinds privileged_only with_credentials session_reach due_at evidence_days"
    )
    yield {
        **_row(campaign, *names, "state", "launched_at", "closed_at", "item_count", "population_root"),
        "systems": sorted(campaign.systems.values_list("code", flat=True)),
        "organisation": settings.ORGANISATION,
        "log_origin": settings.LOG_ORIGIN,
    }


ITEM = columns(
    "number kind grant_id credential_id account_id entitlement_id system_id subject_id "
    "accountable_id subject_kind subject_card account_card entitlement_card is_privileged since "
    "last_used_at last_used_source run_id reviewer_rule delta rank leaf stage ordinal verdict "
    "decided_at ended_as ended_run"
)


def _items(campaign: Campaign) -> Iterator[Row]:
    items = (
        ReviewItem.objects.filter(campaign=campaign).select_related("assignment__reviewer").order_by("number")
    )
    for item in items.iterator(BATCH):
        yield {
            **_row(item, *ITEM),
            "reviewer": item.assignment.reviewer_id,
            "reviewer_name": item.assignment.reviewer.name,
        }


def _sources(campaign: Campaign) -> Iterator[Row]:
    names = columns(
        "system_code source_id run_id admitted_sha256 original_sha256 taken_at provenance counts "
        "item_count red exception_reason exception_by_id"
    )
    for source in campaign.population_sources.order_by("system_code", "pk"):
        yield _row(source, *names)


def _exclusions(campaign: Campaign) -> Iterator[Row]:
    names = ("kind", "subject_id", "code", "system_code", "account_card", "entitlement_card")
    for left_out in campaign.exclusions.order_by("pk").iterator(BATCH):
        yield _row(left_out, *names)


def _decisions(campaign: Campaign) -> Iterator[Row]:
    names = columns(
        "stage ordinal verdict reason ends_at by_user by_identity by_card subject_id accountable_id "
        "shown batch coverage recorder_seen_at at"
    )
    decisions = Decision.objects.filter(item__campaign=campaign).select_related("item")
    for decision in decisions.order_by("item__number", "stage", "ordinal").iterator(BATCH):
        yield {"item": f"{campaign.code}/{decision.item.number}", **_row(decision, *names)}


def _links(campaign: Campaign) -> Iterator[Row]:
    links = EvidenceLink.objects.filter(decision__item__campaign=campaign).select_related("decision__item")
    for link in links.order_by("decision__item__number", "decision__ordinal", "session_code").iterator(BATCH):
        item = f"{campaign.code}/{link.decision.item.number}"
        names = ("session_id", "session_code", "sha256", "relation", "opened_at")
        yield {"item": item, "ordinal": link.decision.ordinal, **_row(link, *names)}


def _shown(campaign: Campaign) -> Iterator[Row]:
    digests = (
        Decision.objects.filter(item__campaign=campaign).order_by("shown").values_list("shown", flat=True)
    )
    found = render.shown_bodies({bytes(digest) for digest in digests})
    for digest in sorted(found):
        # The hashed bytes themselves travel as text: whoever checks hashes them again and reads them after.
        yield {"digest": digest, "body": found[digest].decode()}


def _sign_offs(campaign: Campaign) -> Iterator[Row]:
    names = ("kind", "by_user", "by_identity", "by_card", "counts", "decisions_digest", "statement", "at")
    for sign_off in campaign.sign_offs.order_by("at", "pk"):
        yield _row(sign_off, *names)


def _revocations(campaign: Campaign) -> Iterator[Row]:
    names = columns(
        "act state grant_id credential_id account_id decided_at requested_at due_at reported_at "
        "ticket impossible_because last_seen_at verified_at verified_run_id not_proven withdrawn_at"
    )
    for revocation in revocations_of(campaign):
        causes = revocation.causes.filter(withdrawn_at=None).order_by("pk")
        yield {
            "revocation": revocation.pk,
            "system": revocation.system.code,
            **_row(revocation, *names),
            "causes": [cause.label or cause.reference for cause in causes],
        }


def _people(campaign: Campaign) -> Iterator[Row]:
    """Whoever stands in this campaign, and the people in the chain above them."""
    items = ReviewItem.objects.filter(campaign=campaign)
    wanted = {campaign.fallback_id, *campaign.assignments.values_list("reviewer_id", flat=True)}
    for column in ("subject_id", "accountable_id"):
        wanted |= {key for key in items.values_list(column, flat=True) if key}
    above = Identity.objects.filter(pk__in=wanted).exclude(manager=None)
    wanted |= set(above.values_list("manager_id", flat=True))
    numbers: dict[object, list[object]] = {}
    for engagement in Engagement.objects.filter(identity__in=wanted).order_by("pk"):
        numbers.setdefault(engagement.identity_id, []).append(engagement.number)
    for person in Identity.objects.filter(pk__in=wanted).order_by("name", "pk").iterator(BATCH):
        names = columns("id kind name title department status manager_id owner_id deputy_id card")
        yield {**_row(person, *names), "numbers": numbers.get(person.pk, [])}


def _systems(campaign: Campaign) -> Iterator[Row]:
    of_items = ReviewItem.objects.filter(campaign=campaign).values("system_id")
    # Gateways are in a review of session reach without having been chosen.
    systems = System.objects.filter(Q(pk__in=campaign.systems.values("pk")) | Q(pk__in=of_items))
    for system in systems.select_related("owner", "deputy").by_code():
        owner = {
            "owner_name": system.owner and system.owner.name,
            "deputy_name": system.deputy and system.deputy.name,
        }
        yield {**_row(system, "id", "code", "name", "environment", "owner_id", "deputy_id", "card"), **owner}


def _sessions(campaign: Campaign) -> Iterator[Row]:
    names = columns(
        "id code started_at ended_at match match_rule match_note grant_id account_id identity_id "
        "accountable_id identity_card account_card as_filed"
    )
    for session in linked_sessions(campaign):
        recordings = [
            {
                "sha256": recording.sha256,
                "size": recording.size,
                "format": recording.format,
                "state": recording.state,
            }
            for recording in session.recordings.order_by("pk")
        ]
        system = {"system": session.system.code, "recorder": session.recorder and session.recorder.code}
        yield {**_row(session, *names), **system, "recordings": recordings}


def _sealed(campaign: Campaign) -> Iterable[Recording]:
    sessions = linked_sessions(campaign)
    return (
        Recording.objects.sealed()
        .filter(session__in=sessions)
        .select_related("session", "blob")
        .order_by("pk")
    )


def _transcripts(campaign: Campaign) -> Iterator[BagFile]:
    for recording in _sealed(campaign):
        chunks = recording.chunks.order_by("number").values_list("text", flat=True)
        yield BagFile(
            f"6-sessions/transcripts/{recording.session.code}-{recording.sha256[:12]}.txt", text(chunks)
        )


def _recordings(campaign: Campaign) -> Iterator[BagFile]:
    written: set[str] = set()
    for recording in _sealed(campaign):
        if recording.sha256 not in written:
            written.add(recording.sha256)
            pieces = partial(_verified, recording)
            name = f"6-sessions/recordings/{recording.sha256}"
            yield BagFile(name, pieces, compress=False, expected=recording.sha256)


def _verified(kept: Recording | ImportRun) -> Iterator[bytes]:
    return pieces_of(vault.open_verified(kept.blob))


def _population_runs(campaign: Campaign) -> Iterable[ImportRun]:
    keys = campaign.population_sources.exclude(run=None).values("run_id")
    # HR's whole list stays here: of people who are in no line its digest and counts are enough.
    of_systems = ImportRun.objects.filter(pk__in=keys, source__system__isnull=False)
    return of_systems.select_related("blob").order_by("pk")


def _proving_runs(campaign: Campaign) -> Iterable[ImportRun]:
    proofs = (revocation.verified_run_id for revocation in revocations_of(campaign))
    keys = {key for key in proofs if key}
    return ImportRun.objects.filter(pk__in=keys).select_related("blob").order_by("pk")


def _readings(folder: str, runs: Iterable[ImportRun]) -> Iterator[BagFile]:
    """The files as admitted: what the population was read from, and what proved a removal."""
    written: set[str] = set()
    for run in runs:
        digest = run.blob.hexdigest
        if digest not in written:
            written.add(digest)
            yield BagFile(f"{folder}/{digest}", partial(_verified, run), expected=digest)


def _events(campaign: Campaign) -> Iterator[Row]:
    events = Event.objects.in_stream(campaign.pk).select_related("payload").order_by("pk")
    for event in events.iterator(BATCH):
        payload = event.payload
        yield {
            "uid": event.uid,
            "verb": event.verb,
            "recorded_at": event.recorded_at,
            "commitment": event.commitment,
            "salt": payload.salt,
            "body": bytes(payload.body).decode() if payload.body else None,
        }


def _cards(campaign: Campaign) -> Iterator[Row]:
    """Salt and body of every card that a digest in this pack speaks of, as far as not erased."""
    items = ReviewItem.objects.filter(campaign=campaign)
    columns = ("subject_card", "account_card", "entitlement_card")
    wanted = {bytes(digest) for row in items.values_list(*columns) for digest in row if digest}
    left_out = campaign.exclusions.values_list("account_card", "entitlement_card")
    wanted |= {bytes(digest) for row in left_out for digest in row if digest}
    signed = campaign.sign_offs.exclude(by_card=None).values_list("by_card", flat=True)
    decided = (
        Decision.objects.filter(item__campaign=campaign)
        .exclude(by_card=None)
        .values_list("by_card", flat=True)
    )
    wanted |= {bytes(digest) for rows in (signed, decided) for digest in rows if digest}
    for card in Card.objects.filter(digest__in=wanted).order_by("digest").iterator(BATCH):
        body = bytes(card.body).decode() if card.body else None
        yield {
            "digest": card.digest,
            "type": card.type,
            "salt": card.salt,
            "body": body,
            "erased_at": card.erased_at,
        }
