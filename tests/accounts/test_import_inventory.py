"""Readings of systems: accounts, rights, credentials; new, unchanged, gone and back."""

import pytest

from accounts.models import Account, Credential, Entitlement, Grant, GrantUse, Identity, ImportRun
from portal.audit import canonical, cards
from portal.audit.models import Payload
from tests.factories import readings
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

HEADER = (
    "record,account,entitlement,display name,employee number,"
    "privileged,description,since,until,last used,via\n"
)
CORE = (
    HEADER
    + "account,tbrandt,,Tomas Brandt,7,,,,,,\n"
    + "account,oracle_old,,,,,,,,,\n"
    + "entitlement,,LEDGER_READ,,,no,Read the ledger,,,,\n"
    + "entitlement,,LEDGER_POST,,,yes,Post to the ledger,,,,\n"
    + "grant,tbrandt,LEDGER_READ,,,,,2024-03-01,,2026-02-20,\n"
    + "grant,tbrandt,LEDGER_POST,,,,,,2026-12-31,,\n"
    + "grant,oracle_old,LEDGER_POST,,,,,,,,\n"
)


def without(text: str, *starts: str) -> str:
    """The file without the rows that begin so."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(starts))


def numbers(run: ImportRun, kind: str) -> tuple[int, int, int, int]:
    """New, changed, returned, gone."""
    counts = run.counts[kind]
    return counts["new"], counts["changed"], counts["returned"], counts["gone"]


def test_accounts_rights_and_grants_come_with_what_the_file_says() -> None:
    core = readings.source(readings.system())
    run = applied(core, CORE, day(1))
    assert run.state == ImportRun.State.APPLIED
    assert {kind: one["read"] for kind, one in run.counts.items()} == {
        "account": 2,
        "entitlement": 2,
        "grant": 3,
    }
    account = Account.objects.get(name="tbrandt")
    assert (account.display_name, account.employee_number, account.first_run) == ("Tomas Brandt", "7", run)
    assert cards.read(account.card) == {"name": "tbrandt", "system": "CORE"}
    right = Entitlement.objects.get(external_id="LEDGER_POST")
    assert (right.is_privileged, right.plain_words) == (True, "Post to the ledger")
    assert cards.read(right.card) == {"name": "LEDGER_POST", "system": "CORE"}
    grant = Grant.objects.get(account=account, entitlement__name="LEDGER_READ")
    assert grant.since is not None
    assert grant.since.date().isoformat() == "2024-03-01"
    assert grant.use.last_used_at.date().isoformat() == "2026-02-20"
    other = Grant.objects.get(account=account, entitlement=right)
    assert other.since is None  # nobody knows since when
    assert other.ends_at is not None


def test_the_same_file_twice_writes_no_row() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    rows = [
        list(model._default_manager.order_by("pk").values())
        for model in (Account, Entitlement, Grant, GrantUse)
    ]
    run = applied(core, CORE, day(2))
    assert all(numbers(run, kind) == (0, 0, 0, 0) for kind in run.counts)
    assert rows == [
        list(model._default_manager.order_by("pk").values())
        for model in (Account, Entitlement, Grant, GrantUse)
    ]
    facts = Payload.objects.get(event__verb="import.applied", event__subject_id=str(run.pk)).facts
    assert facts is not None
    assert facts["changed"] == 0


def test_a_complete_reading_ends_what_vanished() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    run = applied(
        core, without(CORE, "account,oracle_old", "grant,oracle_old", "grant,tbrandt,LEDGER_POST"), day(2)
    )
    assert numbers(run, "account") == (0, 0, 0, 1)
    assert numbers(run, "grant") == (0, 0, 0, 2)
    gone = Account.objects.get(name="oracle_old")
    assert (gone.gone_run, gone.gone_at) == (run, day(2))
    grant = Grant.objects.get(account__name="tbrandt", entitlement__name="LEDGER_POST")
    assert (grant.until, grant.known_to_run) == (day(2), run)
    assert Grant.objects.held().count() == 1


def test_what_comes_back_is_a_new_grant_and_the_same_account() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    applied(core, without(CORE, "account,oracle_old", "grant,oracle_old"), day(2))
    run = applied(core, CORE, day(3))
    account = Account.objects.get(name="oracle_old")
    assert account.gone_run is None
    assert account.gone_at is None
    assert numbers(run, "account") == (0, 0, 1, 0)
    first, second = Grant.objects.filter(account=account).order_by("pk")
    assert first.until == day(2)
    # The reading before listed everything and did not show it, so it began between the two.
    assert (second.since, second.until) == (day(3), None)


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({}, without(CORE, "account,oracle_old", "grant,oracle_old")),
        (
            {"complete": "yes"},
            without(CORE, "account,oracle_old", "grant,oracle_old") + "nonsense,x,,,,,,,,,\n",
        ),
        ({"complete": "yes"}, "# total: 7\n" + without(CORE, "account,oracle_old", "grant,oracle_old")),
    ],
    ids=["nobody says it is complete", "a row was rejected", "fewer rows than the file says"],
)
def test_nothing_is_gone_that_a_doubtful_file_lacks(mapping: dict[str, str], text: str) -> None:
    core = readings.source(readings.system(), mapping=mapping)
    applied(core, CORE, day(1))
    run = applied(core, text, day(2))
    assert numbers(run, "account") == (0, 0, 0, 0)
    assert Grant.objects.held().count() == 3


def test_what_the_file_does_not_say_stays() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    run = applied(core, CORE.replace("Tomas Brandt,7", ",").replace(",no,Read the ledger", ",,"), day(2))
    assert numbers(run, "account") == (0, 0, 0, 0)
    assert Account.objects.get(name="tbrandt").display_name == "Tomas Brandt"
    assert Entitlement.objects.get(name="LEDGER_READ").plain_words == "Read the ledger"


def test_a_change_counts_the_version_and_is_named_in_the_preview() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    run = previewed(core, CORE.replace("Tomas Brandt", "Tom Brandt").replace(",yes,", ",no,"), day(2))
    assert run.preview["samples"]["account"]["changed"] == [["tbrandt", "display_name"]]
    assert run.preview["samples"]["entitlement"]["changed"] == [["LEDGER_POST", "is_privileged"]]
    readings.apply(run)
    assert Account.objects.get(name="tbrandt").version == 2
    assert Entitlement.objects.get(name="LEDGER_POST").is_privileged is False
    assert "samples" not in readings.fresh(run).preview


def test_a_later_use_writes_the_use_alone() -> None:
    core = readings.source(readings.system())
    applied(core, CORE, day(1))
    before = Grant.objects.order_by("pk").values_list()
    rows = list(before)
    run = applied(core, CORE.replace("2026-02-20", "2026-02-28"), day(2))
    assert numbers(run, "grant") == (0, 0, 0, 0)
    assert GrantUse.objects.get().last_used_at.date().isoformat() == "2026-02-28"
    assert list(before.all()) == rows
    applied(core, CORE, day(3))
    assert GrantUse.objects.get().last_used_at.date().isoformat() == "2026-02-28"  # never backwards


def test_an_end_that_the_file_no_longer_shows_is_none() -> None:
    core = readings.source(readings.system())
    both = CORE + "grant,oracle_old,LEDGER_READ,,,,,,2027-01-31,,\n"
    applied(core, both, day(1))
    run = applied(core, both.replace("2026-12-31", ""), day(2))
    assert numbers(run, "grant") == (0, 1, 0, 0)
    assert Grant.objects.get(account__name="tbrandt", entitlement__name="LEDGER_POST").ends_at is None


def test_rights_through_a_group_stand_beside_direct_ones() -> None:
    core = readings.source(readings.system())
    text = CORE + "grant,tbrandt,LEDGER_READ,,,,,,,,admins\n"
    applied(core, text, day(1))
    assert Grant.objects.filter(account__name="tbrandt", entitlement__name="LEDGER_READ").count() == 2
    run = applied(core, CORE, day(2))
    assert numbers(run, "grant") == (0, 0, 0, 1)
    assert Grant.objects.get(known_to_run=run).via == Entitlement.objects.get(name="admins")


def test_credentials_come_change_and_go() -> None:
    core = readings.source(readings.system())
    head = "record,account,credential,credential kind,created,rotated\n"
    text = (
        head
        + "account,svc,,,,\n"
        + "credential,svc,AK1,access key,2024-01-01,\n"
        + "credential,svc,AK2,access key,2025-01-01,\n"
    )
    applied(core, text, day(1))
    run = applied(
        core, head + "account,svc,,,,\ncredential,svc,AK1,access key,2024-01-01,2026-02-01\n", day(2)
    )
    assert numbers(run, "credential") == (0, 1, 0, 1)
    assert Credential.objects.get(fingerprint="AK2").gone_run == run
    assert numbers(applied(core, text, day(3)), "credential") == (0, 0, 1, 0)
    assert Credential.objects.present().count() == 2


def test_an_account_that_is_gone_holds_nothing_any_more() -> None:
    system = readings.system()
    applied(readings.source(system), CORE, day(1))
    people = readings.source(system, mapping={"complete": "yes", "covers": "account"})
    run = applied(people, "record,account\naccount,tbrandt\n", day(2))
    assert numbers(run, "account") == (0, 0, 0, 1)
    assert Grant.objects.get(account__name="oracle_old").known_to_run == run
    assert Grant.objects.held().count() == 2  # the others are not spoken of


def test_a_right_that_is_only_named_keeps_its_name_and_words() -> None:
    core = readings.source(readings.system())
    applied(
        core,
        "record,account,entitlement,entitlement name,description\nentitlement,,R1,Post to the ledger,Words\n",
        day(1),
    )
    run = applied(core, "account,entitlement\ntbrandt,R1\n", day(2))
    assert numbers(run, "entitlement") == (0, 0, 0, 0)
    assert Entitlement.objects.get().name == "Post to the ledger"


def test_machines_are_known_at_first_sight_and_linked_by_name() -> None:
    core = readings.source(readings.system())
    head = "account,identity,identity kind,purpose,environment,entitlement\n"
    run = previewed(
        core,
        head
        + "svc-settle,svc-settlement,service,Year end,production,POST\nsvc-2,svc-settlement,service,,,POST\n",
    )
    assert run.preview["machines"] == 1
    readings.apply(run)
    machine = Identity.objects.get()
    assert (machine.kind, machine.name, machine.purpose, machine.owner) == (
        "service",
        "svc-settlement",
        "Year end",
        None,
    )
    assert machine.accounts.count() == 2
    assert set(machine.accounts.values_list("match_method", flat=True)) == {Account.Match.NAME}
    other = readings.source(readings.system("DIR"))
    applied(other, head + "settle$,SVC-Settlement,service,,,READ\n")
    assert Identity.objects.count() == 1
    assert machine.accounts.count() == 3


def test_an_account_without_hints_is_an_orphan() -> None:
    applied(readings.source(readings.system()), CORE, day(1))
    assert set(Account.objects.orphaned().values_list("name", flat=True)) == {"tbrandt", "oracle_old"}


def test_a_preview_that_the_record_has_overtaken_is_shown_again() -> None:
    core = readings.source(readings.system())
    run = previewed(core, CORE, day(2))
    applied(core, without(CORE, "account,oracle_old", "grant,oracle_old"), day(1))
    run = readings.apply(run)
    assert run.state == ImportRun.State.PREVIEWED
    assert run.preview["warnings"][0] == {"code": "record_changed"}
    assert numbers(run, "account") == (1, 0, 0, 0)
    assert readings.apply(run).state == ImportRun.State.APPLIED


def test_the_digest_is_that_of_the_rows_that_changed() -> None:
    run = applied(readings.source(readings.system()), CORE, day(1))
    facts = Payload.objects.get(event__verb="import.applied", event__subject_id=str(run.pk)).facts
    assert facts is not None
    rows = [
        {"kind": kind, "change": "new", "id": str(row.pk), "card": getattr(row, "card", None)}
        for kind, model in (("account", Account), ("entitlement", Entitlement), ("grant", Grant))
        for row in sorted(model._default_manager.all(), key=lambda row: str(row.pk))
    ]
    count, digest = canonical.digest_of_many(rows)
    assert (facts["changed"], facts["changed_digest"]) == (count, digest.hex())
