"""What is in a review and what is left out, and why: every account of the systems is accounted for."""

from html import unescape

import pytest
from django.urls import reverse

from accounts.models import Account, Credential, Revocation
from portal import moment
from reviews.services import campaigns, population
from tests.conftest import As
from tests.factories import inventory
from tests.factories.reviews import Bank, days_ago

pytestmark = pytest.mark.django_db


def left_out(bank: Bank, **fields: object) -> dict[str, int]:
    """Reason → count."""
    found = campaigns.preview(bank.campaign(**fields))
    return {part.code: part.count for part in found.left_out}


def test_rights_that_are_not_privileged_and_those_nobody_knows_are_told_apart(bank: Bank) -> None:
    person = bank.hire()
    account = bank.account(person)
    for privileged in (True, False, None):
        inventory.grant(account, bank.right(privileged=privileged))
    found = campaigns.preview(bank.campaign())
    assert found.total == 1
    assert {part.code: part.count for part in found.left_out} == {
        "not_privileged": 1,
        "privileged_unknown": 1,
    }
    assert [part.code for part in found.loud] == ["privileged_unknown"]
    assert campaigns.preview(bank.campaign(privileged_only=False)).total == 3


def test_kinds_that_were_not_chosen(bank: Bank) -> None:
    bank.grant(bank.machine(owner=bank.tomas))
    bank.grant(bank.hire())
    assert left_out(bank, kinds=["human"]) == {"kind_not_chosen": 1}


def test_an_account_without_rights_is_listed_and_a_gone_one_said_to_be_gone(bank: Bank) -> None:
    bank.account(bank.hire())
    gone = bank.grant(bank.hire()).account
    Account.objects.filter(pk=gone.pk).update(gone_run=bank.reading)
    assert left_out(bank) == {"account_gone": 1, "nothing_held": 1}


def test_what_has_been_asked_to_go_is_not_asked_again(bank: Bank) -> None:
    asked, decided, impossible = (bank.grant(bank.hire()) for _ in range(3))
    for grant, state, why in (
        (asked, "requested", ""),
        (decided, "decided", ""),
        (impossible, "impossible", "x"),
    ):
        Revocation.objects.create(
            system=bank.system, grant=grant, state=state, impossible_because=why, decided_at=moment.now()
        )
    assert left_out(bank) == {"removal_on_its_way": 1}


def test_credentials_of_machines_are_judged_by_what_their_account_may_do(bank: Bank) -> None:
    machine = bank.machine(owner=bank.tomas)
    account = bank.account(machine)
    inventory.grant(account, bank.right())
    inventory.credential(account)
    inventory.credential(bank.grant(bank.hire()).account, "password", "p1")
    draft = bank.campaign()
    found = campaigns.preview(draft)
    assert {(part.code, part.count) for part in found.by_system} == {("grant", 2), ("credential", 1)}
    assert {part.code: part.count for part in found.left_out} == {"not_of_a_machine": 1}
    key = next(
        row for row in population.page_of_items(draft, offset=0, limit=9) if row["kind"] == "credential"
    )
    assert key["is_privileged"] is True
    assert key["reviewer_rule"] == "system_owner"
    assert left_out(bank, with_credentials=False) == {"credentials_not_chosen": 1, "not_of_a_machine": 1}


def test_a_credential_whose_account_has_no_known_right_is_not_guessed_to_be_harmless(bank: Bank) -> None:
    inventory.credential(bank.account(bank.machine(owner=bank.tomas)))
    assert left_out(bank) == {"privileged_unknown": 1, "nothing_held": 1}


def test_other_systems_are_named_with_what_they_hold(bank: Bank) -> None:
    bank.grant(bank.hire())
    other = inventory.system("DIR")
    inventory.grant(inventory.account(other, bank.hire()), inventory.entitlement(other, "Domain Admins"))
    found = campaigns.preview(bank.campaign())
    assert [(part.code, part.count) for part in found.systems_outside] == [("DIR", 1)]


