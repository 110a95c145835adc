"""All rows of a list as a file: what is in it, what can't run in it, and what the log says of it."""

import csv
import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from typing import Any, cast
from zipfile import ZipFile

import pytest
from django.http import StreamingHttpResponse
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import Account
from portal import exports
from portal.audit.models import Event, Payload
from portal.exports import Exported
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

LISTS = ["identity_list", "account_list", "grant_list", "credential_list", "system_list"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")']


def received(answer: Any) -> bytes:
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(cast("Iterator[bytes]", answer.streaming_content))


def as_csv(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def as_sheet(body: bytes) -> list[dict[str, object]]:
    sheet = load_workbook(io.BytesIO(body), read_only=True).active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.fixture
def fleet(people: People) -> People:
    core = inventory.system("CORE", owner=identity_of(people.aiko))
    for number in range(120):
        machine = inventory.identity(f"svc-{number:03}", kind="service" if number % 2 else "bot")
        account = inventory.account(core, machine, f"acct-{number:03}")
        inventory.grant(account, inventory.entitlement(core))
        inventory.credential(account)
    return people


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LISTS)
def test_every_row_of_the_filter_and_none_beside(fleet: People, as_: As, name: str, form: str) -> None:
    answer = as_(fleet.mikael).get(f"{reverse(name)}?export={form}")
    assert f'.{form}"' in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "no-store"
    rows = as_csv(received(answer)) if form == "csv" else as_sheet(received(answer))
    assert len(rows) == {"identity_list": 120 + 7, "system_list": 1}.get(name, 120)


@pytest.mark.django_db
def test_filter_and_order_count_and_the_page_does_not(fleet: People, as_: As) -> None:
    url = f"{reverse('identity_list')}?kind=bot&sort=-name"
    client = as_(fleet.mikael)
    following = client.get(url).context["list"].after
    rows = as_csv(received(client.get(f"{url}&after={following}&export=csv")))
    assert [row["name"] for row in rows] == [f"svc-{number:03}" for number in range(118, -1, -2)]
    assert {row["kind"] for row in rows} == {"bot"}


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_runs_as_a_formula(people: People, as_: As, text: str, form: str) -> None:
    system = inventory.system("CORE")
    account = inventory.account(system, inventory.identity(text), text, display_name=text)
    inventory.grant(account, inventory.entitlement(system, text, plain_words=text))
    inventory.credential(account, fingerprint=text)
    for name in LISTS[:4]:
        body = received(as_(people.mikael).get(f"{reverse(name)}?export={form}"))
        rows = as_csv(body) if form == "csv" else as_sheet(body)
        cells = [str(cell) for row in rows for cell in row.values() if cell]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert f"'{text}" in cells
    if form == "xlsx":
        sheet = ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_log_says_who_took_what_and_how_much(fleet: People, as_: As, form: str) -> None:
    answer = as_(fleet.mikael).get(f"{reverse('identity_list')}?kind=bot&q=svc&export={form}")
    assert not Event.objects.filter(verb="list.exported").exists()  # nothing has left
    body = received(answer)
    event = Event.objects.get(verb="list.exported")
    assert event.actor_id == str(fleet.mikael.pk)
    assert Payload.objects.get(event=event).facts == {
        "page": "identity_list",
        "format": form,
        "query": {"kind": "bot", "q": "svc"},
        "rows": 60,
        "sha256": hashlib.sha256(body).hexdigest(),
        "is_whole": True,
    }


@pytest.mark.django_db
def test_who_sees_no_row_takes_none(fleet: People, as_: As) -> None:
    for name in LISTS[1:]:
        assert as_csv(received(as_(fleet.omar).get(f"{reverse(name)}?export=csv"))) == []
    owned = as_csv(received(as_(fleet.aiko).get(f"{reverse('account_list')}?export=csv")))
    assert len(owned) == Account.objects.count()


@pytest.mark.django_db
def test_files_of_hr_hold_nothing_of_what_people_hold(fleet: People, as_: As) -> None:
    rows = as_csv(received(as_(fleet.ruth).get(f"{reverse('identity_list')}?export=csv")))
    assert "name" in rows[0]
    assert "open_findings" not in rows[0]
    assert (
        "open_findings"
        in as_csv(received(as_(fleet.mikael).get(f"{reverse('identity_list')}?export=csv")))[0]
    )


@pytest.mark.django_db
def test_unknown_is_an_empty_cell_and_yes_is_yes(people: People, as_: As) -> None:
    system = inventory.system("CORE")
    account = inventory.account(system, None, "odd", is_enabled=None)
    inventory.grant(account, inventory.entitlement(system, "known", privileged=True), since=None)
    inventory.grant(account, inventory.entitlement(system, "odd", privileged=None))
    client = as_(people.mikael)
    (row,) = as_csv(received(client.get(f"{reverse('account_list')}?export=csv")))
    assert (row["enabled"], row["identity"], row["system"]) == ("", "", "CORE")
    rows = as_csv(received(client.get(f"{reverse('grant_list')}?export=csv")))
    found = {row["right"]: (row["privileged"], row["state"], row["since"]) for row in rows}
    assert found["known"] == ("yes", "standing", "")
    assert found["odd"] == ("", "", "2024-03-12T09:00:00Z")


# --- the writer itself -----------------------------------------------------------------------------------


def many(count: int) -> Iterator[list[object]]:
    return ([number, f"name {number}", None, True] for number in range(count))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_it_is_told_once_before_the_last_piece_leaves(form: str) -> None:
    told: list[Exported] = []
    pieces = iter(exports.write(form, "x", ["a", "b", "c", "d"], many(5_000), tell=told.append))
    body = b"".join(pieces)
    assert told == [Exported(5_000, hashlib.sha256(body).hexdigest(), is_whole=True)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_of_which_nothing_can_be_told_does_not_end(form: str) -> None:
    def refuse(_found: Exported) -> None:
        raise RuntimeError("the log is down")

    taken = []
    with pytest.raises(RuntimeError, match="log is down"):
        taken += list(exports.write(form, "x", ["a", "b", "c", "d"], many(5_000), tell=refuse))
    whole = b"".join(exports.write(form, "x", ["a", "b", "c", "d"], many(5_000)))
    assert len(b"".join(taken)) < len(whole)


def test_whoever_goes_away_in_the_middle_stands_in_the_log_with_what_had_left() -> None:
    told: list[Exported] = []
    answer: Any = exports.write("csv", "x", ["a", "b", "c", "d"], many(100_000), tell=told.append)
    pieces = iter(answer.streaming_content)
    left = b"".join([next(pieces), next(pieces)])
    for close in answer._resource_closers:  # as response.close() does, which also ends the request
        close()
    (found,) = told
    assert not found.is_whole
    assert found.sha256 == hashlib.sha256(left).hexdigest()
    assert 0 < found.rows < 100_000


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_rows(form: str) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        for _piece in exports.write(form, "x", ["a", "b", "c", "d"], many(count)):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)  # what is imported and compiled once
    assert peak(8_000) < peak(1_000) + 1_000_000


def test_letters_that_a_workbook_cannot_hold_are_left_out() -> None:
    body = b"".join(exports.write("xlsx", "x", ["a"], [["a\x01b\ud800c\ufffed"]]))
    assert as_sheet(body) == [{"a": "abcd"}]
