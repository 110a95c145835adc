"""The generic inventory: accounts, entitlements, grants and credentials in one file or one kind each."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.connectors.csv_accounts_columns import FIELDS
from accounts.connectors.records import Account, Credential, Entitlement, Grant, Rejected

Run = Callable[..., Any]
Read = Callable[[str], bytes]


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_inventory_lines(run: Run, data: Read) -> None:
    done = run("csv_accounts", data("core.csv"))
    header = done.header
    assert (header.system_reference, header.taken_at) == ("CORE", at(2026, 10, 6, 6))
    assert header.is_full
    assert header.control_total == 5
    # opsdesk holds nothing and is listed all the same, so a missing account is gone.
    assert header.covers == {"account", "grant"}
    assert b"hunter2" not in done.data
    assert [(cut.name, cut.count) for cut in done.admitted.cut] == [("password", 4)]
    assert done.rejected == []
    assert done.of(Account) == [
        Account(
            external_id="tbrandt",
            name="tbrandt",
            line=5,
            display_name="Tomas Brandt",
            kind="personal",
            employee_number="1007",
            last_used_at=at(2026, 10, 1, 7, 12),
            last_used_source="column last login",
        ),
        Account(
            external_id="svc-settlement",
            name="svc-settlement",
            line=7,
            kind="machine",
            identity_kind="service",
            hints=(("owner", "leon.weiss@example.com"),),
        ),
        Account(
            external_id="opsdesk",
            name="opsdesk",
            line=9,
            display_name="Operations desk",
            kind="shared",
            last_used_at=at(2026, 10, 5, 22),
            last_used_source="column last login",
        ),
        Account(external_id="oracle_old", name="oracle_old", line=8),
    ]
    assert done.of(Entitlement) == [
        Entitlement("LEDGER_READ", "LEDGER_READ", "right", 5, "Read the ledger", is_privileged=False),
        Entitlement(
            "LEDGER_POST",
            "LEDGER_POST",
            "right",
            6,
            "Post to the ledger",
            is_privileged=True,
            because="The system's own export marks it as privileged.",
        ),
        Entitlement("DBA", "DBA", "right", 8),
    ]
    assert done.of(Grant) == [
        Grant("tbrandt", "LEDGER_READ", 5, starts_at=at(2024, 3, 1), last_used_at=at(2026, 9, 30)),
        Grant("tbrandt", "LEDGER_POST", 6, starts_at=at(2024, 3, 1)),
        Grant("svc-settlement", "LEDGER_POST", 7, starts_at=at(2021, 1, 15), last_used_at=at(2026, 3, 20)),
        Grant("oracle_old", "DBA", 8),
    ]


def test_a_record_column_says_what_a_row_is(run: Run, data: Read) -> None:
    done = run("csv_accounts", data("inventory.csv"), {"complete": "yes"})
    assert done.rejected == []
    assert done.header.covers == {"account", "entitlement", "grant", "credential"}
    assert done.of(Account) == [
        Account(
            external_id="akovac",
            name="akovac",
            line=4,
            display_name="Ana Kovac",
            kind="personal",
            is_enabled=True,
            created_at=at(2020, 5, 4),
            last_used_at=at(2026, 10, 1),
            last_used_source="column last used",
        ),
        Account(external_id="ci-deploy", name="ci-deploy", line=6),  # only named by its credential and grant
    ]
    assert done.of(Entitlement) == [
        Entitlement("OPS", "OPS", "group", 2, "Operators, day and night", is_privileged=False),
        Entitlement(
            "DBA",
            "DBA",
            "role",
            5,
            "Administer the database",
            is_privileged=True,
            because="The system's own export marks it as privileged.",
        ),
        Entitlement("DEPLOY", "DEPLOY", "right", 7),
    ]
    assert done.of(Grant) == [
        Grant("akovac", "DBA", 3, "OPS", at(2025, 1, 1), at(2026, 12, 31), at(2026, 9, 1)),
        Grant("ci-deploy", "DEPLOY", 7),
    ]
    assert done.of(Credential) == [
        Credential(
            "ci-deploy",
            "access_key",
            "AKIAIOSFODNN7EXAMPLE",
            6,
            is_active=True,
            created_at=at(2024, 4, 1),
            rotated_at=at(2024, 4, 1),
            last_used_at=at(2026, 10, 5),
        )
    ]


def test_accounts_alone(run: Run) -> None:
    done = run("csv_accounts", b"login,full name,e-mail,status\na,Ana,a@example.com,active\nb,Ben,,locked\n")
    assert done.header.covers == {"account"}
    assert [(one.external_id, one.display_name, one.email, one.is_enabled) for one in done.of(Account)] == [
        ("a", "Ana", "a@example.com", True),
        ("b", "Ben", None, False),
    ]


def test_credentials_alone_prove_nothing_about_accounts(run: Run) -> None:
    done = run(
        "csv_accounts", b"user,access key id,rotated\na,AKIA1,2024-01-01\na,AKIA2,\n", {"complete": "yes"}
    )
    assert done.header.covers == {"credential"}
    assert [(one.kind, one.fingerprint, one.rotated_at) for one in done.of(Credential)] == [
        ("access_key", "AKIA1", at(2024, 1, 1)),
        ("access_key", "AKIA2", None),
    ]
    assert [one.external_id for one in done.of(Account)] == ["a"]


def test_pairs_alone_do_not_prove_that_an_account_is_gone(run: Run) -> None:
    data = b"account,role\na,R\nb,R\n"
    assert run("csv_accounts", data, {"complete": "yes"}).header.covers == {"grant"}
    assert run("csv_accounts", data, {"complete": "yes", "covers": "account, grant"}).header.covers == {
        "account",
        "grant",
    }
    assert [one.kind for one in run("csv_accounts", data).of(Entitlement)] == ["role"]


def test_an_own_id_is_the_key_and_the_login_only_a_name(run: Run) -> None:
    done = run("csv_accounts", b"object id,user name,group\n17,jsmith,G\n18,jsmith,G\n,x,G\n")
    assert [(one.external_id, one.name) for one in done.of(Account)] == [("17", "jsmith"), ("18", "jsmith")]
    assert done.rejected == [(4, "missing_account")]


@pytest.mark.parametrize(
    ("rows", "line", "code", "first"),
    [
        ("a,A,R,no,\na,B,S,no,\n", 3, "contradiction", "line 2"),  # the account's name
        ("a,A,R,no,\nb,B,R,yes,\n", 3, "contradiction", "line 2"),  # whether R is privileged
        ("a,A,R,no,2024-01-01\na,A,R,no,2024-02-01\n", 3, "contradiction", "line 2"),  # since when
        ("a,A,R,no,\nb,B,R,no,\na,A,R,no,\n", 4, "duplicate", "line 2"),
    ],
)
def test_rows_that_contradict_or_repeat_name_the_first(
    run: Run, rows: str, line: int, code: str, first: str
) -> None:
    done = run("csv_accounts", f"account,name,entitlement,privileged,since\n{rows}z,Z,T,,\n".encode())
    assert done.rejected == [(line, code)]
    assert first in done.of(Rejected)[0].reason
    assert done.of(Account)[-1].external_id == "z"


def test_a_rejected_row_leaves_nothing_behind(run: Run) -> None:
    done = run("csv_accounts", b"account,name,entitlement,privileged\na,A,R,perhaps\nb,B,R,no\na,A,R,no\n")
    assert done.rejected == [(2, "unknown_word")]
    assert [(one.external_id, one.line) for one in done.of(Account)] == [("b", 3), ("a", 4)]
    assert [one.line for one in done.of(Entitlement)] == [3]
    only_named = run("csv_accounts", b"record,account,entitlement,since\ngrant,ghost,R,someday\ngrant,a,R,\n")
    assert [one.external_id for one in only_named.of(Account)] == ["a"]


def test_a_repetition_may_say_nothing(run: Run) -> None:
    done = run(
        "csv_accounts", b"account,name,entitlement,description\na,,R,\na,A,S,Words\nb,B,R,Read\na,,T,\n"
    )
    assert done.rejected == []
    assert [(one.external_id, one.display_name) for one in done.of(Account)] == [("a", "A"), ("b", "B")]
    assert [(one.external_id, one.plain_words) for one in done.of(Entitlement)] == [
        ("S", "Words"),
        ("R", "Read"),
        ("T", None),
    ]


def test_the_same_right_by_two_ways_is_two_grants(run: Run) -> None:
    done = run("csv_accounts", b"account,entitlement,via\na,R,\na,R,G\na,R,H\na,R,G\n")
    assert [one.via for one in done.of(Grant)] == [None, "G", "H"]
    assert done.rejected == [(5, "duplicate")]
    assert [(one.external_id, one.kind) for one in done.of(Entitlement)] == [
        ("R", "right"),
        ("G", "group"),
        ("H", "group"),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("account,,,,,", "missing_account"),
        ("grant,a,,,,", "missing_entitlement"),
        ("credential,a,,,password,", "missing_fingerprint"),
        ("credential,a,,f,,", "missing_kind"),
        ("credential,a,,f,magic,", "unknown_word"),
        (",a,,,,", "unknown_word"),
        ("thing,a,,,,", "unknown_word"),
        ("grant,a,R,,,2026-13-01", "no_date"),
    ],
)
def test_rows_that_lack_what_they_need_are_refused(run: Run, row: str, code: str) -> None:
    done = run("csv_accounts", f"record,account,entitlement,fingerprint,kind,since\n{row}\n".encode())
    assert done.rejected == [(2, code)]
    assert done.records == done.of(Rejected)


def test_an_end_before_the_start_is_refused(run: Run) -> None:
    done = run("csv_accounts", b"account,entitlement,since,until\na,R,2026-02-01,2026-01-01\n")
    assert done.rejected == [(2, "ends_before_start")]


@pytest.mark.parametrize(
    ("cell", "mapping", "read"),
    [
        ("2026-10-05T22:00:00Z", {}, at(2026, 10, 5, 22)),
        ("2026-10-05 22:00:00+0200", {}, at(2026, 10, 5, 20)),
        ("2026-10-05 22:00", {}, at(2026, 10, 5, 22)),
        ("2026-10-05 22:00", {"zone": "Europe/Berlin"}, at(2026, 10, 5, 20)),
        ("05.10.2026 9:05", {}, at(2026, 10, 5, 9, 5)),
        ("2026-10-05T22:00:00.1234567Z", {}, at(2026, 10, 5, 22).replace(microsecond=123456)),
        ("never", {}, None),
        ("1601-01-01T00:00:00Z", {}, None),
        ("0001-01-01T00:00:00Z", {}, None),
    ],
)
def test_moments_are_aware(run: Run, cell: str, mapping: dict[str, str], read: datetime | None) -> None:
    (account,) = run("csv_accounts", f"account,last login\na,{cell}\n".encode(), mapping).of(Account)
    assert account.last_used_at == read


@pytest.mark.parametrize(
    ("word", "kind", "identity_kind"),
    [
        ("personal", "personal", None),
        ("Break-Glass", "emergency", None),
        ("Sammelkonto", "shared", None),
        ("AI agent", "machine", "agent"),
        ("bot", "machine", "bot"),
        ("human", None, "human"),
        ("", None, None),
    ],
)
def test_kinds_of_accounts(run: Run, word: str, kind: str | None, identity_kind: str | None) -> None:
    (account,) = run("csv_accounts", f"account,kind\na,{word}\n".encode()).of(Account)
    assert (account.kind, account.identity_kind) == (kind, identity_kind)


def test_a_gateway_right_names_the_account_it_opens(run: Run) -> None:
    data = b"account,entitlement,entitlement kind,acts as\nakovac,root on core01,may act as,root@core01\n"
    (right,) = run("csv_accounts", data).of(Entitlement)
    assert (right.kind, right.acts_as) == ("act_as", "root@core01")


def test_account_and_place_of_a_gateway_right_may_stand_apart(run: Run) -> None:
    done = run(
        "csv_accounts",
        b"account,entitlement,acts as,acts on\nann,PSM-ROOT,root,core01\nbo,PSM-ANY,,core02\ncy,READ,,\n",
    )
    assert [(one.external_id, one.kind, one.acts_as, one.acts_on) for one in done.of(Entitlement)] == [
        ("PSM-ROOT", "act_as", "root", "core01"),
        ("PSM-ANY", "act_as", None, "core02"),
        ("READ", "right", None, None),
    ]


def test_a_right_that_has_to_be_switched_on_and_one_that_ends_by_itself(run: Run) -> None:
    rows = (
        b"ann,DBA,yes,\nann,DBA,no,2026-10-06T18:00:00Z\nbo,DBA,,\nbo,OPS,Eligible,2026-12-31\nbo,X,maybe,\n"
    )
    done = run("csv_accounts", b"account,entitlement,eligible,ends at\n" + rows)
    assert [(one.account, one.entitlement, one.is_eligible, one.ends_at) for one in done.of(Grant)] == [
        ("ann", "DBA", True, None),
        ("ann", "DBA", False, at(2026, 10, 6, 18)),
        ("bo", "DBA", False, None),
        ("bo", "OPS", True, at(2026, 12, 31)),
    ]
    assert done.rejected == [(6, "unknown_word")]


def test_an_eligible_right_is_told_once(run: Run) -> None:
    done = run(
        "csv_accounts", b"account,entitlement,eligible\nann,DBA,yes\nann,DBA,yes\nann,DBA,no\nann,DBA,\n"
    )
    assert done.rejected == [(3, "duplicate"), (5, "duplicate")]


def test_columns_that_mean_nothing_are_named(run: Run) -> None:
    done = run("csv_accounts", b"account,shoe size\na,42\n")
    assert done.header.unmapped == ("shoe size",)


def test_the_order_of_records_never_depends_on_chance(run: Run, data: Read) -> None:
    first = run("csv_accounts", data("inventory.csv"))
    assert first.records == run("csv_accounts", data("inventory.csv")).records


def test_no_column_name_means_two_things() -> None:
    every = [name for names in FIELDS.values() for name in names]
    assert len(every) == len(set(every))
