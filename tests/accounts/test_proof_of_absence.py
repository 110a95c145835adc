"""What a reading proves of a removal, and what it does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Account, Credential, Grant, ImportRun, Revocation, RevocationCause, Source
from accounts.services import revocations
from portal.audit.models import Event, Payload
from portal.audit.services import PORTAL
from tests.factories import readings
from tests.factories.readings import applied, day

pytestmark = pytest.mark.django_db

HEAD = "record,account,entitlement,since,until,enabled,credential,credential kind,rotated\n"
ACCOUNTS = "account,dkovac,,,,yes,,,\naccount,aiko,,,,yes,,,\n"
POST = "grant,dkovac,POST,,,,,,\n"
READ = "grant,aiko,READ,,,,,,\n"
KEY = "credential,dkovac,,,,,AK1,access key,2024-01-01\n"
ALL = HEAD + ACCOUNTS + POST + READ + KEY
WITHOUT = HEAD + ACCOUNTS + READ + KEY
OLDER = datetime(2020, 1, 1, tzinfo=UTC)

Target = Grant | Credential | Account
Act = Revocation.Act


@pytest.fixture
def core() -> Source:
    source = readings.source(readings.system())
    applied(source, ALL, day(1))
    return source


def post() -> Grant:
    return Grant.objects.get(entitlement__name="POST", known_to_run=None)


def asked(
    target: Target, act: Revocation.Act = Act.REMOVE, at: datetime | None = None, **more: datetime
) -> Revocation:
    """A removal that was decided and requested on day 2."""
    at = at or day(2)
    cause = revocations.Cause(RevocationCause.Kind.DECISION, f"item-{target.pk}")
    made = revocations.decide(target, act=act, cause=cause, actor=PORTAL, at=at, **more)
    revocations.request(Revocation.objects.filter(pk=made.pk), actor=PORTAL, at=at)
    return now(made)


def now(revocation: Revocation) -> Revocation:
    return Revocation.objects.get(pk=revocation.pk)


def test_a_complete_reading_after_the_request_proves_it(core: Source) -> None:
    revocation = asked(post())
    run = applied(core, WITHOUT, day(3))
    proved = now(revocation)
    assert (proved.state, proved.verified_at, proved.verified_run) == (Revocation.State.VERIFIED, day(3), run)
    assert proved.last_seen_at == day(1)  # proof is an interval
    assert proved.not_proven == ""
    event = Event.objects.about(revocation).get(verb="revocation.verified")
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert event.actor_kind == "portal"
    assert (facts["run"], facts["grant"]) == (str(run.pk), revocation.grant_id)
    applied_facts = Payload.objects.get(event__verb="import.applied", event__subject_id=str(run.pk)).facts
    assert applied_facts is not None
    assert applied_facts["revocations"] == {"verified": 1, "not_proven": 0, "reappeared": 0}


@pytest.mark.parametrize("state", ["reported", "impossible"])
def test_what_was_reported_or_called_impossible_is_proved_too(core: Source, state: str) -> None:
    revocation = asked(post())
    if state == "reported":
        revocations.report_done(revocation, version=None, ticket="OPS-1", by=readings.iam())
    else:
        revocations.impossible(revocation, version=None, because="through a group", by=readings.iam())
    Revocation.objects.filter(pk=revocation.pk).exclude(reported_at=None).update(reported_at=day(3))
    applied(core, WITHOUT, day(4))
    assert now(revocation).state == Revocation.State.VERIFIED


def incomplete(core: Source) -> ImportRun:
    Source.objects.filter(pk=core.pk).update(mapping={})
    core.refresh_from_db()
    return applied(core, WITHOUT, day(3))


def unknown_time(core: Source) -> ImportRun:
    return applied(core, WITHOUT)


def before_the_request(core: Source) -> ImportRun:
    return applied(core, WITHOUT, day(2))


def with_rejects(core: Source) -> ImportRun:
    return applied(core, WITHOUT + "nonsense,,,,,,,,\n", day(3))


def cut_off(core: Source) -> ImportRun:
    return applied(core, "# total: 9\n" + WITHOUT, day(3))


@pytest.mark.parametrize(
    ("reading", "why_not"),
    [
        (incomplete, "not_complete"),
        (unknown_time, "time_unknown"),
        (before_the_request, "taken_before"),
        (with_rejects, "has_rejects"),
        (cut_off, "not_complete"),
    ],
)
def test_absent_is_not_proven(core: Source, reading: Callable[[Source], ImportRun], why_not: str) -> None:
    revocation = asked(post())
    run = reading(core)
    waiting = now(revocation)
    assert (waiting.state, waiting.not_proven, waiting.not_proven_run) == ("requested", why_not, run)
    assert run.preview["proof"]["why_not"] == {why_not: 1}
    assert not Event.objects.about(revocation).filter(verb="revocation.verified").exists()
    # The next one that can prove it does, whichever reading ended the row.
    applied(readings.source(core.system), WITHOUT, day(6))
    assert now(revocation).state == Revocation.State.VERIFIED


def test_a_report_after_the_reading_was_taken_is_not_proved_by_it(core: Source) -> None:
    revocation = asked(post())
    revocations.report_done(revocation, version=None, ticket="", by=readings.iam())  # now, long after day 3
    applied(core, WITHOUT, day(3))
    assert now(revocation).not_proven == "taken_before"


def test_seen_again_after_not_proven_says_so(core: Source) -> None:
    revocation = asked(post())
    with_rejects(core)
    applied(core, ALL, day(4))
    still = now(revocation)
    assert (still.state, still.not_proven, still.last_seen_at) == ("requested", "", day(4))


def test_a_decision_that_was_not_requested_is_not_proved(core: Source) -> None:
    cause = revocations.Cause(RevocationCause.Kind.DECISION, "item-1")
    revocation = revocations.decide(post(), act=Act.REMOVE, cause=cause, actor=PORTAL, at=day(2))
    applied(core, WITHOUT, day(3))
    assert now(revocation).state == Revocation.State.DECIDED


def test_what_comes_back_reappears(core: Source) -> None:
    revocation = asked(post())
    applied(core, WITHOUT, day(3))
    run = applied(core, ALL, day(4))
    back = now(revocation)
    assert (back.state, back.reappeared_run) == (Revocation.State.REAPPEARED, run)
    event = Event.objects.about(revocation).get(verb="revocation.reappeared")
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert facts["run"] == str(run.pk)


def test_another_system_s_reading_says_nothing(core: Source) -> None:
    revocation = asked(post())
    other = readings.source(readings.system("DIR"))
    applied(other, HEAD + "account,x,,,,yes,,,\ngrant,x,Y,,,,,,\n", day(3))
    assert (now(revocation).state, now(revocation).not_proven) == ("requested", "")


def test_a_reading_that_lists_no_credentials_says_nothing_of_them(core: Source) -> None:
    revocation = asked(Credential.objects.get())
    rights = readings.source(core.system, mapping={"complete": "yes", "covers": "account,grant"})
    applied(rights, HEAD + ACCOUNTS + READ, day(3))
    assert (now(revocation).state, now(revocation).not_proven) == ("requested", "")


def test_without_its_account_a_credential_is_gone(core: Source) -> None:
    revocation = asked(Credential.objects.get())
    rights = readings.source(core.system, mapping={"complete": "yes", "covers": "account,grant"})
    applied(rights, HEAD + "account,aiko,,,,yes,,,\n" + READ, day(3))
    assert now(revocation).state == Revocation.State.VERIFIED


@pytest.mark.parametrize(
    ("target", "act", "row", "state"),
    [
        (Account, Act.DISABLE, ("dkovac,,,,yes", "dkovac,,,,no"), "verified"),
        (Account, Act.DISABLE, ("dkovac,,,,yes", "dkovac,,,,"), "requested"),
        (Account, Act.REMOVE, ("dkovac,,,,yes", "dkovac,,,,no"), "requested"),
        (Credential, Act.ROTATE, ("2024-01-01", "2026-03-05"), "verified"),
        (Credential, Act.ROTATE, ("2024-01-01", "2025-03-05"), "requested"),
        (Grant, Act.LIMIT, ("dkovac,POST,,", "dkovac,POST,,2026-06-01"), "verified"),
        (Grant, Act.LIMIT, ("dkovac,POST,,", "dkovac,POST,,2027-06-01"), "requested"),
    ],
)
def test_an_act_is_proved_by_what_the_reading_shows(
    core: Source, target: type[Target], act: Revocation.Act, row: tuple[str, str], state: str
) -> None:
    of: Target = post()
    if target is Account:
        of = Account.objects.get(name="dkovac")
    elif target is Credential:
        of = Credential.objects.get()
    ends_at = {"ends_at": datetime(2026, 6, 30, tzinfo=UTC)} if act == Act.LIMIT else {}
    revocation = asked(of, act, **ends_at)
    applied(core, ALL.replace(*row), day(8))
    assert now(revocation).state == state


def test_a_switched_off_account_that_is_on_again_has_reappeared(core: Source) -> None:
    revocation = asked(Account.objects.get(name="dkovac"), Act.DISABLE)
    applied(core, ALL.replace("dkovac,,,,yes", "dkovac,,,,no"), day(3))
    applied(core, ALL, day(4))
    assert now(revocation).state == Revocation.State.REAPPEARED


def test_a_proof_does_not_spoil_the_version_of_what_is_still_there(core: Source) -> None:
    revocation = asked(post())
    applied(core, ALL, day(3))
    assert now(revocation).version == revocation.version
    assert now(revocation).last_seen_at == day(3)


def test_a_removed_and_returned_right_is_absent_only_without_its_new_row(core: Source) -> None:
    """The revocation's own row is ended; the right stands again as another one."""
    revocation = asked(post())
    unknown_time(core)  # ends the row, proves nothing
    applied(core, ALL, day(4))
    assert (now(revocation).state, now(revocation).not_proven) == ("requested", "")
    applied(core, WITHOUT, day(5))
    assert now(revocation).state == Revocation.State.VERIFIED
    assert now(revocation).last_seen_at == day(4)


