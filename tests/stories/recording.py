"""Step 5: recordings of three versions come in, by hand and by token, and replay for those who may watch."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.stories import files
from tests.stories.browsing import Person
from tests.stories.theatre import MIKAEL, Theatre

NOTICE = {
    "Purpose": "Evidence of administrative work on the ledger.",
    "Legal basis": "Art. 6(1)(f) GDPR, legitimate interest",
    "Notice": "What you type and see in this session is recorded.",
    "Impact assessment": "DPIA-2026-07",
    "Agreement": "BV-2026-03",
    "Countries": "DE, SE",
    "Kept for, in days": "365",
}


@dataclass(frozen=True)
class Sessions:
    """The codes of the sessions, and the account of each."""

    dana: str  # version 1, by hand
    samir: str  # version 2, by hand
    dana_recorded: str  # version 3, by the recorder's token


def record_sessions(theatre: Theatre) -> Sessions:
    """A recorder is connected, three recordings come in, one is watched."""
    token = connect_recorder(theatre[MIKAEL])
    farid = theatre["Farid Azimi"]
    first = _upload(farid, files.RECORDING_V1, "dkovac", days_ago=3)
    farid.look("session-of-a-person")
    second = _upload(farid, files.RECORDING_V2, "sh-admin", days_ago=2)
    third = deliver_by_token(theatre, token)
    refuse_wrong_token(theatre, token)
    watch(farid, second)
    farid.go("/sessions/")
    expect(farid.page.locator("main tbody tr")).to_have_count(3)
    farid.look("sessions")
    return Sessions(dana=first, samir=second, dana_recorded=third)


def connect_recorder(mikael: Person) -> str:
    """With its notice record; its token is shown once."""
    mikael.go("/recorders/new/")
    page = mikael.page
    page.get_by_label("Short code").fill("rec-jump")
    page.get_by_label("Name", exact=True).fill("Recorder of the jump host")
    page.get_by_label("Machine identity").select_option(label="rec-jump")
    page.get_by_role("group", name="Systems").get_by_label("CORE").check()
    page.get_by_label("From").fill(_field(datetime.now(UTC) - timedelta(days=60)))
    for label, words in NOTICE.items():
        page.get_by_label(label, exact=True).fill(words)
    mikael.look("connect-a-recorder")
    mikael.press("Connect")
    mikael.is_told("Connected.")
    mikael.look("recorder")

    mikael.go("/tokens/")
    page.get_by_label("Machine").select_option(
        label=_first_option(mikael, "Machine", "Recorder of the jump host")
    )
    page.get_by_label("What it is for").fill("deliveries of the jump host")
    page.get_by_label("deliver recordings").check()
    mikael.press("Issue")
    expect(page.locator("#secret")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    mikael.go("/tokens/")
    assert secret not in page.content()
    mikael.look("tokens")
    return secret


def deliver_by_token(theatre: Theatre, token: str) -> str:
    """The recorder sends version 3; the same bytes twice are one recording."""
    told = _deliver(theatre, token, files.RECORDING_V3)
    body = told.json()
    assert told.status == 201, body
    assert body["sha256"] == hashlib.sha256(files.RECORDING_V3.read_bytes()).hexdigest()
    again = _deliver(theatre, token, files.RECORDING_V3)
    assert (again.status, again.json()["session"]) == (200, body["session"])
    code: str = body["session"]
    farid = theatre["Farid Azimi"]
    farid.go(f"/sessions/{code}/")
    farid.reload_until(
        farid.page.locator("main")
        .get_by_text("LEDGER_ADMIN")
        .or_(farid.page.locator("main").get_by_text("DB_ROOT")),
        within=30,
    )
    farid.look("session-of-a-recorder")
    return code


def refuse_wrong_token(theatre: Theatre, token: str) -> None:
    """A token that is none, and a file that is none."""
    assert _deliver(theatre, "gp_wrong", files.RECORDING_V3).status == 401
    bad = theatre.folder / "not-a-recording.cast"
    bad.write_text("hello\n")
    refused = _deliver(theatre, token, bad)
    assert refused.status == 422
    assert refused.json()["error"]


def watch(farid: Person, code: str) -> None:
    """Only with a purpose; then the player shows what was on the screen."""
    farid.go(f"/sessions/{code}/")
    assert farid.page.locator(".player").count() == 0
    farid.page.get_by_label("What do you watch it for?").fill("Check of the index repair in ticket CHG-2214")
    farid.press("Watch")
    screen = farid.page.locator(".player .ap-term")
    expect(screen).to_be_visible()
    farid.page.locator(".player").click()  # plays
    expect(screen).to_contain_text(re.compile("bastion|core01"))
    farid.look("replay")
    farid.page.locator("main").get_by_role("link", name="Transcript", exact=True).click()
    farid.reads("uid=0(root)")
    farid.look("transcript")


def _upload(farid: Person, path: Path, account: str, *, days_ago: int) -> str:
    """By hand; gives the code of its session once it is matched."""
    farid.go("/sessions/upload/")
    page = farid.page
    page.get_by_label("Recording", exact=True).set_input_files(path)
    page.get_by_label("System").select_option("CORE")
    page.get_by_label("Account").fill(account)
    page.get_by_label("Began at").fill(_field(datetime.now(UTC) - timedelta(days=days_ago)))
    if days_ago == 3:
        farid.look("upload-a-recording")
    farid.press("Upload")
    farid.reads("What was governed before it began")
    code = page.url.rstrip("/").rpartition("/")[2]
    farid.reload_until(page.locator("main .chain li.yes").filter(has_text="Which grant"), within=30)
    farid.reads(hashlib.sha256(path.read_bytes()).hexdigest())
    return code


def _deliver(theatre: Theatre, token: str, path: Path) -> Any:
    """As a recorder does it, without a browser's cookies."""
    began = datetime.now(UTC) - timedelta(days=1)
    return theatre.api.post(
        "/api/recordings/",
        headers={"Authorization": f"Bearer {token}"},
        multipart={
            "file": {"name": path.name, "mimeType": "application/x-asciicast", "buffer": path.read_bytes()},
            "system": "CORE",
            "account": "dkovac",
            "started_at": began.replace(microsecond=0, second=0).isoformat(),
            "session": "jump-000017",
        },
    )


def _first_option(person: Person, label: str, words: str) -> str:
    options = person.page.get_by_label(label).locator("option").filter(has_text=words)
    return options.first.inner_text()


def _field(at: datetime) -> str:
    """A field of a date and time, in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"
