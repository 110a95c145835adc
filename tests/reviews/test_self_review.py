"""Nobody decides on their own access: the portal says so, and the database refuses it in any case."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from accounts.models import Membership
from portal import moment
from portal.users.models import User
from reviews.models import Decision, ReviewItem
from reviews.services import decisions
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, days_ago, item_of, reviewer_user, share_of

pytestmark = pytest.mark.django_db


def forged(item: ReviewItem, by: User) -> dict[str, Any]:
    """A decision as a faulty caller might write it, about nobody in particular."""
    return {
        "item": item,
        "ordinal": 1,
        "verdict": "certify",
        "by_user": by.pk,
        "by_identity": by.identity_id,
        "shown": b"\x00" * 32,
        "coverage": "not_recorded",
        "at": moment.now(),
        "subject_id": None,
        "accountable_id": None,
    }


@pytest.fixture
def own(bank: Bank) -> ReviewItem:
    """An item about Tomas that was given to Tomas, as after a merge of two identities."""
    boss = reviewer_user("Petra Lindqvist")
    type(bank.tomas).objects.filter(pk=bank.tomas.pk).update(manager=identity_of(boss))
    grant = bank.grant(bank.tomas)
    bank.grant(bank.hire())
    campaign = bank.launched()
    item = item_of(campaign, grant)
    ReviewItem.objects.filter(pk=item.pk).update(assignment=share_of(campaign, bank.tomas))
    return item_of(campaign, grant)


def test_the_service_refuses_in_words(bank: Bank, own: ReviewItem) -> None:
    with pytest.raises(ValidationError, match="own access"):
        decisions.record(own, verdict="certify", ordinal=0, by=bank.everybody.tomas)


def test_the_database_refuses_whatever_the_caller_says(bank: Bank, own: ReviewItem) -> None:
    with pytest.raises(IntegrityError, match="decision_not_on_own_access"), transaction.atomic():
        Decision.objects.create(**forged(own, bank.everybody.tomas))


def test_the_owner_of_a_machine_attests_but_does_not_decide_on_privilege(bank: Bank) -> None:
    machine = bank.machine("svc", owner=bank.tomas)
    harmless = bank.grant(machine, bank.right(privileged=False))
    privileged = bank.grant(machine, bank.right())
    campaign = bank.launched(privileged_only=False)
    decisions.record(item_of(campaign, harmless), verdict="certify", ordinal=0, by=bank.everybody.tomas)
    with pytest.raises(IntegrityError, match="decision_not_on_what_one_answers_for"), transaction.atomic():
        Decision.objects.create(**forged(item_of(campaign, privileged), bank.everybody.tomas))


def test_a_member_of_a_shared_account_does_not_decide_on_it(bank: Bank) -> None:
    shared = bank.account(None, kind="shared")
    grant = inventory.grant(shared, bank.right())
    item = item_of(bank.launched(), grant)
    assert item.reviewer_rule == "system_owner"
    Membership.objects.create(
        account=shared, identity=identity_of(bank.leon), during=DateTimeTZRange(days_ago(1), None)
    )
    with pytest.raises(ValidationError, match="own access"):
        decisions.record(item, verdict="certify", ordinal=0, by=bank.leon)


def test_the_page_offers_to_pass_it_on_instead(bank: Bank, own: ReviewItem, as_: As) -> None:
    text = as_(bank.everybody.tomas).get(reverse("assignment", args=[own.assignment_id])).content.decode()
    assert "This is your own access" in text
    assert text.count('data-key="1"') == 1
