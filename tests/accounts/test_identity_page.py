"""The page of an identity and its panels: what stands on it, for whom, in how many queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Application, Engagement, Grant, Identity, Ownership, Revocation
from accounts.services import ownership, revocations
from accounts.services.revocations import Cause
from accounts.views import identity_panels
from portal.audit.services import PORTAL
from reviews.services import decisions
from tests.conftest import As
from tests.factories import inventory
from tests.factories import reviews as bank_factory
from tests.factories.people import People, identity_of
from tests.factories.reviews import Bank
from tests.factories.sessions import sealed_session

pytestmark = pytest.mark.django_db
MAY, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6))
CAST = b'{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "hello"]\n'
WHO_ASKS = 2  # the session and its user
RAIL = 1  # in it, whatever the page is of
MOST = (("identity", 8 + RAIL), ("identity_timeline", 4 + RAIL), ("identity_graph", 4 + RAIL))


@pytest.fixture
def bank(people: People) -> Bank:
    return bank_factory.bank(people)


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """Whatever is asked once it is known who asks."""
    with CaptureQueriesContext(connection) as asked:
        yield
    own = [query["sql"][:160] for query in asked.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(own) - WHO_ASKS <= count, own


def nested(bank: Bank, owner: Identity | None = None) -> Grant:
    """aiko.adm is in Nested Ops, which brings Domain Admins."""
    owner = owner or bank.hire("Aiko Admin")
    ops = bank.right("Nested Ops", kind="group", privileged=None)
    inventory.inclusion(ops, bank.right("Domain Admins", kind="group"))
    return inventory.grant(bank.account(owner, name="aiko.adm"), ops)


def get(client: Client, name: str, identity: Identity, **query: Any) -> str:
    answer = client.get(reverse(name, args=[identity.pk]), query)
    assert answer.status_code == 200
    return answer.text


def test_inherited_rights_say_through_what_they_come_and_where_they_end(bank: Bank, as_: As) -> None:
    page = get(as_(bank.everybody.mikael), "identity", nested(bank).account.identity)  # type: ignore[arg-type]
    assert "Domain Admins" in page
    assert "through Nested Ops" in page
    assert "not here: remove from group Nested Ops" in page
    assert page.index("Domain Admins") < page.index(">here<")  # the privileged first


def test_everything_known_of_a_machine_stands_on_it(bank: Bank, as_: As) -> None:
    payments = Application.objects.create(
        name="Payments", owner=identity_of(bank.leon), created_at=MAY
    )  # fmt: skip
    machine = bank.machine(
        "svc-settlement", purpose="Settles payments by night", environment="production", application=payments,
        consumers=["ledger", "fx"], vendor="Fjordpay", vendor_contact="ops@fjordpay.test", rhythm="yearly",
        contract_end=date(2026, 12, 31), review_by=date(2026, 9, 30),
    )  # fmt: skip
    page = get(as_(bank.everybody.ines), "identity", machine)
    for words in ("Settles payments by night", "production", "ledger, fx", "Fjordpay", "ops@fjordpay.test",
                  "yearly", "31 Dec 2026", "30 Sep 2026", "Leon Weiss answers for it"):  # fmt: skip
        assert words in page
    assert "Nobody answers for this machine" not in page


def test_owners_and_deputies_stand_there_with_their_history(bank: Bank, as_: As) -> None:
    machine, leon = bank.machine("svc-backup"), identity_of(bank.leon)
    ownership.name_owner(machine, bank.hire("Earlier"), role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    ownership.name_owner(machine, leon, role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    page = get(as_(bank.everybody.ines), "identity", machine)
    assert "Earlier" in page
    assert "Leon Weiss" in page


def test_each_sees_what_they_may(bank: Bank, as_: As) -> None:
    """Rights go to those who see the inventory; HR and the manager see the person alone."""
    people = bank.everybody
    person = bank.hire("Aiko Admin")
    nested(bank, person)
    rights = {"ines": True, "mikael": True, "farid": True, "tomas": False, "ruth": False}
    for name, sees in rights.items():
        client = as_(people.by_role[name])
        assert ("Domain Admins" in get(client, "identity", person)) is sees, name
        assert ("Domain Admins" in get(client, "identity_graph", person)) is sees, name
        assert ("Nested Ops" in get(client, "identity_timeline", person)) is sees, name
    for name in ("elena", "omar", "aiko"):
        for page in ("identity", "identity_graph", "identity_timeline"):
            assert as_(people.by_role[name]).get(reverse(page, args=[person.pk])).status_code == 404


def test_whoever_answers_for_a_machine_sees_its_rights(bank: Bank, as_: As) -> None:
    machine = bank.machine("svc-backup", owner=bank.hire("Somebody"), deputy=identity_of(bank.everybody.omar))
    nested(bank, machine)
    client = as_(bank.everybody.omar)
    for page in ("identity", "identity_graph", "identity_timeline"):
        assert "Nested Ops" in get(client, page, machine)


@pytest.mark.parametrize("kind", ["human", "service"])
def test_a_page_with_300_grants_takes_few_queries(bank: Bank, as_: As, kind: str) -> None:
    whose = bank.hire("Aiko Admin") if kind == "human" else bank.machine("svc", owner=identity_of(bank.leon))
    for number in range(6):
        account = bank.account(whose, name=f"account{number}")
        inventory.credential(account)
        for _grant in range(50):
            inventory.grant(account, bank.right(kind="role"))
    nested(bank, whose)
    client = as_(bank.everybody.ines)
    for name, most in MOST:
        with at_most(most):
            get(client, name, whose)
    owner = as_(bank.leon)  # sees it by reason and not by role
    if kind == "service":
        for name, most in MOST:
            with at_most(most):
                get(owner, name, whose)


def test_of_many_rights_the_privileged_stay_on_the_page(bank: Bank, as_: As) -> None:
    account = bank.account(bank.hire("Aiko Admin"))
    for number in range(60):
        inventory.grant(account, bank.right(f"reader{number}", privileged=False))
    inventory.grant(account, bank.right("ROOT"))
    page = get(as_(bank.everybody.ines), "identity", account.identity)  # type: ignore[arg-type]
    assert "ROOT" in page
    assert "The riskiest are shown." in page


# --- timeline --------------------------------------------------------------------------------------------


def test_the_timeline_tells_everything_newest_first(bank: Bank, as_: As) -> None:
    people = bank.everybody
    person = bank.hire("Dana Kovac")
    hr = inventory.source(None, employer="Nordhaven")
    Engagement.objects.create(
        identity=person, source=hr, number="4711", starts_on=date(2024, 1, 1), first_run=inventory.run(hr)
    )  # fmt: skip
    grant = bank.grant(person, bank.right("Close the ledger"))
    sealed_session(grant, CAST, text="hello")
    campaign = bank.launched()
    item = bank_factory.item_of(campaign, grant)
    decisions.record(item, verdict="revoke", reason="left the team", ordinal=0, by=people.tomas)
    page = get(as_(people.ines), "identity_timeline", person)
    for words in ("Right gained", "Close the ledger", "Account first seen by a reading", "Reading that",
                  "Session", "Engagement begins", "4711", "Decision", f"{campaign.code}/{item.number}",
                  "To be removed"):  # fmt: skip
        assert words in page, words
    assert page.index("To be removed") < page.index("Engagement begins")
    only = get(as_(people.ines), "identity_timeline", person, kind="decisions")
    assert "Decision" in only
    assert "Right gained" not in only


def test_lost_rights_and_removals_stand_in_it(bank: Bank, as_: As) -> None:
    grant = nested(bank)
    cause = Cause(kind="expiry", reference="test")  # type: ignore[arg-type]
    revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL)
    Grant.objects.filter(pk=grant.pk).update(held=DateTimeTZRange(None, JUNE), known_to_run=bank.reading)
    page = get(as_(bank.everybody.ines), "identity_timeline", grant.account.identity)  # type: ignore[arg-type]
    assert "Right found gone" in page
    assert "held since when is unknown" in page
    assert "To be removed" in page


def test_the_log_stands_in_it_for_those_who_read_the_log(bank: Bank, as_: As) -> None:
    machine = bank.machine("svc-backup")
    leon = identity_of(bank.leon)
    by = bank.everybody.mikael.actor
    ownership.name_owner(machine, leon, role=Ownership.Role.OWNER, version=None, actor=by)
    assert "owner.named" in (page := get(as_(bank.everybody.ines), "identity_timeline", machine))
    assert "Mikael Strand" in page
    assert "owner.named" not in get(as_(bank.everybody.mikael), "identity_timeline", machine)


def test_a_long_timeline_has_pages_without_gaps(bank: Bank, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    account = bank.account(bank.hire("Aiko Admin"))
    for number in range(30):  # many at one moment, as a reading brings them
        inventory.grant(account, bank.right(f"right{number:02}"), MAY if number % 3 else JUNE)
    client = as_(bank.everybody.ines)

    def names(before: str) -> tuple[list[str], str]:
        url = reverse("identity_timeline", args=[account.identity_id])
        answer = client.get(url, {"kind": "rights", "before": before})
        entries = answer.context["entries"]
        return [one.name for entry in entries for one in entry.happenings], answer.context["before"]

    whole, _more = names("")
    monkeypatch.setattr(identity_panels, "PER_PAGE", 7)
    seen, before = names("")
    while before:
        part, before = names(before)
        seen += part
    assert seen == whole
    assert len(set(seen)) == 30
    assert names("nonsense")[0] == whole[:7]


def test_many_things_of_one_moment_are_one_line(bank: Bank, as_: As) -> None:
    account = bank.account(bank.hire("Aiko Admin"))
    for _number in range(20):
        inventory.grant(account, bank.right(), MAY)
    page = get(as_(bank.everybody.ines), "identity_timeline", account.identity, kind="rights")  # type: ignore[arg-type]
    assert page.count("Right gained") == 1
    assert "20 of them" in page


# --- graph -----------------------------------------------------------------------------------------------


def test_the_graph_goes_on_to_the_accounts_one_may_act_as(bank: Bank, as_: As) -> None:
    grant = nested(bank)
    root = inventory.account(inventory.system("CORE01"), name="root")
    inventory.grant(root, inventory.entitlement(root.system, "wipe-the-ledger"))
    gateway = inventory.entitlement(
        bank.system, "jump-root", kind="act_as", acts_as=root, acts_as_name="root", acts_on_name="core01"
    )
    inventory.inclusion(grant.entitlement, gateway)
    page = get(as_(bank.everybody.ines), "identity_graph", grant.account.identity)  # type: ignore[arg-type]
    for name in ("aiko.adm", "Nested Ops", "Domain Admins", "jump-root", "root", "wipe-the-ledger"):
        assert name in page
    assert reverse("account", args=[root.pk]) in page


def test_what_lies_behind_an_account_of_others_stays_hidden(bank: Bank, as_: As) -> None:
    """Leon owns this system, not the one where root lives: he sees the right to act as root, no more."""
    grant = nested(bank, bank.machine("svc", owner=identity_of(bank.leon)))
    root = inventory.account(inventory.system("CORE01"), name="the-root-account")
    inventory.grant(root, inventory.entitlement(root.system, "wipe-the-ledger"))
    gateway = inventory.entitlement(
        bank.system, "jump-root", kind="act_as", acts_as=root, acts_as_name="root"
    )
    inventory.inclusion(grant.entitlement, gateway)
    page = get(as_(bank.leon), "identity_graph", grant.account.identity)  # type: ignore[arg-type]
    assert "jump-root" in page
    assert "wipe-the-ledger" not in page
    assert "the-root-account" not in page
    assert reverse("account", args=[root.pk]) not in page


def test_a_graph_without_script_and_style_of_its_own(bank: Bank, as_: As) -> None:
    page = get(as_(bank.everybody.ines), "identity_graph", nested(bank).account.identity)  # type: ignore[arg-type]
    assert "<svg" in page
    assert " style=" not in page
    assert page.count("<script") == page.count("<script src=")


def test_searching_shows_only_what_leads_there(bank: Bank, as_: As) -> None:
    grant = nested(bank)
    inventory.grant(grant.account, bank.right("unrelated"))
    person = grant.account.identity
    assert person is not None
    page = get(as_(bank.everybody.ines), "identity_graph", person, q="domain")
    assert "Nested Ops" in page
    assert "unrelated" not in page
    assert "Nothing within reach is called like that." in get(
        as_(bank.everybody.ines), "identity_graph", person, q="none such"
    )


@pytest.mark.parametrize(
    "query", [{"depth": "99"}, {"depth": "x"}, {"open": "e1 a2 ' ><script>"}, {"depth": "0"}]
)
def test_odd_addresses_are_answered(bank: Bank, as_: As, query: dict[str, str]) -> None:
    page = get(as_(bank.everybody.ines), "identity_graph", nested(bank).account.identity, **query)  # type: ignore[arg-type]
    assert "aiko.adm" in page
    assert "><script>" not in page.replace("<script src", "")
