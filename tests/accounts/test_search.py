"""The search box: everything that may be meant, as far as somebody may see it."""

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Application
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(people: People) -> People:
    pay = inventory.system("PAY-1", name="Payments core", owner=identity_of(people.aiko))
    machine = inventory.identity("svc-pay", kind="service", owner=identity_of(people.aiko))
    account = inventory.account(pay, machine, "pay-runner")
    inventory.grant(account, inventory.entitlement(pay, "PAY_ADMIN", plain_words="Release payments"))
    inventory.credential(account, fingerprint="PAYKEY0001")
    Application.objects.create(name="Pay desk", created_at=inventory.LONG_AGO)
    return people


def found(as_: As, people: People, words: str, who: str = "mikael") -> dict[str, list[str]]:
    groups = as_(people.by_role[who]).get(reverse("search"), {"q": words}).context["groups"]
    return {group.code: [hit.title for hit in group.hits] for group in groups}


def test_one_word_finds_everything_that_is_called_so(bank: People, as_: As) -> None:
    assert found(as_, bank, "pay") == {
        "identity": ["svc-pay"],
        "account": ["pay-runner"],
        "system": ["Payments core"],
        "right": ["PAY_ADMIN"],
        "application": ["Pay desk"],
        "credential": ["PAYKEY0001"],
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Release", {"right": ["PAY_ADMIN"]}),
        ("PAY-1", {"system": ["Payments core"]}),
        ("paykey", {"credential": ["PAYKEY0001"]}),
        ("ykey", {}),
        ("  svc-pay  ", {"identity": ["svc-pay"]}),
        ("aiko@nordhaven", {"identity": ["Aiko Mori"]}),
        ("p", {}),
        ("", {}),
        ("nothing at all", {}),
        ("%%", {}),
    ],
)
def test_words(bank: People, as_: As, words: str, expected: dict[str, list[str]]) -> None:
    assert found(as_, bank, words) == expected


def test_links_lead_to_what_was_found(bank: People, as_: As) -> None:
    client = as_(bank.mikael)
    groups = client.get(reverse("search"), {"q": "pay"}).context["groups"]
    for group in groups:
        for hit in group.hits:
            assert client.get(hit.url).status_code == 200, hit


def test_what_is_called_exactly_so_comes_first_and_the_rest_is_a_list(people: People, as_: As) -> None:
    core = inventory.system("CORE")
    for number in range(9):
        inventory.account(core, None, f"a-root-{number}")
    inventory.account(core, None, "ROOT")
    client = as_(people.mikael)
    (group,) = client.get(reverse("search"), {"q": "root"}).context["groups"]
    assert [hit.title for hit in group.hits] == ["ROOT", "a-root-0", "a-root-1", "a-root-2", "a-root-3"]
    assert len(client.get(group.more_url).context["rows"]) == 10


def test_nobody_finds_what_they_may_not_see(bank: People, as_: As) -> None:
    assert found(as_, bank, "pay", "omar") == {}
    assert found(as_, bank, "pay", "elena") == {}
    assert found(as_, bank, "pay", "ruth") == {"identity": ["svc-pay"]}
    owners = found(as_, bank, "pay", "aiko")
    assert owners["identity"] == ["svc-pay"]
    assert owners["account"] == ["pay-runner"]
    assert "application" not in owners


def test_it_is_one_question(
    bank: People, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, url = as_(bank.mikael), reverse("search")
    with django_assert_max_num_queries(40) as empty:
        client.get(url)
    with django_assert_max_num_queries(len(empty) + 1):
        client.get(url, {"q": "pay"})


def test_the_box_stands_on_every_page_and_says_its_key(people: People, as_: As) -> None:
    page = as_(people.omar).get(reverse("home")).text
    assert 'role="search"' in page
    assert 'aria-keyshortcuts="/"' in page
