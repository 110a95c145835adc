"""Coverage per system: numbers that are the rows behind them."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Application, Credential, Identity, System, coverage
from portal import moment
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def leon(people: People) -> User:
    return factory.user("Leon Weiss", identity=inventory.identity("Leon Weiss"))


@pytest.fixture
def core(leon: User) -> System:
    return inventory.system("CORE", owner=identity_of(leon))


def known(people: People, core: System, name: str, **fields: Any) -> Identity:
    """A machine of which everything is known, unless said otherwise."""
    values: dict[str, Any] = {
        "owner": identity_of(people.tomas),
        "deputy": identity_of(people.omar),
        "purpose": "Prints reports",
        "consumers": ["reports"],
    }
    one = inventory.identity(name, "service", **(values | fields))
    account = inventory.account(core, one, name, last_used_at=moment.now())
    inventory.credential(account, created_at=moment.now() - timedelta(days=9))
    return one


def counted(people: People, core: System) -> coverage.Coverage:
    return coverage.by_system(people.mikael)[core.pk]


def test_a_machine_of_which_all_is_known(people: People, core: System) -> None:
    known(people, core, "svc-a")
    found = counted(people, core)
    assert (found.machines, found.full, found.full_percent, found.owner_percent) == (1, 1, 100, 100)
    assert (found.privileged, found.deputy_percent) == (0, None)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"owner": None}, "owner"),
        ({"deputy": None}, "deputy"),
        ({"purpose": ""}, "purpose"),
        ({"consumers": []}, "consumer"),
    ],
)
def test_each_missing_fact_is_counted_and_listed(
    people: People, as_: As, core: System, fields: dict[str, Any], part: str
) -> None:
    known(people, core, "svc-a")
    lacking = known(people, core, "svc-b", **fields)
    found = counted(people, core)
    assert (getattr(found, part), found.full, found.full_percent) == (1, 1, 50)
    url = reverse("coverage_machines") + f"?system=CORE&part={part}&is="
    client = as_(people.mikael)
    assert [one.name for one in client.get(url + "missing").context["machines"]] == [lacking.name]
    assert [one.name for one in client.get(url + "known").context["machines"]] == ["svc-a"]


def test_owners_who_left_count_no_more_and_applications_count(people: People, core: System) -> None:
    gone = inventory.identity("Gone", status="left")
    known(people, core, "svc-a", owner=gone)
    payments = Application.objects.create(
        name="P",
        owner=identity_of(people.ines),
        deputy=identity_of(people.ruth),
        created_at=inventory.LONG_AGO,
    )
    known(people, core, "svc-b", owner=gone, deputy=None, application=payments)
    found = counted(people, core)
    assert (found.owner, found.deputy, found.full) == (1, 2, 1)


@pytest.mark.parametrize(
    ("change", "key_age", "last_use"),
    [
        ({}, 1, 1),
        ({"created_at": None}, 0, 1),
        ({"kind": "federated", "created_at": None}, 1, 1),  # there is no secret to grow old
        ({"kind": "mfa_device"}, 0, 1),
        ({"is_active": False}, 0, 1),
    ],
)
def test_the_age_of_keys(
    people: People, core: System, change: dict[str, Any], key_age: int, last_use: int
) -> None:
    known(people, core, "svc-a")
    Credential.objects.update(**change)
    found = counted(people, core)
    assert (found.key_age, found.last_use) == (key_age, last_use)
    assert found.key_age_unknown == 1 - key_age


def test_last_use_that_nothing_tells_is_unknown(people: People, as_: As, core: System) -> None:
    known(people, core, "svc-a")
    Account.objects.update(last_used_at=None)
    assert counted(people, core).last_use_unknown == 1
    Credential.objects.update(last_used_at=moment.now())
    assert counted(people, core).last_use_unknown == 0


def test_deputies_of_privileged_machines(people: People, core: System) -> None:
    for name, deputy in (("svc-a", identity_of(people.omar)), ("svc-b", None), ("svc-c", None)):
        known(people, core, name, deputy=deputy)
        if name != "svc-c":
            inventory.grant(Account.objects.get(name=name), inventory.entitlement(core))
    found = counted(people, core)
    assert (found.privileged, found.privileged_deputy, found.deputy_percent) == (2, 1, 50)
    keys = coverage.machines_of(
        people.mikael, core.pk, "privileged_deputy", is_known=False, after=None, limit=9
    )
    assert [Identity.objects.get(pk=key).name for key in keys] == ["svc-b"]


def test_the_panel_stands_alone_and_in_a_page(people: People, as_: As, core: System) -> None:
    known(people, core, "svc-a", owner=None)
    client, url = as_(people.mikael), reverse("system_coverage", args=["CORE"])
    panel = client.get(url, headers={"HX-Request": "true"}).text
    assert "<html" not in panel
    assert "0 of 1 fully known" in panel
    assert "<html" in client.get(url).text
    assert "0 %" in client.get(reverse("coverage")).text


def test_each_counts_what_they_may_see(people: People, as_: As, core: System, leon: User) -> None:
    known(people, core, "svc-a")
    other = inventory.system("AWS")
    known(people, other, "svc-b")
    assert set(coverage.by_system(leon)) == {core.pk}
    assert set(coverage.by_system(people.tomas)) == {core.pk, other.pk}  # both machines are his
    assert coverage.by_system(people.ruth) == {}
    assert "AWS" not in as_(leon).get(reverse("coverage")).text
    assert as_(leon).get(reverse("system_coverage", args=["AWS"])).status_code == 404
    rows = as_(leon).get(reverse("coverage_machines") + "?part=full&is=known").context["machines"]
    assert [one.name for one in rows] == ["svc-a"]


@pytest.mark.parametrize("query", ["?part=nonsense", "?part=owner&system=NONE"])
def test_odd_questions_have_no_answer(people: People, as_: As, core: System, query: str) -> None:
    assert as_(people.mikael).get(reverse("coverage_machines") + query).status_code == 404


def test_long_lists_go_on_and_the_panel_asks_little(
    people: People, as_: As, core: System, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        known(people, core, f"svc-{number:02}")
    client = as_(people.mikael)
    url = reverse("coverage_machines") + "?system=CORE&part=full&is=known"
    first = client.get(url)
    rest = client.get(f"{url}&after={first.context['after']}")
    names = [one.name for page in (first, rest) for one in page.context["machines"]]
    assert names == [f"svc-{number:02}" for number in range(60)]
    panel = reverse("system_coverage", args=["CORE"])
    with django_assert_max_num_queries(4):  # with signing in
        client.get(panel, headers={"HX-Request": "true"})
