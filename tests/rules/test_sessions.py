"""N10 and E: what sessions on record say, and decisions that turn out to be one's own."""

from typing import Any

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Account, Identity, Membership, System
from reviews.models import Decision, ReviewItem
from reviews.services import decisions
from sessions_app.models import Recording, Session
from tests.factories import inventory
from tests.factories.people import People, identity_of
from tests.factories.reviews import bank as make_bank
from tests.factories.reviews import item_of
from tests.factories.sessions import sealed_session
from tests.rules.conftest import Ask, ago, fires, machine, privileged

pytestmark = pytest.mark.django_db
CAST = b'{"version": 2, "width": 80, "height": 24}\n'


def session(core: System, days: float = 3, cast: bytes = CAST, **fields: Any) -> Session:
    """Under a machine's account, recorded."""
    made = sealed_session(privileged(machine(core)), cast, started_at=ago(days))
    Session.objects.filter(pk=made.pk).update(**fields)
    return made


@pytest.mark.parametrize(
    ("days", "recording", "typed"),
    [
        (3, {"cols": 80}, "unknown"),
        (3, {"cols": 80, "has_input": True}, "yes"),
        (3, {"has_input": True}, "yes"),
        (3, {}, None),
        (3, {"cols": 80, "state": "rejected", "reason": "unreadable"}, None),
        (91, {"cols": 80}, None),
    ],
)
def test_a_terminal_under_a_machine(
    ask: Ask, core: System, days: float, recording: dict[str, Any], typed: str | None
) -> None:
    made = session(core, days)
    Recording.objects.update(**recording)
    found = ask("N10.1")
    assert fires(found, made) is (typed is not None)
    if typed:
        assert found[str(made.pk)].facts["typed"] == typed


def test_people_have_terminals(ask: Ask, core: System) -> None:
    dana = inventory.account(core, inventory.identity("Dana Kovac"))
    sealed_session(inventory.grant(dana, inventory.entitlement(core)), CAST)
    Recording.objects.update(cols=80)
    assert ask("N10.1") == {}


@pytest.mark.parametrize(("accountable", "fired"), [(True, False), (False, True)])
def test_somebody_is_accountable(ask: Ask, core: System, accountable: bool, fired: bool) -> None:
    made = session(core, accountable=inventory.identity() if accountable else None)
    assert fires(ask("N10.4"), made) is fired


@pytest.mark.parametrize(
    ("match", "days", "fired"),
    [
        ("grant", 3, False),
        ("no_grant", 3, True),
        ("grant_ended", 3, True),
        ("unmatched", 3, False),
        ("no_grant", 366, False),
    ],
)
def test_without_a_right(ask: Ask, core: System, match: str, days: float, fired: bool) -> None:
    made = session(core, days, match=match)
    assert fires(ask("E1"), made) is fired


def test_one_file_for_two_sessions(ask: Ask, core: System) -> None:
    session(core, cast=CAST + b"1")
    first, second = session(core), session(core)
    found = ask("E9")
    assert set(found) == {str(one.recordings.get().pk) for one in (first, second)}
    second.recordings.update(state="rejected", reason="twice")
    assert ask("E9") == {}


# --- E6: a decision on one's own access ---------------------------------------------------------------


@pytest.fixture
def decided(people: People) -> ReviewItem:
    """Tomas kept a right of Dana's account."""
    bank = make_bank(people)
    grant = bank.grant(bank.hire("Dana Kovac"))
    item = item_of(bank.launched(), grant)
    decisions.record(item, verdict="certify", ordinal=0, by=people.tomas)
    return ReviewItem.objects.get(pk=item.pk)


def test_a_decision_on_somebody_else_is_fine(ask: Ask, decided: ReviewItem) -> None:
    assert ask("E6") == {}


def test_a_merge_shows_that_it_was_ones_own(ask: Ask, people: People, decided: ReviewItem) -> None:
    Account.objects.filter(pk=decided.account_id).update(identity=identity_of(people.tomas))
    found = ask("E6")
    assert fires(found, decided)
    assert found[str(decided.pk)].facts["why"] == "theirs"
    assert found[str(decided.pk)].is_privileged


@pytest.mark.parametrize(("since", "fired"), [(10, True), (-10, False)])
def test_a_member_decided_on_the_shared_account(
    ask: Ask, people: People, decided: ReviewItem, since: float, fired: bool
) -> None:
    Membership.objects.create(
        account_id=decided.account_id,
        identity=identity_of(people.tomas),
        during=DateTimeTZRange(ago(since), None),
    )
    assert fires(ask("E6"), decided) is fired


def test_whoever_decided_was_the_duplicate(ask: Ask, people: People, decided: ReviewItem) -> None:
    subject = Account.objects.get(pk=decided.account_id).identity
    assert subject is not None
    Identity.objects.filter(pk=identity_of(people.tomas).pk).update(merged_into=subject, status="left")
    found = ask("E6")
    assert fires(found, decided)
    assert found[str(decided.pk)].facts["person"] == str(subject.pk)


def test_whose_it_was_turns_out_to_be_who_decided(ask: Ask, people: People, decided: ReviewItem) -> None:
    account = Account.objects.get(pk=decided.account_id)
    assert account.identity is not None
    subject = account.identity.pk
    Account.objects.filter(pk=account.pk).update(identity=None, match_method="")
    Identity.objects.filter(pk=subject).update(merged_into=identity_of(people.tomas), status="left")
    assert fires(ask("E6"), decided)


@pytest.mark.parametrize(("is_privileged", "fired"), [(True, True), (False, False)])
def test_the_owner_turns_out_to_have_decided_on_a_machine(
    ask: Ask, people: People, is_privileged: bool, fired: bool
) -> None:
    bank = make_bank(people)
    robot = bank.machine("svc-reports")
    owner = inventory.identity("Tomas B.")
    robot.owner = owner
    robot.save()
    grant = bank.grant(robot, bank.right(privileged=is_privileged))
    item = item_of(bank.launched(privileged_only=False), grant)
    item.assignment.reviewer = identity_of(people.tomas)
    item.assignment.save()
    decisions.record(item, verdict="certify", ordinal=0, by=people.tomas)
    assert ask("E6") == {}
    Identity.objects.filter(pk=owner.pk).update(merged_into=identity_of(people.tomas), status="left")
    assert fires(ask("E6"), item) is fired


def test_what_was_taken_back_does_not_count(ask: Ask, people: People, decided: ReviewItem) -> None:
    decisions.undo(decided, ordinal=decided.ordinal, by=people.tomas)
    Account.objects.filter(pk=decided.account_id).update(identity=identity_of(people.tomas))
    assert Decision.objects.filter(item=decided).count() == 2
    assert ask("E6") == {}


def test_old_decisions_are_history(ask: Ask, people: People, decided: ReviewItem) -> None:
    Account.objects.filter(pk=decided.account_id).update(identity=identity_of(people.tomas))
    assert ask("E6", at=ago(-401)) == {}
