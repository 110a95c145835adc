"""Owners of machines: named by hand, handed over, accepted by whoever stands in."""

import pytest
from django.urls import reverse

from accounts.models import Identity, Ownership
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(db: None) -> Identity:
    return inventory.identity("svc-reports", kind="service")


def name(client: object, machine: Identity, **fields: object) -> object:
    values = {"version": machine.version, "owner": "", "deputy": ""} | fields
    return client.post(reverse("identity_owner", args=[machine.pk]), values)  # type: ignore[attr-defined]


def test_an_orphaned_machine_is_listed_and_given_an_owner(people: People, as_: As, machine: Identity) -> None:
    client = as_(people.mikael)
    assert machine.name in client.get(reverse("unowned_list")).text
    tomas = identity_of(people.tomas)
    assert name(client, machine, owner=tomas.email, deputy="Aiko Mori").status_code == 302  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert (machine.owner, machine.deputy) == (tomas, identity_of(people.aiko))
    client.get(reverse("home"))  # reads the message that names the machine
    assert machine.name not in client.get(reverse("unowned_list")).text
    events = Event.objects.about(machine).filter(verb=Verb.OWNER_NAMED)
    assert sorted(event.facts["role"] for event in events) == ["deputy", "owner"]


def test_handing_over_ends_the_one_before(people: People, as_: As, machine: Identity) -> None:
    client = as_(people.mikael)
    name(client, machine, owner="Tomas Brandt")
    machine.refresh_from_db()
    name(client, machine, owner="Omar Haddad")
    machine.refresh_from_db()
    running = Ownership.objects.filter(identity=machine, role="owner", during__upper_inf=True)
    assert [held.holder for held in running] == [identity_of(people.omar)]
    assert Ownership.objects.filter(identity=machine, role="owner").count() == 2


@pytest.mark.parametrize(
    ("owner", "deputy", "words"),
    [
        ("", "", "Name an owner or a deputy"),
        ("Nobody Known", "", "Nobody here fits"),
        ("Tomas Brandt", "tomas@nordhaven.test", "two people"),
        ("svc-other", "", "Nobody here fits"),
        ("Gone Person", "", "Nobody here fits"),
    ],
)
def test_what_is_refused_says_why(
    people: People, as_: As, machine: Identity, owner: str, deputy: str, words: str
) -> None:
    inventory.identity("svc-other", kind="service")
    inventory.identity("Gone Person", status="left")
    response = name(as_(people.mikael), machine, owner=owner, deputy=deputy)
    assert words in response.text  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert machine.owner is None


def test_two_people_of_one_name_are_not_guessed(people: People, as_: As, machine: Identity) -> None:
    inventory.identity("Tomas Brandt", email="other@nordhaven.test")
    response = name(as_(people.mikael), machine, owner="Tomas Brandt")
    assert "More than one person" in response.text  # type: ignore[attr-defined]


def test_somebody_was_faster(people: People, as_: As, machine: Identity) -> None:
    client = as_(people.mikael)
    name(client, machine, owner="Tomas Brandt")
    late = name(client, machine, owner="Omar Haddad")  # still carries the version from before
    assert late.status_code == 409  # type: ignore[attr-defined]
    assert "owner named" in late.text  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert machine.owner == identity_of(people.tomas)


def test_whoever_stands_in_accepts(people: People, as_: As, machine: Identity) -> None:
    deputy = identity_of(people.omar)
    leaver = inventory.identity("Dana Kovac", status="left")
    Identity.objects.filter(pk=machine.pk).update(owner=leaver, deputy=deputy, stand_in=deputy)
    response = as_(people.omar).post(
        reverse("identity_accept", args=[machine.pk]), {"version": machine.version}
    )
    assert response.status_code == 302
    machine.refresh_from_db()
    assert (machine.owner, machine.deputy, machine.stand_in) == (deputy, None, None)
    assert Event.objects.about(machine).filter(verb=Verb.OWNER_ACCEPTED).exists()


def test_people_have_no_owner(people: People, as_: As) -> None:
    person = identity_of(people.tomas)
    assert as_(people.mikael).get(reverse("identity_owner", args=[person.pk])).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"), [("ines", 403), ("ruth", 403), ("farid", 403), ("omar", 404), ("elena", 404)]
)
def test_nobody_else_names_owners(people: People, as_: As, machine: Identity, who: str, status: int) -> None:
    assert name(as_(people.by_role[who]), machine, owner="Tomas Brandt").status_code == status  # type: ignore[attr-defined]
    machine.refresh_from_db()
    assert machine.owner is None
