"""N3: machines of other companies."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import System
from portal import moment
from tests.factories import inventory
from tests.factories.reviews import Bank
from tests.factories.reviews import bank as make_bank
from tests.rules.conftest import Ask, account_of, ago, fires, machine, privileged

pytestmark = pytest.mark.django_db

KNOWN = {"vendor": "FX Ltd", "vendor_contact": "noc@fx.test"}


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"kind": "service"}, None),
        ({"kind": "integration"}, ["vendor", "contact"]),
        ({"kind": "integration", **KNOWN}, None),
        ({"kind": "service", "vendor": "FX Ltd"}, ["contact"]),
        ({"kind": "integration", "created_at": ago(366), **KNOWN}, ["review"]),
        ({"kind": "integration", "created_at": ago(364), **KNOWN}, None),
        ({"kind": "integration", "status": "left"}, None),
    ],
)
def test_what_is_known_of_the_vendor(ask: Ask, fields: dict[str, Any], missing: list[str] | None) -> None:
    made = machine(**fields)
    found = ask("N3.1")
    assert fires(found, made) is (missing is not None)
    if missing:
        assert found[str(made.pk)].facts == {"missing": missing}


def test_a_review_counts_for_a_year(ask: Ask, people: Any) -> None:
    bank: Bank = make_bank(people)
    made = bank.machine("int-fx", kind="integration", created_at=ago(900), owner=bank.tomas, **KNOWN)
    grant = bank.grant(made)
    assert fires(ask("N3.1"), made)
    campaign = bank.launched()
    campaign.items.filter(grant_id=grant.pk).update(verdict="certify", decided_at=ago(300))
    assert ask("N3.1") == {}
    assert fires(ask("N3.1", days=200), made)


@pytest.mark.parametrize(("days", "fired"), [(1, True), (0, False), (-30, False), (None, False)])
def test_the_contract_ended(ask: Ask, days: int | None, fired: bool) -> None:
    end = moment.now().date() - timedelta(days=days) if days is not None else None
    made = machine(contract_end=end)
    assert fires(ask("N3.2"), made) is fired


@pytest.mark.parametrize(
    ("kind", "right", "marks", "what"),
    [
        ("integration", True, [], "privileged"),
        ("integration", None, ["wildcard"], "wildcard"),
        ("integration", None, ["exec"], None),
        ("integration", False, [], None),
        ("service", True, ["admin"], None),
    ],
)
def test_far_reaching_rights(
    ask: Ask, core: System, kind: str, right: bool | None, marks: list[str], what: str | None
) -> None:
    made = machine(core, kind=kind)
    inventory.grant(account_of(made), inventory.entitlement(core, privileged=right, marks=marks))
    found = ask("N3.3")
    assert fires(found, made) is (what is not None)
    if what:
        assert found[str(made.pk)].facts == {"what": what}


def test_a_wildcard_that_a_group_brings(ask: Ask, core: System) -> None:
    made = machine(core, kind="integration")
    group = inventory.entitlement(core, privileged=None)
    inventory.inclusion(group, inventory.entitlement(core, privileged=None, marks=["wildcard"]))
    inventory.grant(account_of(made), group)
    assert fires(ask("N3.3"), made)


def test_a_right_that_ended_does_not_count(ask: Ask, core: System) -> None:
    made = machine(core, kind="integration")
    grant = privileged(made)
    type(grant).objects.filter(pk=grant.pk).update(
        held=(inventory.LONG_AGO, ago(1)), known_to_run=grant.known_from_run
    )
    assert ask("N3.3") == {}