def test_removals_of_days_ago_are_counted_to_the_microsecond(core: Source) -> None:
    revocation = asked(post(), at=day(3) - timedelta(microseconds=1))
    applied(core, WITHOUT, day(3))
    assert now(revocation).state == Revocation.State.VERIFIED


SUDOERS = "aiko ALL=(root) /usr/bin/systemctl\n"


def test_a_file_of_another_format_proves_nothing_of_what_it_never_told(core: Source) -> None:
    """A host's sudoers, complete as it is, does not know the rights of the application on it."""
    sudoers = readings.source(core.system, connector="sudoers")
    applied(sudoers, SUDOERS, day(2))
    revocation = asked(post())
    applied(sudoers, SUDOERS, day(3))
    assert post().until is None
    assert now(revocation).state == Revocation.State.REQUESTED
    applied(core, WITHOUT, day(4))
    proved = now(revocation)
    assert (proved.state, proved.verified_at) == (Revocation.State.VERIFIED, day(4))


def test_an_account_of_ours_that_is_gone_takes_what_others_told_of_it(core: Source) -> None:
    sudoers = readings.source(core.system, connector="sudoers")
    applied(sudoers, SUDOERS, day(2))
    through_sudo = Grant.objects.get(account__name="aiko", entitlement__kind="act_as")
    revocation = asked(through_sudo)
    applied(core, WITHOUT.replace("account,aiko,,,,yes,,,\n", "").replace(READ, ""), day(4))
    assert now(revocation).state == Revocation.State.VERIFIED
