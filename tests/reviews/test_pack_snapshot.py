"""A pack of a running campaign shows one moment: people go on deciding while it is written."""

import json
import threading
import zipfile

import pytest
from django.db import connection

from portal import moment
from portal.vault import services as vault
from reviews.models import Decision, EvidencePack
from reviews.packs import manifest
from reviews.services import decisions
from reviews.tasks.packs import build_pack
from tests.factories import people as factory
from tests.factories import reviews as bank_factory


def test_what_is_decided_meanwhile_is_in_no_file(
    committed_db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = factory.everybody()
    bank = bank_factory.bank(people)
    inventory_blob = vault.keep([b"account\n"], limit=100)
    type(bank.reading).objects.filter(pk=bank.reading.pk).update(blob=inventory_blob)
    grant = bank.grant(bank.hire("Dana Kovac"))
    campaign = bank.launched()
    pack = EvidencePack.objects.create(
        code=f"{campaign.code}-P1",
        campaign=campaign,
        state_at=moment.now(),
        requested_at=moment.now(),
        requested_by_id=people.ines.pk,
    )
    written, decided = manifest._items, list[bool]()

    def decide_meanwhile() -> None:
        item = bank_factory.item_of(campaign, grant)
        decisions.record(item, verdict="certify", ordinal=0, by=people.tomas)
        connection.close()

    def items_then_a_decision(*args: object) -> object:
        yield from written(*args)  # type: ignore[arg-type]
        if not decided:  # the same rows are written a second time, as CSV
            decided.append(True)
            deciding = threading.Thread(target=decide_meanwhile)
            deciding.start()
            deciding.join()

    monkeypatch.setattr(manifest, "_items", items_then_a_decision)
    build_pack.func(str(pack.pk))
    pack.refresh_from_db()
    assert (pack.state, pack.error) == ("ready", "")
    assert pack.blob is not None
    with zipfile.ZipFile(vault.open_verified(pack.blob)) as archive:
        decisions_file = archive.read(f"{pack.code}/data/2-review/decisions.jsonl")
        items = archive.read(f"{pack.code}/data/1-population/items.jsonl")
    assert decisions_file == b""
    assert Decision.objects.count() == 1
    assert [json.loads(line)["verdict"] for line in items.splitlines()] == [""]
