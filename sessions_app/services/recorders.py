"""Recorders: connected with their notice record, covering systems from when to when, alive or not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from accounts.models import Identity, System
from portal import moment
from portal.audit import canonical
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb
from portal.audit.versions import change
from portal.tasks.jobs import enqueue_on_commit
from portal.users import services as users
from portal.users.models import User
from portal.users.roles import Role
from sessions_app import tasks
from sessions_app.models import Coverage, Recorder, Recording

LONGEST_RETENTION = 3660
NOTICE_TEXTS = ("purpose", "legal_basis", "notice_text", "dpia", "agreement")
RESERVED = {"new"}  # addresses of pages
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Notice:
    """What those who are recorded were told, and on what ground: all of it is needed to connect a recorder.

    `countries` are ISO 3166-1 alpha-2 codes, `retention_days` 1 to 3660.
    """

    purpose: str
    legal_basis: str
    notice_text: str
    dpia: str
    agreement: str
    countries: tuple[str, ...]
    retention_days: int

    def check(self) -> None:
        """Raise ValidationError by field for what is missing or absurd."""
        wrong: dict[str, str] = {
            name: _("This is part of the notice record; a recorder is not connected without it.")
            for name in NOTICE_TEXTS
            if not getattr(self, name).strip()
        }
        if not self.countries or not all(_COUNTRY.fullmatch(one) for one in self.countries):
            wrong["countries"] = _("List countries by their two capital letters, such as DE, SE.")
        if not 1 <= self.retention_days <= LONGEST_RETENTION:
            words = _("Say a number of days from 1 to %(most)d.")
            wrong["retention_days"] = words % {"most": LONGEST_RETENTION}
        if wrong:
            refusals = {name: ValidationError(words, code="notice") for name, words in wrong.items()}
            raise ValidationError(refusals)


@transaction.atomic
def connect(
    *,
    code: str,
    name: str,
    identity: Identity,
    notice: Notice,
    systems: Iterable[System],
    since: datetime,
    until: datetime | None = None,
    actor: Actor,
) -> Recorder:
    """Let a machine identity deliver recordings of these systems from then on; its token is issued apart.

    It needs somebody who answers for it, and its notice record. A portal user for it is made if it has none.
    """
    notice.check()
    if not _CODE.fullmatch(code) or code in RESERVED:
        words = _("Use letters, digits and hyphens, at most 24, such as rec-jump.")
        raise ValidationError({"code": ValidationError(words, code="code")})
    if Recorder.objects.filter(code__iexact=code).exists():
        words = _("There is a recorder with this code.")
        raise ValidationError({"code": ValidationError(words, code="taken")})
    if identity.is_human or identity.answered_by is None:
        words = _("A recorder is a machine identity with an owner: give it one first.")
        raise ValidationError({"identity": ValidationError(words, code="unowned")})
    recorder = Recorder.objects.create(
        code=code,
        name=name,
        identity=identity,
        user=_user_of(identity, code, name, actor),
        notice={**asdict(notice), "countries": list(notice.countries)},
    )
    during = _period(since, until)
    covered = sorted(systems, key=lambda system: system.code)
    Coverage.objects.bulk_create(Coverage(recorder=recorder, system=one, during=during) for one in covered)
    facts = {
        "code": code,
        "identity_card": identity.card,
        "notice_sha256": _digest(recorder.notice),
        "countries": notice.countries,
        "retention_days": notice.retention_days,
        "systems": [one.code for one in covered],
        "since": since,
        "until": until,
    }
    record(Verb.RECORDER_CONNECTED, recorder, actor=actor, facts=facts)
    return recorder


@transaction.atomic
def cover(
    recorder: Recorder,
    system: System,
    *,
    since: datetime,
    until: datetime | None = None,
    version: int | None,
    actor: Actor,
) -> Coverage:
    """Let it record that system, too; recordings that were held for want of it are looked at again."""
    change(recorder, version)
    during = _period(since, until)
    if Coverage.objects.filter(recorder=recorder, system=system, during__overlap=during).exists():
        words = _("%(recorder)s covers %(system)s in part of this time already.")
        values = {"recorder": recorder, "system": system}
        raise ValidationError({"system": ValidationError(words % values, code="overlap")})
    coverage = Coverage.objects.create(recorder=recorder, system=system, during=during)
    _say_covered(recorder, system, since, until, actor)
    for key in Recording.objects.held().filter(session__recorder=recorder).values_list("pk", flat=True):
        enqueue_on_commit(tasks.process_recording, str(key))
    return coverage


@transaction.atomic
def stop_covering(
    coverage: Coverage, *, version: int | None, actor: Actor, at: datetime | None = None
) -> None:
    """What begins on that system from now on is held unprocessed. Stopping twice is one act."""
    at = at or moment.now()
    since = coverage.during.lower
    if since is not None and since >= at:
        raise ValidationError(_("This has not begun; it can be ended once it has."))
    running = Coverage.objects.filter(pk=coverage.pk, during__contains=at)
    change(coverage.recorder, version)
    if running.update(during=DateTimeTZRange(since, at)):
        _say_covered(coverage.recorder, coverage.system, since, at, actor)


def heartbeat(recorder: Recorder) -> datetime:
    """It is alive; not an act, so nothing is logged."""
    at = moment.now()
    recorder.heard(at)
    return at


def coverage_of(system_ids: Iterable[UUID], at: datetime) -> dict[UUID, datetime | None]:
    """For each system the last sign of life of a recorder that covered it at `at`.

    None: not recorded, as far as known: nothing covered it, or what did has never been heard of.
    """
    found: dict[UUID, datetime | None] = dict.fromkeys(system_ids)
    heard = Coverage.objects.filter(
        system__in=found, during__contains=at, recorder__last_seen_at__isnull=False
    ).values_list("system_id", "recorder__last_seen_at")
    for system_id, seen_at in heard:
        if seen_at is not None:
            found[system_id] = max(found[system_id] or seen_at, seen_at)
    return found


def _user_of(identity: Identity, code: str, name: str, actor: Actor) -> User:
    """The machine user behind a recorder's identity, with the role of recorders."""
    known = User.objects.filter(identity_id=identity.pk).first()
    if known is None:
        return users.create(
            email=f"{code.lower()}@recorders.invalid",
            name=name,
            roles=[Role.RECORDER],
            kind=User.Kind.MACHINE,
            identity_id=identity.pk,
            actor=actor,
        )
    if known.kind != User.Kind.MACHINE:
        words = _("This identity signs in as a person; a recorder is a machine.")
        raise ValidationError({"identity": ValidationError(words, code="person")})
    if Role.RECORDER not in known.roles:
        users.set_roles(known, [*map(Role, known.roles), Role.RECORDER], actor=actor)
    return known


def _period(since: datetime, until: datetime | None) -> DateTimeTZRange:
    if until is not None and until <= since:
        words = _("The end has to lie behind the start.")
        raise ValidationError({"until": ValidationError(words, code="order")})
    return DateTimeTZRange(since, until)


def _say_covered(
    recorder: Recorder, system: System, since: datetime | None, until: datetime | None, actor: Actor
) -> None:
    facts = {"code": recorder.code, "system": system.code, "since": since, "until": until}
    record(Verb.RECORDER_COVERAGE_CHANGED, recorder, actor=actor, facts=facts)


def _digest(notice: Mapping[str, object]) -> bytes:
    """What the notice said when it was connected, without repeating it in the log."""
    return canonical.digest_of_many([notice])[1]
