"""Revocations against a reading: verified gone, absent but not proven, still there, or back again.

Only `ImportRun.proves_absence_after` says whether absence is proof. What a reading shows is there, however
incomplete it is; what it does not show is gone only if it lists everything and was taken after the request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F

from accounts.models import ImportRun, Revocation
from accounts.reconciliation.reading import Reading
from portal.audit.services import PORTAL, record_each
from portal.audit.verbs import Verb

State, Act = Revocation.State, Revocation.Act
ASKED = (State.REQUESTED, State.REPORTED, State.IMPOSSIBLE)

# What another format of this system told of (see inventory.GONE_GRANTS) is not gone because a file that was
# never to know of it does not name it.
OF_OTHERS = """EXISTS (SELECT FROM accounts_importrun t JOIN accounts_source o ON o.id = t.source_id
  WHERE t.id = {run} AND o.id <> %(source)s AND t.connector <> %(connector)s)"""
# What the reading shows of each target, by what it is, not by its row: what comes back is another row.
# The fourth column: seen in the state that was asked for (rotated, off, with an end), which infers nothing.
# The last two: the row, and its account, still stand and were told by another format.
SHOWN = f"""
SELECT r.id, 'grant', s.account_id IS NOT NULL,
  r.act = 'limit' AND coalesce(s.ends_at <= coalesce(r.ends_at, 'infinity'), false),
  NOT EXISTS (SELECT FROM staging_account a WHERE a.account_id = g.account_id),
  upper_inf(g.held) AND {OF_OTHERS.format(run="g.known_from_run_id")},
  x.gone_run_id IS NULL AND {OF_OTHERS.format(run="x.first_run_id")}
FROM accounts_revocation r JOIN accounts_grant g ON g.id = r.grant_id
JOIN accounts_account x ON x.id = g.account_id
LEFT JOIN staging_grant s ON s.account_id = g.account_id AND s.entitlement_id = g.entitlement_id
  AND s.via_id IS NOT DISTINCT FROM g.via_id AND s.is_eligible = g.is_eligible
WHERE r.system_id = %(system)s AND r.state = ANY(%(states)s)
UNION ALL
SELECT r.id, 'credential', s.credential_id IS NOT NULL,
  CASE r.act WHEN 'disable' THEN coalesce(NOT s.is_active, false)
    WHEN 'rotate' THEN
      coalesce(greatest(s.rotated_at, s.created_at) > coalesce(r.requested_at, r.decided_at), false)
    ELSE false END,
  NOT EXISTS (SELECT FROM staging_account a WHERE a.account_id = c.account_id),
  c.gone_run_id IS NULL AND {OF_OTHERS.format(run="c.first_run_id")},
  x.gone_run_id IS NULL AND {OF_OTHERS.format(run="x.first_run_id")}
FROM accounts_revocation r JOIN accounts_credential c ON c.id = r.credential_id
JOIN accounts_account x ON x.id = c.account_id
LEFT JOIN staging_credential s
  ON s.account_id = c.account_id AND s.kind = c.kind AND s.fingerprint = c.fingerprint
WHERE r.system_id = %(system)s AND r.state = ANY(%(states)s)
UNION ALL
SELECT r.id, 'account', s.account_id IS NOT NULL, r.act = 'disable' AND coalesce(NOT s.is_enabled, false),
  s.account_id IS NULL,
  x.gone_run_id IS NULL AND {OF_OTHERS.format(run="x.first_run_id")},
  x.gone_run_id IS NULL AND {OF_OTHERS.format(run="x.first_run_id")}
FROM accounts_revocation r JOIN accounts_account x ON x.id = r.account_id
LEFT JOIN staging_account s ON s.account_id = r.account_id
WHERE r.account_id IS NOT NULL AND r.system_id = %(system)s AND r.state = ANY(%(states)s)
"""  # noqa: S608 - of our own text alone


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reading shows of one target."""

    kind: str
    is_seen: bool
    is_done: bool
    has_no_account: bool
    is_of_others: bool
    has_account_of_others: bool


@dataclass(slots=True)
class Verdicts:
    """What a reading says of the revocations of its system, by key."""

    verified: list[Revocation] = field(default_factory=list)
    not_proven: dict[str, list[Revocation]] = field(default_factory=dict)  # by the code of the reason
    still_there: list[Revocation] = field(default_factory=list)
    reappeared: list[Revocation] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """For the preview and the event."""
        unproven = sum(map(len, self.not_proven.values()))
        return {"verified": len(self.verified), "not_proven": unproven, "reappeared": len(self.reappeared)}


def judge(reading: Reading, *, to_write: bool) -> Verdicts:
    """Hold every revocation of the system against the reading; what will be written is locked."""
    verdicts, states = Verdicts(), [*map(str, ASKED), str(State.VERIFIED)]
    shown = {key: Shown(*rest) for key, *rest in reading.rows(SHOWN, states=states)}
    judged = Revocation.objects.filter(pk__in=shown).order_by("pk")
    for revocation in judged.select_for_update() if to_write else judged:
        seen = shown[revocation.pk]
        is_there = seen.is_seen and not seen.is_done
        if revocation.state == State.VERIFIED:
            if is_there and _has_come_back(reading, revocation):
                verdicts.reappeared.append(revocation)
        elif is_there:
            verdicts.still_there.append(revocation)
        else:
            _judge_end(reading.run, revocation, seen, verdicts)
    return verdicts


