"""Steps 9 and 10: a pack that outlives the portal, and the log of everything."""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from playwright.sync_api import expect

from tests.stories import files
from tests.stories.browsing import Person
from tests.stories.recording import Sessions
from tests.stories.theatre import Theatre

BUILD = Path(__file__).resolve().parents[2] / "build"
RECORDINGS = (files.RECORDING_V1, files.RECORDING_V2, files.RECORDING_V3)


def export_packs(theatre: Theatre, code: str, sessions: Sessions) -> None:
    """One pack at once, one with recordings after a second person's release; both checked offline."""
    ines, farid = theatre["Ines Falk"], theatre["Farid Azimi"]
    first = build(ines, code)
    check_offline(_fetch(theatre, ines, first), with_recordings=False)
    ines.look("pack")

    second = ask_for_recordings(ines, code)
    release(farid, second)
    ines.go(f"/packs/{second}/")
    path = _fetch(theatre, ines, second)
    folder = check_offline(path, with_recordings=True)
    text = "\n".join(one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file())
    assert sessions.samir in text
    BUILD.mkdir(exist_ok=True)
    for old in BUILD.glob("CAM-*.zip"):
        old.unlink()
    shutil.copy(path, BUILD / path.name)
    ines.go("/packs/")
    ines.look("packs")


def build(ines: Person, code: str) -> str:
    """Ask for a pack of the campaign; gives its code."""
    ines.go(f"/campaigns/{code}/")
    ines.press("Evidence pack")
    ines.look("new-pack")
    ines.press("Build the pack")
    return _code(ines)


def ask_for_recordings(ines: Person, code: str) -> str:
    """A reason is needed, and somebody else's answer."""
    ines.go(f"/campaigns/{code}/packs/new/")
    ines.page.get_by_label("With the recordings themselves").check()
    ines.page.get_by_label("Why the recordings must leave").fill("The external auditor samples two sessions.")
    ines.press("Build the pack")
    ines.reads("Waits for a second person")
    pack = _code(ines)
    expect(ines.page.get_by_role("button", name="Release them")).to_have_count(0)
    ines.look("pack-waits-for-release")
    return pack


def release(farid: Person, pack: str) -> None:
    """Four eyes."""
    farid.go("/approvals/")
    farid.look("approvals")
    farid.go(f"/packs/{pack}/")
    farid.page.get_by_label("Remark").fill("Two sessions, no personal data on screen.")
    farid.press("Release them")
    farid.is_told("Your answer is recorded.")


def check_offline(path: Path, *, with_recordings: bool) -> Path:
    """With nothing but the file: the bag is valid, the digests agree, and one changed byte is found."""
    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)
    bag = next(found.parent for found in folder.rglob("bagit.txt"))
    assert _validate(bag) == 0
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "manifest-sha256.txt"], cwd=bag, check=False, capture_output=True
    )
    assert sums.returncode == 0, sums.stdout + sums.stderr
    originals = {digest(path) for path in RECORDINGS}
    inside = {digest(one) for one in bag.rglob("*") if one.is_file()}
    assert originals & inside == (originals if with_recordings else set())
    victim = max((bag / "data").rglob("*"), key=lambda one: one.stat().st_size if one.is_file() else 0)
    whole = victim.read_bytes()
    victim.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert _validate(bag) != 0
    victim.write_bytes(whole)
    assert _validate(bag) == 0
    return bag


def browse_trail(theatre: Theatre) -> None:
    """Every step of the story stands in the log, and can be found again."""
    ines = theatre["Ines Falk"]
    ines.go("/trail/")
    ines.look("audit-trail")
    for verb in (
        "import.applied",
        "account.linked",
        "owner.named",
        "campaign.launched",
        "decision.recorded",
        "decision.withdrawn",
        "signoff.given",
        "recording.accepted",
        "recording.watched",
        "revocation.reported",
        "revocation.verified",
        "offboarding.closed",
        "sign_in.ended",
        "pack.downloaded",
    ):
        ines.go(f"/trail/?verb={verb}")
        expect(ines.page.locator("main tbody tr").first).to_contain_text(verb)
    ines.go("/trail/")
    ines.page.get_by_label("Who").fill("Tomas")
    ines.page.get_by_label("Verb").select_option("decision.recorded")
    ines.press("Show")
    expect(ines.page.locator("main tbody tr").first).to_contain_text("Tomas Brandt")
    ines.look("audit-trail-filtered")
    ines.page.locator("main tbody tr").first.get_by_role("link").first.click()
    ines.look("audit-event")


def _fetch(theatre: Theatre, ines: Person, pack: str) -> Path:
    """Wait for it while its progress shows, then download it."""
    link = ines.page.get_by_role("link", name=re.compile("Download"))
    ines.reload_until(link, within=60)
    with ines.page.expect_download() as loading:
        link.click()
    path = theatre.folder / f"{pack}.zip"
    loading.value.save_as(path)
    return path


def digest(path: Path) -> str:
    """SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _validate(bag: Path) -> int:
    command = Path(sys.executable).with_name("bagit.py")
    found = subprocess.run(
        [sys.executable, command, "--validate", "--quiet", bag], check=False, capture_output=True
    )
    return found.returncode


def _code(person: Person) -> str:
    return person.page.url.rstrip("/").rpartition("/")[2]