def test_a_campaign_warns_when_its_rights_have_no_words(bank: Bank) -> None:
    bank.grant(bank.hire(), bank.right(plain_words="Become root on the ledger server"))
    assert not campaigns.preview(bank.campaign()).needs_words
    bank.grant(bank.hire(), bank.right(plain_words=""))
    found = campaigns.preview(bank.campaign())
    assert found.words_percent == 50
    assert found.needs_words
    bank.grant(bank.hire(), bank.right(plain_words="Suggested", described_by="suggested"))
    told = [(part.system_code, part.code, part.count) for part in campaigns.preview(bank.campaign()).wordless]
    assert told == [("CORE", "without", 1), ("CORE", "suggested", 1)]


@pytest.mark.parametrize(("described", "warned"), [(8, True), (9, False)])
def test_the_page_before_the_launch_leads_to_the_rights_without_words(
    bank: Bank, as_: As, described: int, warned: bool
) -> None:
    for number in range(10):
        bank.grant(bank.hire(), bank.right(plain_words="Post payments" if number < described else ""))
    page = as_(bank.everybody.ines).get(reverse("campaign_preview", args=[bank.campaign().code]))
    link = f"{reverse('right_list')}?system=CORE&words=without"
    assert (link in unescape(page.text)) is warned
    assert (f"Only {10 * described} % of the items" in page.text) is warned
    shown = as_(bank.everybody.ines).get(link).context["rows"]
    assert len(shown) == 10 - described


def test_nearly_enough_words_are_not_enough(bank: Bank) -> None:
    right = bank.right(plain_words="Post payments")
    for number in range(48):
        bank.grant(bank.hire(), right if number < 43 else bank.right(plain_words=""))
    found = campaigns.preview(bank.campaign())  # 89.6 per cent
    assert (found.words_percent, found.needs_words) == (89, True)


def test_each_source_shows_its_reading_and_how_many_items_come_from_it(bank: Bank) -> None:
    bank.grant(bank.hire())
    later = inventory.run(bank.reading.source, taken_at=moment.now())
    lines = campaigns.preview(bank.campaign()).sources
    assert [(line.system_code, line.run, line.item_count, line.reds) for line in lines] == [
        ("CORE", later, 1, [])
    ]


@pytest.mark.parametrize(
    ("changes", "red"),
    [
        ({"taken_at": days_ago(400)}, "stale"),
        ({"taken_at": None}, "time_unknown"),
        ({"provenance": "uploaded"}, "unconfirmed"),
        ({"rejected": 3}, "rejects"),
    ],
)
def test_a_doubtful_reading_is_red(bank: Bank, changes: dict[str, object], red: str) -> None:
    bank.grant(bank.hire())
    type(bank.reading).objects.filter(pk=bank.reading.pk).update(**changes)
    assert [line.reds for line in campaigns.preview(bank.campaign()).sources] == [[red]]


def test_a_refused_last_reading_is_red(bank: Bank) -> None:
    bank.grant(bank.hire())
    inventory.run(bank.reading.source, state="failed", applied_at=None)
    assert [line.red for line in campaigns.preview(bank.campaign()).sources] == ["failed"]


def test_a_system_without_reading_and_one_without_items_are_red(bank: Bank) -> None:
    bank.grant(bank.hire(), bank.right(privileged=False))
    empty = inventory.system("DIR")
    lines = campaigns.preview(bank.campaign(systems=[bank.system, empty])).sources
    assert {line.system_code: line.reds for line in lines} == {
        "CORE": ["no_items"],
        "DIR": ["no_reading", "no_items"],
    }


def test_the_reading_of_people_is_shown_but_is_not_red(bank: Bank) -> None:
    bank.grant(bank.hire())
    inventory.run(inventory.source(), taken_at=days_ago(400))
    line = campaigns.preview(bank.campaign()).sources[-1]
    assert (line.system_code, line.reds, line.warnings) == ("", [], ["stale"])


def test_a_switched_off_credential_is_still_there(bank: Bank) -> None:
    account = bank.grant(bank.machine(owner=bank.tomas)).account
    Credential.objects.filter(pk=inventory.credential(account).pk).update(is_active=False)
    assert campaigns.preview(bank.campaign()).total == 2
