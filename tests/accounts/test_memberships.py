"""Members of shared accounts: named one by one, ended, and only where a secret is shared."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Account, Identity, Membership
from accounts.services import memberships
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.versions import Conflict
from tests.factories import inventory

pytestmark = pytest.mark.django_db
SINCE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def opsdesk() -> Account:
    return inventory.account(inventory.system("CORE"), name="opsdesk", kind=Account.Kind.SHARED)


def test_a_member_is_named_and_recorded_once(opsdesk: Account) -> None:
    dana = inventory.identity("Dana Kovac")
    first = memberships.add(opsdesk, dana, version=opsdesk.version, actor=PORTAL, at=SINCE)
    again = memberships.add(opsdesk, dana, version=opsdesk.version, actor=PORTAL)
    assert first == again
    event = Event.objects.get(verb="account.member_added")
    assert event.at == SINCE
    assert Event.objects.filter(pk=event.pk, payload__facts__identity=str(dana.pk)).exists()


def test_an_emergency_account_has_custodians() -> None:
    account = inventory.account(inventory.system(), kind=Account.Kind.EMERGENCY)
    memberships.add(account, inventory.identity(), version=account.version, actor=PORTAL)
    assert account.memberships.count() == 1


def test_a_personal_account_has_no_members() -> None:
    account = inventory.account(inventory.system(), kind=Account.Kind.PERSONAL)
    with pytest.raises(ValidationError, match="link this one"):
        memberships.add(account, inventory.identity(), version=account.version, actor=PORTAL)


@pytest.mark.parametrize("wrong", [{"kind": "bot"}, {"status": Identity.Status.LEFT}])
def test_a_member_is_a_person_who_is_here(opsdesk: Account, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="who is here"):
        memberships.add(opsdesk, inventory.identity(**wrong), version=opsdesk.version, actor=PORTAL)


def test_whoever_saw_an_older_version_changes_nothing(opsdesk: Account) -> None:
    with pytest.raises(Conflict):
        memberships.add(opsdesk, inventory.identity(), version=opsdesk.version + 1, actor=PORTAL)
    assert not Membership.objects.exists()


@pytest.mark.parametrize("later", [timedelta(days=40), timedelta()])
def test_ending_keeps_when_it_was(opsdesk: Account, later: timedelta) -> None:
    member = memberships.add(opsdesk, inventory.identity(), version=None, actor=PORTAL, at=SINCE)
    ended = memberships.end(member, version=None, actor=PORTAL, at=SINCE + later)
    memberships.end(ended, version=None, actor=PORTAL)
    assert Membership.objects.filter(pk=member.pk, during__contains=SINCE).exists()
    assert not Membership.objects.filter(during__upper_inf=True).exists()
    assert Event.objects.filter(verb="account.member_ended").count() == 1
