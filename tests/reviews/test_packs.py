"""Evidence packs: built by a task, checked offline by other people's tools, released by a second person."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import bagit
import pytest
from django.conf import settings
from django.urls import reverse

from accounts.models import Identity, ImportRun
from portal import moment
from portal.audit import canonical, merkle
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault import services as vault
from portal.vault.models import Blob
from reviews.models import Campaign, EvidencePack, leaf
from reviews.services import decisions, packs
from reviews.tasks.packs import build_pack
from tests.conftest import As
from tests.factories import reviews as factory
from tests.factories.people import People
from tests.factories.sessions import sealed_session

pytestmark = pytest.mark.django_db

CAST = b'{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "hello"]\n'


@pytest.fixture
def campaign(people: People) -> Campaign:
    bank = factory.bank(people)
    blob = vault.keep([b"account,entitlement\n"], limit=1000)
    ImportRun.objects.filter(pk=bank.reading.pk).update(blob=blob)
    right = bank.right("=cmd|' /C calc'!A0", plain_words="")
    grant = bank.grant(bank.hire("Dana Kovac"), right)
    bank.grant(bank.hire("Alex Berg"), right)
    sealed_session(grant, CAST, text="hello")
    made = bank.launched()
    item = factory.item_of(made, grant)
    decisions.record(item, verdict="revoke", reason="left the team", ordinal=0, by=people.tomas)
    return made


def built(campaign: Campaign, people: People, **options: object) -> EvidencePack:
    pack = packs.request(campaign, by=people.ines, **({"with_recordings": False} | options))  # type: ignore[arg-type]
    drain()
    pack.refresh_from_db()
    return pack


def unpacked(pack: EvidencePack, folder: Path) -> Path:
    assert pack.blob is not None
    with zipfile.ZipFile(vault.open_verified(pack.blob)) as archive:
        archive.extractall(folder)
    return folder / pack.code


def lines(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "data" / name).read_text().splitlines()]


def test_other_peoples_tools_find_it_whole(campaign: Campaign, people: People, tmp_path: Path) -> None:
    pack = built(campaign, people)
    assert (pack.state, pack.error) == ("ready", "")
    folder = unpacked(pack, tmp_path)
    assert bagit.Bag(str(folder)).validate()
    checked = subprocess.run(["sha256sum", "-c", "--quiet", "manifest-sha256.txt"], cwd=folder, check=False)
    assert checked.returncode == 0
    validated = subprocess.run([sys.executable, bagit.__file__, "--validate", str(folder)], check=False)
    assert validated.returncode == 0


def test_one_changed_byte_is_found(campaign: Campaign, people: People, tmp_path: Path) -> None:
    folder = unpacked(built(campaign, people), tmp_path)
    victim = folder / "data" / "2-review" / "decisions.jsonl"
    changed = bytearray(victim.read_bytes())
    changed[10] ^= 1
    victim.write_bytes(changed)
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


def test_it_holds_what_an_auditor_performs_again(campaign: Campaign, people: People, tmp_path: Path) -> None:
    folder = unpacked(built(campaign, people), tmp_path)
    items = lines(folder, "1-population/items.jsonl")
    assert [item["number"] for item in items] == list(range(1, campaign.item_count + 1))
    leaves = [bytes.fromhex(str(item["leaf"])) for item in items]
    assert lines(folder, "campaign.json")[0]["population_root"] == merkle.root(leaves).hex()
    assert [rebuilt(item, campaign.code) for item in items] == leaves
    decision = lines(folder, "2-review/decisions.jsonl")[0]
    shown = {row["digest"]: row["body"] for row in lines(folder, "2-review/shown.jsonl")}
    assert decision["shown"] in shown
    link = lines(folder, "2-review/evidence-links.jsonl")[0]
    session = lines(folder, "6-sessions/sessions.jsonl")[0]
    assert link["session_id"] == session["id"]
    assert link["sha256"] == session["recordings"][0]["sha256"]  # type: ignore[index]
    assert lines(folder, "3-after/removals.jsonl")[0]["state"] == "decided"
    assert [file.read_text() for file in (folder / "data/6-sessions/transcripts").iterdir()] == ["hello"]
    assert not (folder / "data/6-sessions/recordings").exists()
    readings = list((folder / "data/1-population/readings").iterdir())
    assert [file.read_bytes() for file in readings] == [b"account,entitlement\n"]


def rebuilt(item: dict[str, object], code: str) -> bytes:
    """The leaf hash from a line of items.jsonl alone, as docs/evidence-format.md says."""
    renamed = {"account": "account_card", "entitlement": "entitlement_card", "subject": "subject_card"}
    facts = {key: item.get(renamed.get(key, key)) for key in leaf.ITEM}
    return merkle.leaf_hash(canonical.encode(facts | {"campaign": code, "v": 1}))


def test_events_and_cards_can_be_hashed_again(campaign: Campaign, people: People, tmp_path: Path) -> None:
    folder = unpacked(built(campaign, people), tmp_path)
    events = lines(folder, "7-log/events.jsonl")
    assert "campaign.launched" in {event["verb"] for event in events}
    cards = lines(folder, "7-log/cards.jsonl")
    assert cards
    for row, digest in [
        *((event, event["commitment"]) for event in events),
        *((card, card["digest"]) for card in cards),
    ]:
        body, salt = str(row["body"]).encode(), bytes.fromhex(str(row["salt"]))
        assert canonical.commit(body, salt).hex() == digest


def test_spreadsheet_cells_stay_text(campaign: Campaign, people: People, tmp_path: Path) -> None:
    Identity.objects.filter(name="Dana Kovac").update(name="=HYPERLINK(1)")
    folder = unpacked(built(campaign, people), tmp_path)
    text = (folder / "data/4-people/people.csv").read_text()
    cells = [row["name"] for row in csv.DictReader(io.StringIO(text))]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_the_summary_shows_names_and_escapes_them(campaign: Campaign, people: People, tmp_path: Path) -> None:
    folder = unpacked(built(campaign, people), tmp_path)
    page = (folder / "data/README.html").read_text()
    assert "Dana Kovac" in page
    assert "<script" not in page


def test_recordings_leave_only_after_a_second_persons_release(
    campaign: Campaign, people: People, as_: As, tmp_path: Path
) -> None:
    pack = built(campaign, people, with_recordings=True, reason="sampled item 1")
    assert pack.state == "requested"
    url = reverse("pack_release", args=[pack.code])
    link = f'<a href="{reverse("pack", args=[pack.code])}">{pack.code}</a>'
    for who in (people.ines, people.farid):
        assert link in as_(who).get(reverse("approval_list")).text
    assert as_(people.ines).post(url, {"verdict": "granted"}).status_code == 422
    assert as_(people.farid).get(reverse("pack", args=[pack.code])).status_code == 200
    assert as_(people.farid).post(url, {"verdict": "granted", "remark": "ok"}).status_code == 302
    # He reads what he released; its page is not for him any more.
    answered = as_(people.farid).get(reverse("approval_list")).text
    assert pack.code in answered
    assert link not in answered
    drain()
    pack.refresh_from_db()
    folder = unpacked(pack, tmp_path)
    assert [file.read_bytes() for file in (folder / "data/6-sessions/recordings").iterdir()] == [CAST]
    assert bagit.Bag(str(folder)).validate()
    assert Event.objects.about(pack).filter(verb=Verb.RECORDING_RELEASED).exists()


def test_a_refused_release_ends_it(campaign: Campaign, people: People, as_: As) -> None:
    pack = built(campaign, people, with_recordings=True, reason="curious")
    as_(people.farid).post(
        reverse("pack_release", args=[pack.code]), {"verdict": "refused", "remark": "no sample"}
    )
    drain()
    pack.refresh_from_db()
    assert pack.state == "failed"
    assert "no sample" in pack.error


def test_an_altered_recording_stops_the_pack(campaign: Campaign, people: People, as_: As) -> None:
    pack = built(campaign, people, with_recordings=True, reason="sampled")
    blob = Blob.objects.get(sha256=hashlib.sha256(CAST).digest())
    stored = next(Path(settings.PORTAL_DATA).rglob(blob.hexdigest))
    stored.chmod(0o600)
    stored.write_bytes(CAST.replace(b"hello", b"hullo"))
    as_(people.farid).post(reverse("pack_release", args=[pack.code]), {"verdict": "granted"})
    drain(raising=False)
    pack.refresh_from_db()
    assert pack.state == "failed"
    assert pack.error


def test_asking_building_and_fetching_are_recorded(campaign: Campaign, people: People, as_: As) -> None:
    client = as_(people.ines)
    asked = client.post(reverse("pack_new", args=[campaign.code]), {"reason": ""})
    drain()
    pack = EvidencePack.objects.get()
    assert asked["Location"] == reverse("pack", args=[pack.code])
    response = client.get(reverse("pack_file", args=[pack.code]))
    assert response["Content-Disposition"] == f'attachment; filename="{pack.code}.zip"'
    assert hashlib.sha256(b"".join(response)).hexdigest() == pack.sha256
    verbs = list(Event.objects.about(pack).order_by("id").values_list("verb", flat=True))
    assert verbs == [Verb.PACK_REQUESTED, Verb.PACK_BUILT, Verb.PACK_DOWNLOADED]


def test_building_twice_is_building_once(campaign: Campaign, people: People) -> None:
    pack = built(campaign, people)
    build_pack.func(str(pack.pk))
    assert Event.objects.about(pack).filter(verb=Verb.PACK_BUILT).count() == 1


def test_a_draft_has_no_pack(people: People, as_: As) -> None:
    draft = factory.bank(people).campaign()
    response = as_(people.ines).post(reverse("pack_new", args=[draft.code]), {"reason": ""})
    assert "launch" in response.text
    assert not EvidencePack.objects.exists()


def test_an_auditor_fetches_what_is_shared_until_it_ends(campaign: Campaign, people: People, as_: As) -> None:
    pack = built(campaign, people)
    url = reverse("pack_file", args=[pack.code])
    assert as_(people.elena).get(url).status_code == 404
    form = {"user": people.elena.pk, "until": f"{moment.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"}
    assert as_(people.ines).post(reverse("pack_share", args=[pack.code]), form).status_code == 302
    assert as_(people.elena).get(url).status_code == 200
    assert as_(people.elena).post(reverse("pack_share", args=[pack.code]), form).status_code == 403
    pack_share = pack.packshare_set.get()
    type(pack_share).objects.filter(pk=pack_share.pk).update(until=moment.now())
    assert as_(people.elena).get(url).status_code == 404


@pytest.mark.parametrize("who", ["tomas", "ruth", "mikael", "aiko", "farid", "elena", "omar"])
def test_outsiders_find_no_pack(campaign: Campaign, people: People, as_: As, who: str) -> None:
    pack = built(campaign, people)
    client = as_(people.by_role[who])
    assert client.get(reverse("pack", args=[pack.code])).status_code == 404
    assert client.get(reverse("pack_file", args=[pack.code])).status_code == 404
