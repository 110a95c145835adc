"""Which grant a session answers to, at the moment it began: a table, and who is behind it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Account, Grant, GrantUse, Membership, Ownership, Revocation, RevocationCause
from accounts.services import revocations
from accounts.services.revocations import Cause
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from sessions_app.models import Session
from sessions_app.processing import matching
from sessions_app.services import intake
from tests.factories import inventory
from tests.sessions_app.conftest import BEGAN, World, cast_file

DAY = timedelta(days=1)


def ended(world: World, at: datetime, **fields: Any) -> Grant:
    """A grant that a reading found gone."""
    grant = world.grant(**fields)
    reading = inventory.run(inventory.source(world.system), taken_at=at)
    Grant.objects.filter(pk=grant.pk).update(held=DateTimeTZRange(grant.since, at), known_to_run=reading)
    return grant


def asked_to_go(grant: Grant, at: datetime) -> Revocation:
    cause = Cause(RevocationCause.Kind.DECISION, "1")
    revocation = revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL, at=at)
    revocations.request(Revocation.objects.filter(pk=revocation.pk), actor=PORTAL, at=at)
    return revocation


def proven_gone(world: World, grant: Grant, at: datetime) -> None:
    revocation = asked_to_go(grant, at - DAY)
    reading = inventory.run(inventory.source(world.system), taken_at=at)
    Revocation.objects.filter(pk=revocation.pk).update(
        state=Revocation.State.VERIFIED, verified_at=at, verified_run=reading
    )


def test_a_grant_in_force(world: World) -> None:
    grant = world.grant()
    session = world.session(acted_as="root@core01")
    assert (session.match, session.grant, session.acted_as) == (Session.Match.GRANT, grant, world.root)
    assert (session.account, session.identity, session.accountable) == (world.account, world.dana, world.dana)
    assert session.match_note == ""
    assert bytes(session.identity_card or b"") == bytes(world.dana.card or b"")


def test_no_account_of_that_name(world: World) -> None:
    session = world.session(account_name="nobody")
    assert (session.match, session.account, session.grant) == (Session.Match.NO_ACCOUNT, None, None)
    assert "No account on JUMP" in session.match_note


def test_names_are_compared_without_regard_to_case(world: World) -> None:
    world.grant()
    assert world.session(account_name="DKovac", acted_as="ROOT@core01").match == Session.Match.GRANT


def test_an_external_id_names_an_account_as_well(world: World) -> None:
    Account.objects.filter(pk=world.account.pk).update(external_id="S-1-5-21-7")
    assert world.session(account_name="s-1-5-21-7").account == world.account


def test_two_accounts_of_one_name_are_none(world: World) -> None:
    inventory.account(world.system, None, "DKOVAC")
    assert world.session(account_name="dkovac").account == world.account
    session = world.session(cast_file("other"), account_name="DKovac")
    assert (session.match, session.account) == (Session.Match.NO_ACCOUNT, None)
    assert "2 accounts" in session.match_note


def test_an_account_made_after_the_session_is_another_one(world: World) -> None:
    Account.objects.filter(pk=world.account.pk).update(created_at=BEGAN + DAY)
    session = world.session()
    assert session.account is None
    assert "only after" in session.match_note


def test_no_grant_at_all(world: World) -> None:
    session = world.session()
    assert (session.match, session.grant, session.account) == (Session.Match.NO_GRANT, None, world.account)


def test_a_right_that_is_not_privileged_allows_nothing_privileged(world: World) -> None:
    world.grant(entitlement=inventory.entitlement(world.system, "read mail", privileged=False))
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.NO_GRANT, None)
    assert "not privileged" in session.match_note


def test_a_right_of_unknown_privilege_counts_and_is_noted(world: World) -> None:
    grant = world.grant(entitlement=inventory.entitlement(world.system, "ops", privileged=None))
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT, grant)
    assert "unknown" in session.match_note


def test_a_grant_that_ended_two_days_before(world: World) -> None:
    grant = ended(world, BEGAN - 2 * DAY)
    world.grant(entitlement=inventory.entitlement(world.system, "read mail", privileged=False))
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT_ENDED, grant)
    assert "2 days before" in session.match_note


def test_a_grant_that_ended_afterwards_was_in_force(world: World) -> None:
    grant = ended(world, BEGAN + DAY)
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT, grant)


def test_a_grant_that_began_afterwards_was_not(world: World) -> None:
    world.grant(since=BEGAN + DAY)
    assert world.session().match == Session.Match.NO_GRANT


def test_a_grant_past_its_agreed_end_had_ended_even_if_it_was_still_there(world: World) -> None:
    grant = world.grant(ends_at=BEGAN - DAY)
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT_ENDED, grant)
    assert "still there" in session.match_note


def test_a_removal_that_was_verified_before_ended_it(world: World) -> None:
    grant = world.grant()
    proven_gone(world, grant, BEGAN - 2 * DAY)
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT_ENDED, grant)
    assert "verified gone" in session.match_note
    assert "2 days before" in session.match_note


def test_a_session_after_the_removal_was_requested_is_noted(world: World) -> None:
    grant = world.grant()
    asked_to_go(grant, BEGAN - 2 * DAY)
    session = world.session()
    assert (session.match, session.grant) == (Session.Match.GRANT, grant)
    assert "2 days after its removal was requested" in session.match_note


def test_a_removal_requested_after_the_session_is_not_noted(world: World) -> None:
    asked_to_go(world.grant(), BEGAN + DAY)
    assert world.session().match_note == ""


def test_the_right_it_acted_as_counts_before_any_other(world: World) -> None:
    oracle = inventory.entitlement(world.system, "oracle@core02", kind="act_as")
    world.grant(since=BEGAN - 90 * DAY)
    wanted = world.grant(entitlement=oracle, since=BEGAN - DAY)
    assert world.session(acted_as="oracle@core02").grant == wanted


def test_without_a_name_the_oldest_direct_one_counts_and_the_others_are_noted(world: World) -> None:
    group = inventory.entitlement(world.system, "admins")
    world.grant(entitlement=inventory.entitlement(world.system, "aa"), via=group, since=BEGAN - 300 * DAY)
    world.grant(entitlement=inventory.entitlement(world.system, "bb"), since=BEGAN - 10 * DAY)
    oldest = world.grant(since=BEGAN - 20 * DAY)
    session = world.session()
    assert session.grant == oldest
    assert "3 such rights" in session.match_note


def test_a_right_that_nobody_knows_is_no_grant(world: World) -> None:
    world.grant()
    session = world.session(acted_as="sysdba@core09")
    assert (session.match, session.grant, session.acted_as) == (Session.Match.NO_GRANT, None, None)
    assert "sysdba@core09" in session.match_note


def test_a_right_of_somebody_else_is_no_grant(world: World) -> None:
    other = inventory.account(world.system, None, "jsmith")
    inventory.grant(other, world.root)
    session = world.session(acted_as="root@core01")
    assert (session.match, session.acted_as) == (Session.Match.NO_GRANT, world.root)


def test_a_long_note_fits_its_column(world: World) -> None:
    session = world.session(account_name="a" * 256, acted_as="b" * 256)
    assert len(session.match_note) <= 300


# Who is behind it


def test_the_owner_at_that_time_answers_for_a_machine(world: World) -> None:
    then, now = inventory.identity("Owner then"), inventory.identity("Owner now")
    machine = inventory.identity("svc-settlement", "service", owner=now)
    inventory.account(world.system, machine, "svc")
    for holder, during in ((then, (None, BEGAN + DAY)), (now, (BEGAN + DAY, None))):
        Ownership.objects.create(
            identity=machine, role=Ownership.Role.OWNER, holder=holder, during=DateTimeTZRange(*during)
        )
    session = world.session(account_name="svc")
    assert (session.identity, session.accountable) == (machine, then)


def test_a_machine_that_nobody_owned_then_says_so(world: World) -> None:
    inventory.account(world.system, inventory.identity("svc-reports", "service"), "svc")
    session = world.session(account_name="svc")
    assert session.accountable is None
    assert "Nobody is known" in session.match_note


def test_a_recycled_login_is_not_laid_at_the_door_of_who_has_it_now(world: World) -> None:
    jon = inventory.identity("Jon Smith")
    inventory.account(world.system, jon, "jsmith")
    hr = inventory.source()
    jon.engagements.create(
        source=hr, number="77", starts_on=(BEGAN + DAY).date(), first_run=inventory.run(hr)
    )
    session = world.session(account_name="jsmith")
    assert session.account is not None
    assert (session.identity, session.accountable) == (None, None)
    assert "came later" in session.match_note


def test_a_shared_account_says_how_many_could_use_it(world: World) -> None:
    shared = inventory.account(world.system, None, "opsdesk", kind=Account.Kind.SHARED)
    for name, until in (("A", None), ("B", None), ("C", BEGAN - DAY)):
        Membership.objects.create(
            account=shared, identity=inventory.identity(name), during=DateTimeTZRange(BEGAN - 9 * DAY, until)
        )
    session = world.session(account_name="opsdesk")
    assert session.identity is None
    assert "2 people" in session.match_note


# Use, and matching again


def test_a_session_is_a_use_of_its_grant_if_it_is_the_newest(world: World) -> None:
    grant = world.grant()
    session = world.session()
    use = GrantUse.objects.get(grant=grant)
    assert (use.last_used_at, use.source) == (session.ended_at, f"session {session.code}")
    world.file(cast_file("x", began=BEGAN - DAY))
    assert GrantUse.objects.get(grant=grant).source == f"session {session.code}"
    newer = world.session(cast_file("y", began=BEGAN + DAY))
    assert GrantUse.objects.get(grant=grant).source == f"session {newer.code}"


def test_a_grant_that_had_ended_was_not_used(world: World) -> None:
    grant = ended(world, BEGAN - DAY)
    world.file()
    assert not GrantUse.objects.filter(grant=grant).exists()


def again() -> None:
    intake.match_again()
    drain()


def test_what_an_import_brought_later_explains_the_session(world: World) -> None:
    session = world.session(account_name="newcomer")
    inventory.account(world.system, world.dana, "newcomer")
    again()
    session.refresh_from_db()
    assert (session.match, session.identity) == (Session.Match.NO_GRANT, world.dana)
    grant = inventory.grant(session.account, world.root)  # type: ignore[arg-type]  # just matched
    again()
    session.refresh_from_db()
    assert (session.match, session.grant) == (Session.Match.GRANT, grant)
    assert GrantUse.objects.get(grant=grant).last_used_at == session.ended_at
    assert Event.objects.filter(verb=Verb.SESSION_MATCHED, subject_id=str(session.pk)).count() == 2


def test_a_link_that_was_made_later_names_the_identity(world: World) -> None:
    orphan = inventory.account(world.system, None, "orphan")
    inventory.grant(orphan, world.root)
    session = world.session(account_name="orphan")
    Account.objects.filter(pk=orphan.pk).update(identity=world.dana, match_method=Account.Match.HAND)
    again()
    session.refresh_from_db()
    assert session.identity == world.dana


def test_matching_again_without_news_changes_nothing(world: World) -> None:
    session = world.session()
    again()
    again()
    assert Session.objects.get(pk=session.pk).version == session.version
    assert not Event.objects.filter(verb=Verb.SESSION_MATCHED).exists()


def test_an_older_rule_is_asked_again_and_an_old_session_is_left_alone(world: World) -> None:
    world.grant()
    session, old = world.session(), world.session(cast_file("z", began=BEGAN - 120 * DAY))
    Session.objects.update(match_rule=0)
    again()
    assert {row.pk: row.match_rule for row in Session.objects.all()} == {session.pk: matching.RULE, old.pk: 0}


def test_a_session_without_a_readable_recording_is_not_matched(world: World) -> None:
    world.grant()
    session = world.session(cast_file("x") + b'[9, "o", "\xff\xfe"]\n[10, "o", "x"]\n')
    again()
    session.refresh_from_db()
    assert session.match == Session.Match.UNMATCHED


@pytest.mark.parametrize("moment_of_end", [BEGAN, BEGAN + timedelta(microseconds=1)])
def test_the_end_of_a_grant_is_the_first_moment_without_it(world: World, moment_of_end: datetime) -> None:
    ended(world, moment_of_end)
    expected = Session.Match.GRANT_ENDED if moment_of_end == BEGAN else Session.Match.GRANT
    assert world.session().match == expected
