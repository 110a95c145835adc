"""Members of shared accounts on screen: named and ended by IAM."""

import pytest
from django.urls import reverse

from accounts.models import Account, Membership
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def opsdesk(db: None) -> Account:
    return inventory.account(inventory.system("CORE"), name="opsdesk", kind="shared")


def test_a_member_is_named_and_ended(people: People, as_: As, opsdesk: Account) -> None:
    client = as_(people.mikael)
    add = reverse("account_member_add", args=[opsdesk.pk])
    assert client.post(add, {"version": opsdesk.version, "member": "Tomas Brandt"}).status_code == 302
    membership = Membership.objects.get(account=opsdesk)
    assert membership.identity == identity_of(people.tomas)
    assert "Tomas Brandt" in client.get(reverse("account", args=[opsdesk.pk])).text
    opsdesk.refresh_from_db()
    end = reverse("account_member_end", args=[opsdesk.pk, membership.pk])
    assert client.post(end, {"version": opsdesk.version}).status_code == 302
    membership.refresh_from_db()
    assert membership.during.upper is not None
    verbs = Event.objects.about(opsdesk).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == [Verb.ACCOUNT_MEMBER_ADDED, Verb.ACCOUNT_MEMBER_ENDED]


@pytest.mark.parametrize("words", ["", "Nobody Known"])
def test_what_is_refused_says_why(people: People, as_: As, opsdesk: Account, words: str) -> None:
    add = reverse("account_member_add", args=[opsdesk.pk])
    response = as_(people.mikael).post(add, {"version": opsdesk.version, "member": words})
    assert response.status_code == 422
    assert not Membership.objects.exists()


def test_a_personal_account_has_no_members(people: People, as_: As) -> None:
    account = inventory.account(inventory.system("CORE"), kind="personal")
    add = reverse("account_member_add", args=[account.pk])
    response = as_(people.mikael).post(add, {"version": account.version, "member": "Tomas Brandt"})
    assert response.status_code == 422
    assert not Membership.objects.exists()


def test_a_stale_form_changes_nothing(people: People, as_: As, opsdesk: Account) -> None:
    add = reverse("account_member_add", args=[opsdesk.pk])
    late = as_(people.mikael).post(add, {"version": opsdesk.version + 1, "member": "Tomas Brandt"})
    assert late.status_code == 409
    assert not Membership.objects.exists()
