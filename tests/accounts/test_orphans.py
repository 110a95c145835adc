"""Accounts that belong to nobody known: listed, linked by hand, taken back."""

import pytest
from django.urls import reverse

from accounts.models import Account
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def orphan(db: None) -> Account:
    return inventory.account(inventory.system("CORE"), name="oracle_old", doubt=Account.Doubt.RECYCLED)


def test_an_orphan_is_listed_with_the_reason_and_linked(people: People, as_: As, orphan: Account) -> None:
    client = as_(people.mikael)
    listed = client.get(reverse("orphan_list")).text
    assert "oracle_old" in listed
    assert "last belonged to somebody who left" in listed
    form = {"version": orphan.version, "identity": "Tomas Brandt"}
    assert client.post(reverse("account", args=[orphan.pk]), form).status_code == 302
    orphan.refresh_from_db()
    assert (orphan.identity, orphan.match_method, orphan.doubt) == (identity_of(people.tomas), "hand", "")
    client.get(reverse("home"))  # reads the message that names the account
    assert "oracle_old" not in client.get(reverse("orphan_list")).text
    assert Event.objects.about(orphan).get(verb=Verb.ACCOUNT_LINKED).actor_id == str(people.mikael.pk)


def test_a_machine_is_found_by_its_name(people: People, as_: As, orphan: Account) -> None:
    machine = inventory.identity("svc-oracle", kind="service")
    form = {"version": orphan.version, "identity": "svc-oracle"}
    as_(people.mikael).post(reverse("account", args=[orphan.pk]), form)
    orphan.refresh_from_db()
    assert orphan.identity == machine


def test_shared_accounts_are_no_orphans(people: People, as_: As) -> None:
    inventory.account(inventory.system("CORE"), name="opsdesk", kind="shared")
    assert "opsdesk" not in as_(people.mikael).get(reverse("orphan_list")).text


def test_a_link_is_taken_back(people: People, as_: As) -> None:
    account = inventory.account(inventory.system("CORE"), identity_of(people.tomas))
    as_(people.mikael).post(reverse("account_unlink", args=[account.pk]), {"version": account.version})
    account.refresh_from_db()
    assert (account.identity, account.match_method) == (None, "")
    assert Event.objects.about(account).filter(verb=Verb.ACCOUNT_UNLINKED).exists()


def test_a_stale_form_changes_nothing(people: People, as_: As, orphan: Account) -> None:
    form = {"version": orphan.version + 1, "identity": "Tomas Brandt"}
    assert as_(people.mikael).post(reverse("account", args=[orphan.pk]), form).status_code == 409
    orphan.refresh_from_db()
    assert orphan.identity is None


@pytest.mark.parametrize(
    ("who", "status"), [("ines", 403), ("farid", 403), ("ruth", 404), ("omar", 404), ("elena", 404)]
)
def test_readers_look_and_outsiders_do_not(
    people: People, as_: As, orphan: Account, who: str, status: int
) -> None:
    url = reverse("account", args=[orphan.pk])
    client = as_(people.by_role[who])
    assert client.get(url).status_code == (200 if status == 403 else 404)
    assert client.post(url, {"version": orphan.version, "identity": "Tomas Brandt"}).status_code == status
    orphan.refresh_from_db()
    assert orphan.identity is None
