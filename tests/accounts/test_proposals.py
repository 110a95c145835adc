"""Who might answer for a machine that nobody answers for, why, and naming them one by one or many at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.answers.proposals import propose as propose_after_reading
from accounts.models import (
    Account,
    Application,
    Engagement,
    Entitlement,
    Identity,
    OwnerProposal,
    Ownership,
    System,
)
from accounts.reconciliation import proposing
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from sessions_app.models import Session
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def core(db: None) -> System:
    return inventory.system("CORE", owner=inventory.identity("Leon Weiss"))


def machine(core: System, name: str = "svc-a", of: Identity | None = None, **hints: Any) -> Identity:
    one = inventory.identity(name, "service", owner=of)
    inventory.account(core, one, f"{name}-acct", hints=hints)
    return one


def proposed(one: Identity) -> dict[str, str]:
    """Reason → person."""
    proposing.propose()
    found = OwnerProposal.objects.filter(identity=one)
    return dict(found.values_list("reason", "candidate__name"))


@pytest.mark.parametrize(
    ("hints", "reason"),
    [
        ({"owner": "tomas@nordhaven.test"}, "named"),
        ({"owner": "Tomas Brandt <TOMAS@nordhaven.test>"}, "named"),
        ({"owner": "tomas brandt"}, "named"),
        ({"owner": "E-77"}, "named"),
        ({"creator": "tbrandt"}, "creator"),
        ({"sponsor": "Tomas Brandt"}, "tag"),
        ({"purpose": "Nightly job; ask tomas@nordhaven.test"}, "tag"),
    ],
)
def test_words_of_the_system_point_to_one_person(
    people: People, core: System, hints: dict[str, Any], reason: str
) -> None:
    tomas = identity_of(people.tomas)
    hr = inventory.source(None)
    Engagement.objects.create(identity=tomas, source=hr, number="E-77", first_run=inventory.run(hr))
    inventory.account(core, tomas, "tbrandt")
    assert proposed(machine(core, **hints)) == {reason: "Tomas Brandt", "system": "Leon Weiss"}


@pytest.mark.parametrize(
    "hints",
    [
        {"owner": "platform team"},
        {"owner": "Jon Smith"},  # two of that name
        {"owner": "%"},
        {"owner": "T_mas Brandt"},
        {"owner": "gone@nordhaven.test"},
        {"vendor": "tomas@nordhaven.test"},
        {},
    ],
)
def test_words_that_are_unclear_point_to_nobody(people: People, core: System, hints: dict[str, Any]) -> None:
    for _ in range(2):
        inventory.identity("Jon Smith")
    inventory.identity("Gone Person", email="gone@nordhaven.test", status="left")
    assert proposed(machine(core, **hints)) == {"system": "Leon Weiss"}


def test_who_owns_the_application_is_proposed(people: People, core: System) -> None:
    ines, tomas = identity_of(people.ines), identity_of(people.tomas)
    Application.objects.create(name="Payments", owner=ines, created_at=inventory.LONG_AGO)
    assert proposed(machine(core, application="payments"))["application"] == "Ines Falk"
    gone = inventory.identity("Gone", status="left")
    ledger = Application.objects.create(
        name="Ledger", owner=gone, deputy=tomas, created_at=inventory.LONG_AGO
    )
    orphaned = machine(core, "svc-b")
    Identity.objects.filter(pk=orphaned.pk).update(application=ledger)
    assert proposed(orphaned)["application"] == "Tomas Brandt"


def test_who_owns_most_of_the_namespace_is_proposed(people: People, core: System) -> None:
    ines, tomas = identity_of(people.ines), identity_of(people.tomas)
    for number, owner in enumerate([tomas, tomas, ines]):
        machine(core, f"svc-{number}", owner, namespace="payments")
    one = machine(core, "svc-new", namespace="payments")
    assert proposed(one)["namespace"] == "Tomas Brandt"
    assert OwnerProposal.objects.get(identity=one, reason="namespace").detail == "payments: 2/3"
    machine(core, "svc-3", ines, namespace="payments")
    assert "namespace" not in proposed(one)  # half and half says nothing


def test_the_manager_of_the_owner_who_left_is_proposed(people: People, core: System) -> None:
    between = inventory.identity("Between", manager=identity_of(people.tomas), status="left")
    gone = inventory.identity("Dana Kovac", manager=between, status="left")
    assert proposed(machine(core, of=gone))["leaver"] == "Tomas Brandt"


def test_managers_in_a_circle_end(core: System) -> None:
    one = inventory.identity("One", status="left")
    other = inventory.identity("Other", status="left", manager=one)
    Identity.objects.filter(pk=one.pk).update(manager=other)
    assert "leaver" not in proposed(machine(core, of=one))


def test_who_worked_as_it_last_is_proposed(people: People, core: System) -> None:
    one = machine(core)
    jump = inventory.system("JUMP", is_gateway=True)
    right = inventory.entitlement(
        jump, "as svc-a", kind=Entitlement.Kind.ACT_AS, acts_as=Account.objects.get(identity=one)
    )
    for who, days in ((people.ines, 9), (people.tomas, 3)):
        Session.objects.create(
            code=f"SES-{days}",
            system=jump,
            identity=identity_of(who),
            acted_as=right,
            started_at=moment.now() - timedelta(days=days),
        )
    assert proposed(one)["session"] == "Tomas Brandt"


def test_what_stands_keeps_its_day_and_what_no_longer_holds_goes(people: People, core: System) -> None:
    one = machine(core, creator="tomas@nordhaven.test")
    before = moment.now() - timedelta(days=5)
    assert proposing.propose(before) == 2
    assert proposing.propose() == 2
    assert {found.found_at for found in OwnerProposal.objects.all()} == {before}
    Account.objects.filter(identity=one).update(hints={})
    proposing.propose()
    assert [found.reason for found in OwnerProposal.objects.all()] == ["system"]
    Identity.objects.filter(pk=one.pk).update(owner=identity_of(people.ines))
    assert proposing.propose() == 0
    assert not OwnerProposal.objects.exists()


def test_a_reading_has_them_found(people: People, core: System) -> None:
    from_event = Event.objects.count()
    one = machine(core, creator="tomas@nordhaven.test")
    propose_after_reading(0)
    drain()
    assert OwnerProposal.objects.filter(identity=one, reason="creator").exists()
    assert Event.objects.count() == from_event  # nobody did anything


def test_the_list_shows_who_and_why_and_one_click_names_them(people: People, as_: As, core: System) -> None:
    one = machine(core, creator="tomas@nordhaven.test")
    proposing.propose()
    client = as_(people.mikael)
    page = client.get(reverse("unowned_list")).text
    assert "Name Tomas Brandt" in page
    assert "made it" in page
    assert "tomas@nordhaven.test" in page
    tomas = identity_of(people.tomas)
    form = {"rows": f"{one.pk}:{one.version}:{tomas.pk}"}
    assert client.post(reverse("unowned_do"), form).status_code == 302
    one.refresh_from_db()
    assert one.owner == tomas
    assert Event.objects.about(one).get(verb=Verb.OWNER_NAMED).facts["holder"] == str(tomas.pk)
    assert Ownership.objects.get(identity=one, role="owner").holder == tomas


def test_many_are_looked_at_first_and_then_named_at_once(people: People, as_: As, core: System) -> None:
    first = machine(core, "svc-a", creator="tomas@nordhaven.test")
    second = machine(core, "svc-b", creator="ines@nordhaven.test")
    third = machine(core, "svc-c")
    proposing.propose()
    client = as_(people.mikael)
    form = {"row": [str(one.pk) for one in (first, second, third)], "how": "proposed"}
    look = client.post(reverse("unowned_name"), form)
    assert "2 machine identities get somebody" in look.text
    assert "nobody is proposed" in look.text
    assert not Ownership.objects.exists()
    assert client.post(reverse("unowned_do"), {"rows": look.context["rows"]}).status_code == 302
    owners = dict(Identity.objects.machines().values_list("name", "owner__name"))
    assert owners == {"svc-a": "Tomas Brandt", "svc-b": "Ines Falk", "svc-c": None}
    assert Event.objects.filter(verb=Verb.OWNER_NAMED).count() == 2


def test_one_person_or_an_application_for_all_of_a_filter(people: People, as_: As, core: System) -> None:
    machine(core, "svc-a")
    machine(core, "svc-b")
    machine(core, "bot-c")
    client = as_(people.mikael)
    form = {"all": "1", "filter-q": "svc", "how": "person", "person": "Omar Haddad"}
    look = client.post(reverse("unowned_name"), form)
    client.post(reverse("unowned_do"), {"rows": look.context["rows"]})
    assert Identity.objects.filter(owner=identity_of(people.omar)).count() == 2
    payments = Application.objects.create(
        name="Payments", owner=identity_of(people.tomas), created_at=inventory.LONG_AGO
    )
    look = client.post(
        reverse("unowned_name"), {"all": "1", "how": "application", "application": str(payments.pk)}
    )
    assert "which Tomas Brandt owns" in look.text
    client.post(reverse("unowned_do"), {"rows": look.context["rows"], "application": str(payments.pk)})
    assert not Identity.objects.unowned().exists()
    assert [one.name for one in payments.machines.all()] == ["bot-c"]


def test_what_changed_since_the_look_stops_all_of_it(people: People, as_: As, core: System) -> None:
    one, other = machine(core, "svc-a"), machine(core, "svc-b")
    tomas = identity_of(people.tomas)
    rows = f"{one.pk}:{one.version}:{tomas.pk},{other.pk}:{other.version + 1}:{tomas.pk}"
    assert as_(people.mikael).post(reverse("unowned_do"), {"rows": rows}).status_code == 409
    assert Identity.objects.unowned().count() == 2


@pytest.mark.parametrize("rows", ["", "x", "a:b:c", "1:2", ":::"])
def test_a_broken_form_names_nobody(people: People, as_: As, core: System, rows: str) -> None:
    machine(core)
    response = as_(people.mikael).post(reverse("unowned_do"), {"rows": rows}, follow=True)
    assert "Nothing was named" in response.text
    assert Identity.objects.unowned().count() == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"how": "person"}, "Say which."),
        ({"how": "person", "person": "Nobody Known"}, "Nobody here fits"),
        ({"how": "application"}, "Say which."),
    ],
)
def test_naming_many_says_what_is_missing(
    people: People, as_: As, core: System, form: dict[str, str], words: str
) -> None:
    one = machine(core)
    response = as_(people.mikael).post(reverse("unowned_name"), form | {"row": str(one.pk)})
    assert words in response.text


@pytest.mark.parametrize("name", ["unowned_name", "unowned_do"])
@pytest.mark.parametrize("who", ["ines", "tomas", "ruth", "farid", "omar", "elena"])
def test_nobody_else_names_many(people: People, as_: As, name: str, who: str) -> None:
    assert as_(people.by_role[who]).post(reverse(name), {}).status_code == 403


def test_filters_find_what_they_say(people: People, as_: As, core: System) -> None:
    other = inventory.system("AWS")
    one = machine(core, "svc-a", namespace="payments", creator="tomas@nordhaven.test")
    two = machine(other, "svc-b", application="Ledger")
    inventory.grant(Account.objects.get(identity=two), inventory.entitlement(other))
    proposing.propose()
    client = as_(people.mikael)

    def names(query: str) -> list[str]:
        return [row.machine.name for row in client.get(reverse("unowned_list") + query).context["rows"]]

    assert names("") == ["svc-b", "svc-a"]  # the privileged first
    assert names("?system=AWS") == names("?application=ledger") == names("?privileged=yes") == ["svc-b"]
    assert names("?namespace=payments") == names("?proposed=yes") == names("?privileged=no") == ["svc-a"]
    assert names("?proposed=no") == ["svc-b"]
    assert names("?q=SVC-A") == [one.name]
    assert names("?q=nothing") == []


@pytest.mark.parametrize("privileged", [0, 20, 50, 60])
def test_the_list_goes_on_behind_the_last_row_with_the_same_questions(
    people: People,
    as_: As,
    core: System,
    privileged: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    right = inventory.entitlement(core)
    for number in range(120):
        one = machine(core, f"svc-{number:03}", creator="tomas@nordhaven.test")
        if number >= 120 - privileged:
            inventory.grant(Account.objects.get(identity=one), right)
    proposing.propose()
    client, seen, query = as_(people.mikael), [], ""
    while True:
        with django_assert_max_num_queries(24):
            found = client.get(reverse("unowned_list") + query).context
        seen += [row.machine.name for row in found["rows"]]
        if not found["found"].after:
            break
        query = f"?after={found['found'].after}"
    in_order = [f"svc-{number:03}" for number in range(120)]
    assert seen == in_order[120 - privileged :] + in_order[: 120 - privileged]