def write(reading: Reading, verdicts: Verdicts) -> None:
    """Move the states, with an event for each that was proved or came back."""
    run = reading.run
    for revocation in verdicts.verified:
        last_seen = revocation.last_seen_at or _last_seen(revocation, run)
        Revocation.objects.filter(pk=revocation.pk).update(
            state=State.VERIFIED,
            verified_at=run.taken_at,
            verified_run=run,
            last_seen_at=last_seen,
            not_proven="",
            not_proven_run=None,
            version=F("version") + 1,
        )
    for code, unproven in verdicts.not_proven.items():
        waiting = Revocation.objects.filter(pk__in=[revocation.pk for revocation in unproven])
        waiting.update(not_proven=code, not_proven_run=run)
    # Still there is no act of anybody: no new version, or it would spoil the form of who carries it out.
    seen = Revocation.objects.filter(pk__in=[revocation.pk for revocation in verdicts.still_there])
    seen.exclude(not_proven="").update(not_proven="", not_proven_run=None)
    if run.taken_at is not None:
        seen.exclude(last_seen_at__gte=run.taken_at).update(last_seen_at=run.taken_at)
    Revocation.objects.filter(pk__in=[revocation.pk for revocation in verdicts.reappeared]).update(
        state=State.REAPPEARED, reappeared_run=run, version=F("version") + 1
    )
    _record(verdicts)


def _record(verdicts: Verdicts) -> None:
    # The portal concludes it; who applied the reading stands on the reading's own event.
    for verb, rows in (
        (Verb.REVOCATION_VERIFIED, verdicts.verified),
        (Verb.REVOCATION_REAPPEARED, verdicts.reappeared),
    ):
        current = Revocation.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
        record_each(verb, current, actor=PORTAL, facts=_about)


def _about(revocation: Revocation) -> Mapping[str, object]:
    has_come_back = revocation.state == State.REAPPEARED
    return {
        "act": revocation.act,
        "grant": revocation.grant_id,
        "credential": revocation.credential_id,
        "account": revocation.account_id,
        "system": revocation.system_id,
        "run": revocation.reappeared_run_id if has_come_back else revocation.verified_run_id,
        "verified_at": revocation.verified_at,
        "last_seen_at": revocation.last_seen_at,
        "requested_at": revocation.requested_at,
        "reported_at": revocation.reported_at,
    }


def _judge_end(run: ImportRun, revocation: Revocation, seen: Shown, verdicts: Verdicts) -> None:
    """It is absent, or done as asked: is that proved?"""
    asked_at = max(
        at for at in (revocation.decided_at, revocation.requested_at, revocation.reported_at) if at
    )
    kind = seen.kind
    if seen.is_done:
        # The row itself shows it: that takes the time alone, not the whole file.
        why_not = (
            "time_unknown" if run.taken_at is None else "taken_before" if run.taken_at <= asked_at else ""
        )
    else:
        if kind not in run.covers and seen.has_no_account:
            kind = "account"  # without its account nothing is held, whatever else the file lists
        if kind not in run.covers:
            return  # the file does not speak of such things at all
        takes_all = seen.has_no_account and "account" in run.covers and not seen.has_account_of_others
        if seen.is_of_others and not takes_all:
            return  # nor of this one: another format tells of it, and its next reading will show
        why_not = run.proves_absence_after(asked_at, kind)
    if why_not:
        verdicts.not_proven.setdefault(why_not, []).append(revocation)
    else:
        verdicts.verified.append(revocation)


def _has_come_back(reading: Reading, revocation: Revocation) -> bool:
    """Only what was to be gone can come back, and only later than it was proved gone."""
    is_later = revocation.verified_at is None or reading.at > revocation.verified_at
    return is_later and revocation.act in (Act.REMOVE, Act.DISABLE)


def _last_seen(revocation: Revocation, run: ImportRun) -> datetime | None:
    """When the last reading that listed everything still showed it; a proof is an interval."""
    target = revocation.grant or revocation.credential or revocation.account
    if target is None:
        return None
    kind = str(target._meta.model_name)
    first = getattr(target, "known_from_run", None) or getattr(target, "first_run", None)
    ended = getattr(target, "known_to_run", None) or getattr(target, "gone_run", None) or run
    before = ImportRun.objects.applied().filter(
        source__system=revocation.system_id, is_complete=True, rejected=0, covers__contains=[kind],
        taken_at__lt=run.taken_at, applied_at__lte=ended.applied_at or run.state_at,
    )  # fmt: skip
    latest = (
        before.exclude(pk__in=[run.pk, ended.pk])
        .order_by("-taken_at")
        .values_list("taken_at", flat=True)
        .first()
    )
    seen = [at for at in (latest, first.taken_at if first else None) if at is not None]
    return max(seen, default=None)
