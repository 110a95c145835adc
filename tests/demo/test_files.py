"""The files of the story are what the portal's own parsers take for the real thing, and always the same."""

from collections import Counter
from datetime import UTC, datetime
from io import BytesIO

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.records import Account, Entitlement, Header, Inclusion, Record, Rejected
from portal.demo import aws, casts, directory, files, gateway
from portal.demo.calendar import Calendar
from sessions_app import formats
from sessions_app.formats.events import Reading

CALENDAR = Calendar(datetime(2026, 10, 6, 9, 30, tzinfo=UTC))


def read(key: str, content: bytes) -> tuple[Header, list[Record]]:
    """As admitted: what nobody may keep is cut before."""
    options, kept = {"complete": "yes"}, list[bytes]()
    REGISTRY[key].admit(BytesIO(content), options, kept.append)
    header, records = REGISTRY[key].read(BytesIO(b"".join(kept)), options)
    return header, list(records)


@pytest.mark.parametrize("day", [-170, -92, -60, -1])
def test_every_export_is_complete_and_without_a_mistake(day: int) -> None:
    for key, content in (
        ("hr_csv", files.people(CALENDAR, day)),
        ("ldif", directory.export(CALENDAR, day)),
        ("csv_accounts", files.inventory(CALENDAR, day, "CORE")),
        ("csv_accounts", files.inventory(CALENDAR, day, "CORE-TEST")),
        ("jumpserver", gateway.answers(CALENDAR, day)),
        ("csv_accounts", files.tokens(CALENDAR, day)),
        ("sudoers", files.sudo_rules(CALENDAR, day)),
        ("aws_authorization", aws.details(CALENDAR, day)),
        ("aws_credential_report", aws.credential_report(CALENDAR, day)),
    ):
        header, records = read(key, content)
        assert header.is_full, (key, header.notes)
        assert not [record for record in records if isinstance(record, Rejected)]
        assert REGISTRY[key].sniff(content[:4096], "export") >= 0.5


def test_the_directory_is_one_that_windows_keeps() -> None:
    header, records = read("ldif", directory.export(CALENDAR, -1))
    names = {one.external_id: one.name for one in records if isinstance(one, Entitlement)}
    inside = {names[one.parent]: names[one.child] for one in records if isinstance(one, Inclusion)}
    known = {one.name for one in records if isinstance(one, Entitlement) and one.is_privileged}
    machines = {one.identity_key for one in records if isinstance(one, Account) and one.kind == "machine"}
    assert header.system_reference == "dc=nordhaven,dc=example"
    assert inside == {"Tier0-Operators": "Domain Admins", "Domain Admins": "Administrators"}
    assert {"Domain Admins", "Administrators", "Server Operators", "Backup Operators", "DnsAdmins"} == known
    assert {"svc-adsync", "svc-patch", "agent-mailsort"} <= machines
    assert not [one for one in records if "Start-" in str(one)]


def test_the_cut_file_says_that_it_is() -> None:
    header, records = read("csv_accounts", files.inventory(CALENDAR, -72, "CORE", is_cut=True))
    rejected = [record for record in records if isinstance(record, Rejected)]
    assert not header.is_full
    assert [one.code for one in rejected] == ["control_total_differs"]


def test_nothing_in_an_export_lies_ahead_of_it() -> None:
    _, records = read("csv_accounts", files.inventory(CALENDAR, -92, "CORE"))
    taken = CALENDAR.at(-92, files.TAKEN)
    used = [at for record in records if (at := getattr(record, "last_used_at", None))]
    assert used
    assert max(used) < taken


def test_recordings_are_read_to_their_end_in_all_versions() -> None:
    versions: Counter[int] = Counter()
    for script in casts.scripts():
        content = casts.recording(script, CALENDAR)
        assert content == casts.recording(script, CALENDAR)
        reading = formats.read(BytesIO(content))
        assert isinstance(reading, Reading)
        shown = "".join(event.data for event in reading if event.code == "o")
        summary = reading.finish()
        versions[reading.header.version] += 1
        assert not summary.warnings
        assert all(line[2:] in shown for line in script.body if line.startswith("> "))
    assert len(casts.scripts()) == 14
    assert set(versions) == {1, 2, 3}


def test_quarters_follow_the_calendar() -> None:
    january = Calendar(datetime(2027, 1, 12, tzinfo=UTC))
    assert (CALENDAR.quarter, CALENDAR.quarter_before) == ("Q3", "Q2")
    assert (january.quarter, january.quarter_before) == ("Q4", "Q3")
