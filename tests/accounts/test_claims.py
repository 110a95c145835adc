"""Is this yours? Whoever something points to says so, passes it on, or has it shut down."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.clock import proposals as clock
from accounts.models import (
    Account,
    Identity,
    OwnerProposal,
    Ownership,
    OwnershipClaim,
    Revocation,
    System,
    asked,
)
from accounts.services import claims, ownership
from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from portal.outbox.models import Message
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db
Answer = OwnershipClaim.Answer


@pytest.fixture
def leon(people: People) -> User:
    return factory.user("Leon Weiss", identity=inventory.identity("Leon Weiss", email="leon@nordhaven.test"))


@pytest.fixture
def core(leon: User) -> System:
    return inventory.system("CORE", owner=identity_of(leon))


@pytest.fixture
def machine(people: People, core: System, leon: User) -> Identity:
    """Tomas made it, most likely; after him something points to Omar; Leon owns the system."""
    one = inventory.identity("svc-reports", "service", purpose="Prints reports")
    inventory.account(core, one, "svc-reports")
    propose(one, people.tomas, "creator", 60)
    propose(one, people.omar, "tag", 50)
    propose(one, leon, "system", 11)
    return one


def propose(one: Identity, who: User, reason: str, weight: int, days_ago: int = 0) -> None:
    found_at = moment.now() - timedelta(days=days_ago)
    OwnerProposal.objects.create(
        identity=one, candidate=identity_of(who), reason=reason, weight=weight, found_at=found_at
    )


def waits_for(one: Identity) -> str | None:
    return asked.about([one.pk])[one.pk].person_name


def answer(client: object, one: Identity, **form: object) -> object:
    one.refresh_from_db()
    url = reverse("claim", args=[one.pk])
    return client.post(url, {"version": one.version} | form)  # type: ignore[attr-defined]


def test_the_likeliest_is_asked_and_nobody_else_finds_the_page(
    people: People, as_: As, machine: Identity
) -> None:
    client = as_(people.tomas)
    assert waits_for(machine) == "Tomas Brandt"
    page = client.get(reverse("claim_list")).text
    assert "svc-reports" in page
    assert "made it" in page
    assert "Prints reports" in client.get(reverse("claim", args=[machine.pk])).text
    assert "waits for your word" in client.get(reverse("home")).text
    for who in ("omar", "ruth", "aiko", "elena", "ines"):
        other = as_(people.by_role[who])
        assert "svc-reports" not in other.get(reverse("claim_list")).text
        assert other.get(reverse("claim", args=[machine.pk])).status_code == 404
        assert answer(other, machine, answer="mine").status_code == 404  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert machine.owner is None


def test_mine_makes_them_the_owner_who_has_accepted(people: People, as_: As, machine: Identity) -> None:
    assert answer(as_(people.tomas), machine, answer="mine").status_code == 302  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert machine.owner == identity_of(people.tomas)
    assert Ownership.objects.get(identity=machine, role="owner").accepted_at is not None
    verbs = list(Event.objects.about(machine).order_by("pk").values_list("verb", flat=True))
    assert verbs == [Verb.OWNER_CLAIMED, Verb.OWNER_NAMED, Verb.OWNER_ACCEPTED]
    assert waits_for(machine) is None


def test_not_mine_asks_the_next_likeliest_and_then_nobody(people: People, as_: As, machine: Identity) -> None:
    answer(as_(people.tomas), machine, answer="not_mine", remark="Ask the reports team")
    assert waits_for(machine) == "Omar Haddad"
    answer(as_(people.omar), machine, answer="not_mine")
    assert waits_for(machine) is None
    assert asked.about([machine.pk])[machine.pk].last_resort_id is not None
    assert as_(people.tomas).get(reverse("claim", args=[machine.pk])).status_code == 404
    said = OwnershipClaim.objects.get(said_by=people.tomas.identity_id)
    assert said.remark == "Ask the reports team"


def test_ask_somebody_else_passes_it_on(people: People, as_: As, machine: Identity) -> None:
    answer(as_(people.tomas), machine, answer="ask", ask="Aiko Mori")
    assert waits_for(machine) == "Aiko Mori"
    back = answer(as_(people.aiko), machine, answer="ask", ask="Tomas Brandt")
    assert "has said already" in back.text  # type: ignore[attr-defined]
    answer(as_(people.aiko), machine, answer="mine")
    machine.refresh_from_db()
    assert machine.owner == identity_of(people.aiko)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"answer": "ask"}, "Say whom to ask"),
        ({"answer": "ask", "ask": "Tomas Brandt"}, "Ask somebody else"),
        ({"answer": "ask", "ask": "Nobody Known"}, "Nobody here fits"),
        ({"answer": "yes"}, "Select a valid choice"),
        ({}, "This field is required"),
    ],
)
def test_what_is_refused_says_why(
    people: People, as_: As, machine: Identity, form: dict[str, str], words: str
) -> None:
    response = answer(as_(people.tomas), machine, **form)
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert words in response.text  # type: ignore[attr-defined]
    assert not OwnershipClaim.objects.exists()


def test_somebody_was_faster(people: People, as_: As, machine: Identity) -> None:
    ownership.name_owner(
        machine, identity_of(people.omar), role=Ownership.Role.OWNER, version=None, actor=PORTAL
    )
    form = {"version": 1, "answer": "mine"}
    assert as_(people.tomas).post(reverse("claim", args=[machine.pk]), form).status_code == 404
    with pytest.raises(ValidationError, match="does not wait for your word"):
        claims.say(machine, answer=Answer.MINE, version=machine.version, by=people.tomas)


def test_an_owner_hands_it_on_and_keeps_it_until_it_is_taken(
    people: People, as_: As, machine: Identity, leon: User
) -> None:
    owner = identity_of(leon)
    ownership.name_owner(machine, owner, role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    form = {"version": machine.version, "owner": "Tomas Brandt", "deputy": ""}
    response = as_(leon).post(reverse("identity_owner", args=[machine.pk]), form, follow=True)
    assert "It stays yours until they accept" in response.text
    machine.refresh_from_db()
    assert machine.owner == owner
    assert waits_for(machine) == "Tomas Brandt"
    answer(as_(people.tomas), machine, answer="mine")
    machine.refresh_from_db()
    assert machine.owner == identity_of(people.tomas)
    held = Ownership.objects.filter(identity=machine, role="owner")
    assert {one.holder: one.during.upper is None for one in held} == {
        owner: False,
        identity_of(people.tomas): True,
    }


def test_an_owner_names_a_deputy_at_once_and_a_deputy_nobody(
    people: People, as_: As, machine: Identity, leon: User
) -> None:
    ownership.name_owner(machine, identity_of(leon), role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    url = reverse("identity_owner", args=[machine.pk])
    form = {"version": machine.version, "owner": "", "deputy": "Omar Haddad"}
    assert as_(leon).post(url, form).status_code == 302
    machine.refresh_from_db()
    assert machine.deputy == identity_of(people.omar)
    assert as_(people.omar).get(url).status_code == 403
    assert as_(people.omar).get(reverse("identity_edit", args=[machine.pk])).status_code == 200


def test_shut_down_starts_nothing_until_somebody_else_confirms(
    people: People, as_: As, machine: Identity
) -> None:
    answer(as_(people.tomas), machine, answer="shut_down", remark="Replaced in May")
    assert not Revocation.objects.exists()
    assert waits_for(machine) is None
    iam = as_(people.mikael)
    page = iam.get(reverse("shut_down_list")).text
    assert "svc-reports" in page
    assert "Replaced in May" in page
    assert "nobody needs, they say" in iam.get(reverse("home")).text
    claim = OwnershipClaim.objects.get()
    machine.refresh_from_db()
    url = reverse("claim_confirm", args=[claim.pk])
    assert as_(people.tomas).post(url, {"version": machine.version}).status_code == 403
    assert iam.post(url, {"version": machine.version}).status_code == 302
    asked_for = Revocation.objects.get()
    assert (asked_for.act, asked_for.state) == ("disable", "requested")
    assert asked_for.account == Account.objects.get(identity=machine)
    assert asked_for.causes.get().kind == "claim"
    assert Event.objects.about(machine).filter(verb=Verb.IDENTITY_SHUT_DOWN).count() == 1


def test_what_they_said_themselves_is_confirmed_by_another(people: People, machine: Identity) -> None:
    propose(machine, people.mikael, "named", 90)
    claim = claims.say(machine, answer=Answer.SHUT_DOWN, version=machine.version, by=people.mikael)
    with pytest.raises(ValidationError, match="Somebody else"):
        claims.confirm_shut_down(claim, version=None, by=people.mikael)


def test_with_no_account_left_it_is_retired(people: People, machine: Identity) -> None:
    claim = claims.say(machine, answer=Answer.SHUT_DOWN, version=machine.version, by=people.tomas)
    reading = Account.objects.get(identity=machine).first_run
    Account.objects.filter(identity=machine).update(gone_run=reading)
    assert claims.confirm_shut_down(claim, version=None, by=people.mikael) == 0
    machine.refresh_from_db()
    assert machine.status == Identity.Status.LEFT
    assert not OwnershipClaim.objects.shutting_down().exists()


def test_an_emergency_account_is_not_touched(people: People, machine: Identity) -> None:
    Account.objects.filter(identity=machine).update(kind=Account.Kind.EMERGENCY)
    claim = claims.say(machine, answer=Answer.SHUT_DOWN, version=machine.version, by=people.tomas)
    with pytest.raises(ValidationError, match="emergency"):
        claims.confirm_shut_down(claim, version=None, by=people.mikael)
    assert not Revocation.objects.exists()


def test_a_new_owner_overtakes_what_was_said(people: People, machine: Identity) -> None:
    claim = claims.say(machine, answer=Answer.SHUT_DOWN, version=machine.version, by=people.tomas)
    later = claim.said_at + timedelta(minutes=1)
    ownership.name_owner(
        machine, identity_of(people.omar), role=Ownership.Role.OWNER, version=None, actor=PORTAL, at=later
    )
    assert not OwnershipClaim.objects.shutting_down().exists()
    with pytest.raises(ValidationError, match="since"):
        claims.confirm_shut_down(claim, version=None, by=people.mikael)


def test_iam_asks_somebody(people: People, as_: As, machine: Identity) -> None:
    response = answer(as_(people.mikael), machine, answer="ask", ask="Ruth Oyelaran")
    assert response.status_code == 302  # type: ignore[attr-defined]
    assert waits_for(machine) == "Ruth Oyelaran"
    machine.refresh_from_db()
    with pytest.raises(ValidationError, match="does not wait"):
        claims.say(machine, answer=Answer.SHUT_DOWN, version=machine.version, by=people.mikael)


def test_unanswered_it_falls_to_who_owns_the_system(people: People, machine: Identity, leon: User) -> None:
    late = moment.now() + claims.ANSWER_WITHIN
    clock.fall_to_the_last_resort(late - timedelta(hours=1))
    machine.refresh_from_db()
    assert machine.stand_in is None
    clock.fall_to_the_last_resort(late + timedelta(hours=1))
    machine.refresh_from_db()
    assert (machine.owner_id, machine.stand_in_id) == (None, leon.identity_id)
    event = Event.objects.about(machine).get(verb=Verb.OWNER_STOOD_IN)
    assert event.facts["last_resort"] is True
    assert event.actor_kind == "portal"
    assert waits_for(machine) == "Leon Weiss"
    assert list(Identity.objects.unowned()) == [machine]
    clock.fall_to_the_last_resort(late + timedelta(days=2))
    assert Event.objects.about(machine).filter(verb=Verb.OWNER_STOOD_IN).count() == 1


def test_who_stands_in_says_whose_it_is(people: People, as_: As, machine: Identity, leon: User) -> None:
    ownership.stand_in(machine, identity_of(leon), actor=PORTAL, at=moment.now())
    assert "Not mine" in as_(leon).get(reverse("my_machines")).text
    answer(as_(leon), machine, answer="ask", ask="Ruth Oyelaran")
    machine.refresh_from_db()
    assert machine.stand_in is None
    assert waits_for(machine) == "Ruth Oyelaran"


def test_a_leaver_is_not_asked(people: People, machine: Identity) -> None:
    Identity.objects.filter(pk=identity_of(people.tomas).pk).update(status=Identity.Status.LEFT)
    assert waits_for(machine) == "Omar Haddad"


def test_a_mail_a_week_says_how_many_and_nothing_else(people: People, machine: Identity) -> None:
    at = moment.now()
    clock.remind_who_is_asked(at)
    clock.remind_who_is_asked(at)
    message = Message.objects.get()
    assert message.to == "tomas@nordhaven.test"
    assert "1 machine identity waits for your word" in message.body
    assert "svc-reports" not in message.subject + message.body
    clock.remind_who_is_asked(at + timedelta(days=7))
    assert Message.objects.count() == 2


def test_what_was_said_is_never_changed(machine: Identity, people: People) -> None:
    claim = claims.say(machine, answer=Answer.NOT_MINE, version=machine.version, by=people.tomas)
    with pytest.raises(Exception, match=r"append-only|permission denied"):
        OwnershipClaim.objects.filter(pk=claim.pk).update(remark="other")
