"""Pages of identities: what each person may see of them, and how many queries that takes."""

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Identity, System
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


def hire(people: People, name: str = "Dana Kovac") -> object:
    person = inventory.identity(name, manager=identity_of(people.tomas))
    core = System.objects.filter(code="CORE").first() or inventory.system("CORE")
    account = inventory.account(core, person, name=name.replace(" ", "").lower())
    inventory.grant(account, inventory.entitlement(core, plain_words=f"Close the ledger as {name}"))
    inventory.credential(account, fingerprint=f"key of {name}")
    return person


def test_iam_sees_rights_and_hr_does_not(people: People, as_: As) -> None:
    dana = hire(people)
    url = reverse("identity", args=[dana.pk])  # type: ignore[attr-defined]
    assert "Close the ledger" in as_(people.mikael).get(url).text
    page = as_(people.ruth).get(url)
    assert page.status_code == 200
    assert "Close the ledger" not in page.text
    assert "key of Dana" not in page.text


def test_outsiders_find_nothing(people: People, as_: As) -> None:
    dana = hire(people)
    for who in ("omar", "elena", "aiko"):
        assert as_(people.by_role[who]).get(reverse("identity", args=[dana.pk])).status_code == 404  # type: ignore[attr-defined]
        assert "Kovac" not in as_(people.by_role[who]).get(reverse("identity_list") + "?q=Dana").text


def test_hostile_names_stay_text(people: People, as_: As) -> None:
    hire(people, "<script>alert(1)</script> {{ 7|add:7 }}")
    page = as_(people.mikael).get(reverse("identity_list")).text
    assert "<script>alert(1)" not in page
    assert "{{ 7|add:7 }}" in page


def test_a_list_takes_the_same_queries_for_3_and_for_60(
    people: People, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        hire(people, f"Person Number{number}")
    client = as_(people.mikael)
    with django_assert_max_num_queries(16):
        assert client.get(reverse("identity_list")).status_code == 200
    with django_assert_max_num_queries(16):
        assert client.get(reverse("system", args=["CORE"])).status_code == 200


@pytest.mark.parametrize(
    "query", ["?page=9999", "?page=x", "?kind=nonsense", "?q=%00", "?status=' OR 1=1 --"]
)
def test_odd_queries_are_answered(people: People, as_: As, query: str) -> None:
    response = as_(people.mikael).get(reverse("identity_list") + query)
    assert response.status_code == (400 if "%00" in query else 200)


def test_a_machine_is_made_and_edited_by_iam(people: People, as_: As) -> None:
    client = as_(people.mikael)
    client.post(reverse("identity_new"), {"name": "agent-triage", "kind": "agent", "purpose": "Sorts alarms"})
    machine = Identity.objects.get(name="agent-triage")
    form = {
        "version": machine.version,
        "name": "agent-triage",
        "kind": "agent",
        "purpose": "Sorts alarms by night",
    }
    assert client.post(reverse("identity_edit", args=[machine.pk]), form).status_code == 302
    assert (
        client.post(reverse("identity_edit", args=[machine.pk]), form | {"purpose": "late"}).status_code
        == 409
    )
    machine.refresh_from_db()
    assert machine.purpose == "Sorts alarms by night"
