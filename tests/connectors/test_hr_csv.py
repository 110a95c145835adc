"""HR exports: who is in them, read from columns of many names, and which rows are refused and why."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts.connectors.connector import Cut
from accounts.connectors.hr_csv import FIELDS
from accounts.connectors.records import Person, Rejected

Run = Callable[..., Any]
Read = Callable[[str], bytes]


def test_midpoint_export(run: Run, sample: Read) -> None:
    done = run("hr_csv", sample("hr-csv/midpoint-hr.csv"))
    people = done.of(Person)
    assert len(people) == len(done.records) == 10
    assert people[0] == Person(
        number="001", name="Alice Adaway", line=2, given_name="Alice", family_name="Adaway", status="active"
    )
    # Diana Deboe and Henry Harlow are disabled, the other eight are not.
    assert [one.number for one in people if one.status == "left"] == ["004", "008"]
    assert people[9].name == "Jordan Jinby"
    assert people[9].line == 11
    assert done.admitted.cut == ()
    assert done.admitted.rows == 10


def test_simulation_export(run: Run, sample: Read) -> None:
    done = run("hr_csv", sample("hr-csv/simulation-hr.csv"))
    people = done.of(Person)
    assert len(people) == len(done.records) == 250
    assert people[3] == Person(
        number="1004",
        name="Nathanial Cathcart",
        line=5,
        given_name="Nathanial",
        family_name="Cathcart",
        department="Strategy - Planning",
    )
    assert (people[-1].number, people[-1].name, people[-1].line) == ("1250", "Bryan Fields", 251)
    assert done.admitted.cut == (Cut("phone", "unmapped", 250),)
    assert b"+421" not in done.data
    assert done.header.columns == ("empNo", "firstName", "lastName", "department")


def test_a_german_export_with_every_field(run: Run, data: Read) -> None:
    done = run("hr_csv", data("people.csv"))
    tomas, petra, anna, john = done.of(Person)
    assert tomas == Person(
        number="1007",
        name="Tomas Brandt",
        line=2,
        given_name="Tomas",
        family_name="Brandt",
        email="tomas.brandt@example.com",
        employer="Nordhaven",
        kind="employee",
        department="Payments",
        manager_number="1001",
        starts_on=date(2019, 3, 1),
        ends_on=None,  # 31.12.9999 is how payroll systems write "open"
        status="active",
    )
    assert petra.status == "on_leave"
    assert petra.manager_number == "1007"
    # The same number at another employer is another person.
    assert (anna.number, anna.employer, anna.kind, anna.department) == (
        "1007",
        "Fjordpay",
        "contractor",
        "Cards;\nClearing",
    )
    assert (anna.starts_on, anna.ends_on) == (date(2024, 1, 13), date(2026, 12, 31))
    assert (john.line, john.status, john.ends_on) == (6, "left", date(2026, 5, 31))


def test_what_the_file_does_not_say_is_unknown(run: Run) -> None:
    (person,) = run("hr_csv", b"number,name\n7,Ana\n").of(Person)
    assert person == Person(number="7", name="Ana", line=2)


@pytest.mark.parametrize(
    "header",
    [
        "empNo,Name",
        "Employee-ID;Full Name",
        "PERSONALNUMMER\tAnzeigename",
        "Matricule|Nom complet",
        "staff_no,displayName",
        "Número empleado,Nombre completo",
    ],
)
def test_headers_in_many_spellings(run: Run, header: str) -> None:
    delimiter = next(sign for sign in ";\t|," if sign in header)
    header = header.replace("staff_no", "staff number")
    (person,) = run("hr_csv", f"{header}\n17{delimiter}Ana Kovač\n".encode()).of(Person)
    assert (person.number, person.name) == ("17", "Ana Kovač")


def test_a_mapping_of_the_source_beats_the_names(run: Run) -> None:
    data = b"id,badge,name,nick\n1,B-7,Ana,A\n"
    done = run("hr_csv", data, {"number": "Badge", "title": "nick"})
    assert [(one.number, one.title) for one in done.of(Person)] == [("B-7", "A")]
    assert [cut.name for cut in done.admitted.cut] == ["id"]


def test_excel_names_its_delimiter_in_the_first_line(run: Run) -> None:
    done = run("hr_csv", b"sep=;\r\nnumber;name\r\n1;Doe, Jane\r\n")
    assert [(one.name, one.line) for one in done.of(Person)] == [("Doe, Jane", 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(run: Run, end: str) -> None:
    done = run("hr_csv", end.join(["number,name", "1,A", "", '2,"B', 'b"', "3,C"]).encode())
    assert [(one.number, one.line) for one in done.of(Person)] == [("1", 2), ("2", 4), ("3", 6)]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("2026-03-04", date(2026, 3, 4)),
        ("20260304", date(2026, 3, 4)),
        ("2026/03/04", date(2026, 3, 4)),
        ("4.3.2026", date(2026, 3, 4)),
        ("04.03.2026", date(2026, 3, 4)),
        ("25/03/2026", date(2026, 3, 25)),
        ("03/25/2026", date(2026, 3, 25)),
        ("03/03/2026", date(2026, 3, 3)),
        ("2026-03-04 00:00:00", date(2026, 3, 4)),
        ("2026-03-04T00:00:00Z", date(2026, 3, 4)),
        ("", None),
        ("9999-12-31", None),
        ("00.00.0000", None),
        ("n/a", None),
    ],
)
def test_days(run: Run, cell: str, read: date | None) -> None:
    (person,) = run("hr_csv", f"number,name,start date\n1,A,{cell}\n".encode()).of(Person)
    assert person.starts_on == read


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("03/04/2026", "ambiguous_date"),
        ("3-4-2026", "ambiguous_date"),
        ("31.02.2026", "no_date"),
        ("2026-13-01", "no_date"),
        ("04.03.26", "no_date"),
        ("soon", "no_date"),
        ("45000", "no_date"),
    ],
)
def test_days_that_are_not_clear_are_refused_with_the_row(run: Run, cell: str, code: str) -> None:
    done = run("hr_csv", f"number,name,start date\n1,A,{cell}\n2,B,2026-01-01\n".encode())
    assert done.rejected == [(2, code)]
    assert cell in done.of(Rejected)[0].reason
    assert done.of(Rejected)[0].excerpt == f"1,A,{cell}"
    assert [one.number for one in done.of(Person)] == ["2"]


@pytest.mark.parametrize(("order", "read"), [("dmy", date(2026, 4, 3)), ("mdy", date(2026, 3, 4))])
def test_the_order_of_days_can_be_said(run: Run, order: str, read: date) -> None:
    (person,) = run("hr_csv", b"number,name,start date\n1,A,03/04/2026\n", {"dates": order}).of(Person)
    assert person.starts_on == read


@pytest.mark.parametrize(
    ("header", "cell", "status"),
    [
        ("status", "Active", "active"),
        ("status", "ELTERNZEIT", "on_leave"),
        ("status", "leave of absence", "on_leave"),
        ("Status", "ausgetreten", "left"),
        ("status", "gekündigt", "left"),
        ("status", "", None),
        ("active", "no", "left"),
        ("active", "", None),
        ("disabled", "TRUE", "left"),
        ("disabled", "0", "active"),
    ],
)
def test_status_words(run: Run, header: str, cell: str, status: str | None) -> None:
    (person,) = run("hr_csv", f"number,name,{header}\n1,A,{cell}\n".encode()).of(Person)
    assert person.status == status


def test_a_word_of_the_house_is_refused_until_it_is_taught(run: Run) -> None:
    data = b"number,name,status\n1,A,Garden-Leave\n"
    done = run("hr_csv", data)
    assert done.rejected == [(2, "unknown_word")]
    assert "status:garden leave" in done.of(Rejected)[0].reason
    (person,) = run("hr_csv", data, {"status:garden leave": "on_leave"}).of(Person)
    assert person.status == "on_leave"


def test_the_second_of_one_number_is_refused_and_names_the_first(run: Run) -> None:
    done = run("hr_csv", b"number,name,employer\n1,A,X\n2,B,X\n1,C,X\n1,D,Y\n")
    assert done.rejected == [(4, "duplicate_number")]
    assert "line 2" in done.of(Rejected)[0].reason
    assert [one.name for one in done.of(Person)] == ["A", "B", "D"]


def test_rows_that_name_nobody_are_refused(run: Run) -> None:
    done = run("hr_csv", b"number,first name,last name\n,A,B\n2,,\n3,,C\n")
    assert done.rejected == [(2, "missing_number"), (3, "missing_name")]
    assert [one.name for one in done.of(Person)] == ["C"]


def test_an_end_before_the_start_is_refused(run: Run) -> None:
    done = run("hr_csv", b"number,name,start,end\n1,A,2026-02-01,2026-01-01\n")
    assert done.rejected == [(2, "ends_before_start")]


def test_a_cell_longer_than_any_name_is_refused(run: Run) -> None:
    assert run("hr_csv", b"number,name\n1," + b"A" * 501 + b"\n").rejected == [(2, "too_long")]


def test_a_file_proves_absence_only_if_somebody_says_that_it_is_complete(run: Run) -> None:
    data = b"number,name\n1,A\n2,B\n"
    assert not run("hr_csv", data).header.is_full
    assert run("hr_csv", data).header.notes
    assert run("hr_csv", data, {"complete": "yes"}).header.is_full
    said = run("hr_csv", b"# complete: yes\n# taken: 2026-10-06T08:00:00+02:00\n" + data).header
    assert said.is_full
    assert said.covers == {"person"}
    assert said.taken_at == datetime(2026, 10, 6, 6, tzinfo=UTC)


def test_a_total_that_differs_ends_the_file_and_its_proof(run: Run) -> None:
    done = run("hr_csv", b"# complete: yes\nnumber,name\n1,A\n2,B\n# total,3\n")
    assert done.header.control_total == done.admitted.control_total == 3
    assert not done.header.is_full
    assert done.rejected == [(5, "control_total_differs")]
    assert len(done.of(Person)) == 2
    right = run("hr_csv", b"# complete: yes\nnumber,name\n1,A\n2,B\n# Control total: 2\n")
    assert right.header.is_full
    assert right.rejected == []


@pytest.mark.parametrize(
    ("remark", "total"),
    [
        ("total,412", 412),
        ("Total: 412 rows", 412),
        ("control_total = 1,234", 1234),
        ("total;1.234;;", 1234),
        ("totally", None),
    ],
)
def test_totals_as_people_write_them(run: Run, remark: str, total: int | None) -> None:
    assert run("hr_csv", f"# {remark}\nnumber,name\n1,A\n".encode()).header.control_total == total


def test_no_column_name_means_two_things() -> None:
    every = [name for names in FIELDS.values() for name in names]
    assert len(every) == len(set(every))
