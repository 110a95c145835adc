"""My machine identities: what to do first, then all of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Application, Identity, System, duties
from portal import moment
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def core(db: None) -> System:
    return inventory.system("CORE")


def mine(people: People, core: System, name: str = "svc-a", **fields: Any) -> Account:
    """A machine of Tomas about which there is nothing to do."""
    values: dict[str, Any] = {
        "owner": identity_of(people.tomas),
        "deputy": identity_of(people.omar),
        "purpose": "Prints reports",
    }
    one = inventory.identity(name, "service", **(values | fields))
    return inventory.account(core, one, name)


def to_do(people: People) -> list[tuple[str, str]]:
    assert people.tomas.identity_id is not None
    return [(one.name, one.duty) for one in duties.riskiest(people.tomas.identity_id, moment.now())]


def days(count: int) -> Any:
    return moment.now() + timedelta(days=count)


def test_nothing_to_do(people: People, core: System) -> None:
    inventory.credential(mine(people, core), created_at=days(-300), expires_at=days(60))
    assert to_do(people) == []


@pytest.mark.parametrize(
    ("fields", "duty"),
    [
        ({"contract_end": days(-2).date()}, "contract_ended"),
        ({"contract_end": days(2).date()}, None),
        ({"review_by": days(-2).date()}, "review_passed"),
        ({"review_by": days(2).date()}, None),
        ({"purpose": ""}, "no_purpose"),
        ({"deputy": None}, None),  # it is not privileged
    ],
)
def test_facts_that_call_for_something(
    people: People, core: System, fields: dict[str, Any], duty: str | None
) -> None:
    mine(people, core, **fields)
    assert to_do(people) == ([("svc-a", duty)] if duty else [])


@pytest.mark.parametrize(
    ("rhythm", "used", "is_unused"),
    [
        ("", -91, True),
        ("", -89, False),
        ("", None, False),  # unknown is not unused
        ("daily", -15, True),
        ("yearly", -200, False),
        ("yearly", -401, True),
        ("emergency", -900, False),
    ],
)
def test_unused_is_judged_against_the_rhythm(
    people: People, core: System, rhythm: str, used: int | None, is_unused: bool
) -> None:
    account = mine(people, core, rhythm=rhythm)
    Account.objects.filter(pk=account.pk).update(last_used_at=days(used) if used else None)
    assert to_do(people) == ([("svc-a", "unused")] if is_unused else [])


@pytest.mark.parametrize(
    ("fields", "duty"),
    [
        ({"created_at": days(-366)}, "old_key"),
        ({"created_at": days(-912), "rotated_at": days(-9)}, None),
        ({"created_at": days(-912), "is_active": False}, None),
        ({"created_at": days(-912), "kind": "mfa_device"}, None),
        ({"created_at": days(-90), "exposed_at": days(-9)}, "exposed"),
        ({"created_at": days(-90), "exposed_at": days(-9), "rotated_at": days(-8)}, None),
        ({"expires_at": days(9)}, "expires"),
        ({"expires_at": days(-9)}, None),
    ],
)
def test_keys(people: People, core: System, fields: dict[str, Any], duty: str | None) -> None:
    inventory.credential(mine(people, core), **fields)
    assert to_do(people) == ([("svc-a", duty)] if duty else [])


def test_a_privileged_one_needs_a_deputy_who_is_here(people: People, core: System) -> None:
    gone = inventory.identity("Gone", status="left")
    for name, deputy in (("svc-a", None), ("svc-b", gone), ("svc-c", identity_of(people.omar))):
        inventory.grant(mine(people, core, name, deputy=deputy), inventory.entitlement(core))
    assert to_do(people) == [("svc-a", "no_deputy"), ("svc-b", "no_deputy")]


def test_the_riskiest_five_come_first(people: People, as_: As, core: System) -> None:
    leaver = inventory.identity("Gone", status="left")
    mine(people, core, "svc-1", owner=leaver, deputy=None, stand_in=identity_of(people.tomas))
    mine(people, core, "svc-2", contract_end=days(-2).date())
    inventory.credential(mine(people, core, "svc-3"), created_at=days(-900))
    mine(people, core, "svc-4", review_by=days(-2).date())
    inventory.credential(mine(people, core, "svc-5"), expires_at=days(9))
    mine(people, core, "svc-6", purpose="")
    assert to_do(people) == [
        ("svc-1", "stands_in"),
        ("svc-2", "contract_ended"),
        ("svc-3", "old_key"),
        ("svc-4", "review_passed"),
        ("svc-5", "expires"),
    ]
    page = as_(people.tomas).get(reverse("my_machines"))
    assert "Start with these" in page.text
    assert "contract has ended" in page.text
    assert page.text.index("svc-1") < page.text.index("svc-2") < page.text.index("svc-6")


def test_machines_of_others_are_not_there(people: People, as_: As, core: System) -> None:
    mine(people, core, "svc-a", contract_end=days(-2).date())
    page = as_(people.ruth).get(reverse("my_machines"))
    assert "svc-a" not in page.text
    assert "You answer for no machine identity" in page.text
    assert as_(people.elena).get(reverse("my_machines")).status_code == 200  # an auditor without an identity


def test_search_and_filters(people: People, as_: As, core: System) -> None:
    tomas = identity_of(people.tomas)
    payments = Application.objects.create(name="Payments", owner=tomas, created_at=inventory.LONG_AGO)
    inventory.grant(mine(people, core, "svc-a"), inventory.entitlement(core))
    mine(people, core, "svc-b", owner=identity_of(people.ines), deputy=tomas)
    mine(people, core, "bot-c", owner=None, application=payments, deputy=None, purpose="")
    client = as_(people.tomas)

    def names(query: str) -> list[str]:
        return [one.name for one in client.get(reverse("my_machines") + query).context["found"].rows]

    assert names("") == ["bot-c", "svc-a", "svc-b"]
    assert names("?q=svc") == ["svc-a", "svc-b"]
    assert names("?as=owner") == names("?only=privileged") == ["svc-a"]
    assert names("?as=deputy") == ["svc-b"]
    assert names("?as=application") == names("?only=no_deputy") == names("?only=no_purpose") == ["bot-c"]
    assert "None of your machine identities fits" in client.get(reverse("my_machines") + "?q=zzz").text


def test_long_lists_go_on_with_the_same_questions(
    people: People, as_: As, core: System, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(130):
        mine(people, core, f"svc-{number:03}")
    client, seen, query = as_(people.tomas), [], ""
    while True:
        with django_assert_max_num_queries(20):
            found = client.get(reverse("my_machines") + query).context["found"]
        seen += [one.name for one in found.rows]
        if not found.after:
            break
        query = f"?after={found.after}"
    assert seen == [f"svc-{number:03}" for number in range(130)]


@pytest.mark.parametrize("after", ["x", "01a20e23-b3b9-71e1-abd9-885c58b64113", ""])
def test_an_odd_place_in_the_list_is_its_beginning(people: People, as_: As, core: System, after: str) -> None:
    mine(people, core)
    page = as_(people.tomas).get(reverse("my_machines") + f"?after={after}")
    assert [one.name for one in page.context["found"].rows] == ["svc-a"]


def test_an_owner_says_what_is_known_of_it(people: People, as_: As, core: System) -> None:
    one = mine(people, core).identity
    assert one is not None
    form = {
        "version": one.version,
        "purpose": "Prints reports at night",
        "rhythm": "daily",
        "consumers": "reports, ledger, reports",
        "vendor": "Printly",
        "vendor_contact": "help@printly.test",
        "contract_end": "2031-01-31",
        "review_by": "2030-06-30",
        "name": "mine-now",
        "kind": "bot",
    }
    response = as_(people.tomas).post(reverse("identity_edit", args=[one.pk]), form)
    assert response.status_code == 302
    one.refresh_from_db()
    assert (one.name, one.kind) == ("svc-a", "service")  # what it is called is not the owner's
    assert one.consumers == ["reports", "ledger"]
    assert (one.vendor_contact, str(one.contract_end), str(one.review_by)) == (
        "help@printly.test",
        "2031-01-31",
        "2030-06-30",
    )
    late = as_(people.tomas).post(reverse("identity_edit", args=[one.pk]), form | {"purpose": "x"})
    assert late.status_code == 409


def test_iam_puts_it_into_an_application(people: People, as_: As, core: System) -> None:
    one = mine(people, core).identity
    assert one is not None
    payments = Application.objects.create(name="Payments", created_at=inventory.LONG_AGO)
    form = {
        "version": one.version,
        "name": "svc-a",
        "kind": "service",
        "purpose": "x",
        "application": str(payments.pk),
    }
    assert as_(people.mikael).post(reverse("identity_edit", args=[one.pk]), form).status_code == 302
    one.refresh_from_db()
    assert one.application == payments
    Application.objects.update(status=Application.Status.RETIRED)
    assert Identity.objects.get(pk=one.pk).application == payments
    other = Application.objects.create(name="Old", status="retired", created_at=inventory.LONG_AGO)
    refused = as_(people.mikael).post(
        reverse("identity_edit", args=[one.pk]),
        form | {"version": one.version, "application": str(other.pk)},
    )
    assert refused.status_code == 422
