"""A pack says who had what when its campaign was launched, by what was known then."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Grant, ImportRun
from portal import moment
from portal.tasks.testing import drain
from portal.vault import services as vault
from reviews.models import Campaign
from reviews.services import packs
from tests.factories import inventory
from tests.factories import reviews as factory
from tests.factories.people import People
from tests.factories.reviews import Bank

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def bank(people: People) -> Bank:
    made = factory.bank(people)
    blob = vault.keep([b"account,entitlement\n"], limit=1000)
    ImportRun.objects.filter(pk=made.reading.pk).update(blob=blob)
    return made


def file_of(campaign: Campaign, people: People, name: str) -> str:
    pack = packs.request(campaign, with_recordings=False, by=people.ines)
    drain()
    pack.refresh_from_db()
    assert (pack.state, pack.error) == ("ready", "")
    assert pack.blob is not None
    with zipfile.ZipFile(vault.open_verified(pack.blob)) as archive:
        assert f"data/{name}" in archive.read(f"{pack.code}/manifest-sha256.txt").decode()
        return archive.read(f"{pack.code}/data/{name}").decode()


def rows(campaign: Campaign, people: People) -> list[dict[str, object]]:
    return [json.loads(line) for line in file_of(campaign, people, "1-population/as-of.jsonl").splitlines()]


def test_inherited_rights_stand_in_it_with_their_way(bank: Bank, people: People) -> None:
    ops = bank.right("Nested Ops", kind="group", privileged=None)
    inventory.inclusion(ops, bank.right("Domain Admins", kind="group"))
    grant = bank.grant(bank.hire("Dana Kovac"), ops)
    elsewhere = inventory.system()
    inventory.grant(inventory.account(elsewhere), inventory.entitlement(elsewhere))
    found = rows(bank.launched(), people)
    assert [(row["entitlement"], row["through"], row["grant_id"]) for row in found] == [
        ("Nested Ops", [], grant.pk), ("Domain Admins", ["Nested Ops"], grant.pk)
    ]  # fmt: skip
    assert found[1]["is_privileged"] is True
    assert len(found[1]["way"]) == 2  # type: ignore[arg-type]


def test_what_was_learned_after_the_launch_changes_nothing(bank: Bank, people: People) -> None:
    stays = bank.grant(bank.hire("Dana Kovac"))
    campaign = bank.launched()
    before = rows(campaign, people)
    late = inventory.run(bank.reading.source, moment.now() - 2 * HOUR)
    ImportRun.objects.filter(pk=late.pk).update(applied_at=moment.now() + HOUR)
    Grant.objects.filter(pk=stays.pk).update(
        held=DateTimeTZRange(stays.held.lower, moment.now() - 2 * HOUR), known_to_run=late
    )
    inventory.grant(stays.account, bank.right("Given Before, Known Later"), known_from_run=late)
    assert rows(campaign, people) == before
    assert [row["grant_id"] for row in before] == [stays.pk]


def test_spreadsheets_get_the_same_rows_and_nothing_that_runs(bank: Bank, people: People) -> None:
    bank.grant(bank.hire("Dana Kovac"), bank.right("=cmd|' /C calc'!A0"))
    campaign = bank.launched()
    table = list(csv.DictReader(io.StringIO(file_of(campaign, people, "1-population/as-of.csv"))))
    assert [row["entitlement"] for row in table] == ["'=cmd|' /C calc'!A0"]
    assert len(table) == len(rows(campaign, people))
