"""Files laid into the folder of a source are taken when they are complete; whatever is no file is refused."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts import feeding
from accounts.feeding import signing
from accounts.models import ImportRun, Source
from accounts.services import feeds
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.factories import readings

CORE = b"account,entitlement\nann,reader\n"
SECRET = "s" * 20 + "igned-by-the-system"


@pytest.fixture
def inbox(settings: Settings, tmp_path: Path) -> Path:
    settings.PORTAL_INBOX = str(tmp_path / "inbox")
    settings.PORTAL_INBOX_SETTLE_SECONDS = 0
    return tmp_path / "inbox"


@pytest.fixture
def core(db: None, inbox: Path) -> Source:
    made = readings.source(readings.system())
    return feeds.edit(
        made,
        every_hours=24,
        inbox="core",
        pull=None,
        applies_by_itself=False,
        version=None,
        by=readings.iam(),
    )


@pytest.fixture
def folder(core: Source, inbox: Path) -> Path:
    (inbox / "core").mkdir(parents=True)
    return inbox / "core"


def take(source: Source, at: datetime | None = None) -> list[ImportRun]:
    feeding.take(source.pk, at or datetime.now(UTC))
    return list(ImportRun.objects.order_by("id"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def why(folder: Path) -> str:
    """The text beside what was refused last."""
    (text,) = (folder / "refused").glob("*.txt")
    return text.read_text()


def test_a_file_is_taken_by_the_clock_and_read(core: Source, folder: Path) -> None:
    (folder / "core.csv").write_bytes(CORE)
    assert feeds.look_into_inboxes(timezone.now()) == 1
    drain()
    run = ImportRun.objects.get()
    assert (run.state, run.provenance, run.file_name) == (
        ImportRun.State.PREVIEWED,
        ImportRun.Provenance.INBOX,
        "core.csv",
    )
    assert (run.received_by_id, run.taken_at) == (None, None)
    event = Event.objects.about(run).get(verb=Verb.IMPORT_RECEIVED)
    assert event.actor_kind == "portal"
    assert [name.partition("-")[2] for name in names(folder / "done")] == ["core.csv"]
    assert feeds.look_into_inboxes(timezone.now()) == 0


def test_a_file_that_changed_a_moment_ago_is_left_to_grow(
    core: Source, folder: Path, settings: Settings
) -> None:
    settings.PORTAL_INBOX_SETTLE_SECONDS = 60
    (folder / "core.csv").write_bytes(CORE)
    now = datetime.now(UTC)
    assert not feeding.waits(core, now)
    assert take(core, now) == []
    assert names(folder) == ["core.csv"]
    assert len(take(core, now + timedelta(seconds=70))) == 1


def test_an_old_date_set_by_hand_makes_no_file_complete(
    core: Source, folder: Path, settings: Settings
) -> None:
    settings.PORTAL_INBOX_SETTLE_SECONDS = 60
    (folder / "core.csv").write_bytes(CORE)
    os.utime(folder / "core.csv", (0, 0))
    assert take(core, datetime.now(UTC)) == []


def test_a_slip_says_that_it_is_complete_and_what_it_is(
    core: Source, folder: Path, settings: Settings
) -> None:
    settings.PORTAL_INBOX_SETTLE_SECONDS = 60
    (folder / "core.csv").write_bytes(CORE)
    slip = {
        "taken_at": "2026-03-02T06:00:00Z",
        "count": 1,
        "filter": "all",
        "sha256": hashlib.sha256(CORE).hexdigest(),
    }
    (folder / "core.csv.done").write_text(json.dumps(slip))
    (run,) = take(core, datetime.now(UTC))
    assert run.taken_at == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert (run.source_count, run.filter_text) == (1, "all")
    assert len(names(folder / "done")) == 2
    assert names(folder) == ["done"]


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ("no", "neither empty nor a JSON object"),
        ("[1]", "neither empty nor a JSON object"),
        ('{"what": "x"}', "neither empty nor a JSON object"),
        ('{"count": {"a": 1}}', "neither empty nor a JSON object"),
        ('{"taken_at": "yesterday"}', "with its zone"),
        ('{"taken_at": "2026-03-02T06:00:00"}', "with its zone"),
        ('{"taken_at": "2999-03-02T06:00:00Z"}', "in the past"),
        ('{"count": "-1"}', "whole number"),
        ('{"sha256": "00"}', "not whole"),
        ("[" * 60_000, "neither empty nor a JSON object"),
    ],
)
def test_a_slip_that_says_nothing_clear_keeps_the_file_out(
    core: Source, folder: Path, slip: str, words: str
) -> None:
    (folder / "core.csv").write_bytes(CORE)
    (folder / "core.csv.done").write_text(slip)
    assert take(core) == []
    assert words in why(folder)


def test_a_signed_slip_makes_the_file_the_systems_own(
    core: Source, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PUSH_CORE_SECRET", SECRET)
    claim = signing.Claim(hashlib.sha256(CORE).hexdigest(), "2026-03-02T06:00:00Z", "1", "all")
    slip = {
        "taken_at": claim.taken_at,
        "count": "1",
        "filter": "all",
        "signature": signing.signature(SECRET, "core", claim),
    }
    (folder / "core.csv").write_bytes(CORE)
    (folder / "core.csv.done").write_text(json.dumps(slip))
    (run,) = take(core)
    assert run.provenance == ImportRun.Provenance.SIGNED
    for changed in ({"count": "2"}, {"filter": "some"}, {"taken_at": "2026-03-03T06:00:00Z"}):
        (folder / "core.csv").write_bytes(CORE)
        (folder / "core.csv.done").write_text(json.dumps(slip | changed))
        assert len(take(core)) == 1
    (folder / "core.csv").write_bytes(CORE + b"bob,root\n")
    (folder / "core.csv.done").write_text(json.dumps(slip))
    assert len(take(core)) == 1


def test_a_source_that_signs_takes_nothing_unsigned(
    core: Source, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_PUSH_CORE_SECRET", SECRET)
    (folder / "core.csv").write_bytes(CORE)
    assert take(core) == []
    assert "signature is missing" in why(folder)
    assert SECRET not in why(folder)


def test_an_original_that_held_a_secret_is_not_left_lying(core: Source, folder: Path) -> None:
    (folder / "core.csv").write_bytes(b"account,password\nann,hunter2-in-clear\n")
    (run,) = take(core)
    (receipt,) = (folder / "done").iterdir()
    assert str(run.pk) in receipt.read_text()
    assert "password" in receipt.read_text()
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"hunter2-in-clear" not in everything


def test_what_can_not_be_read_is_refused_with_the_reason_beside_it(core: Source, folder: Path) -> None:
    (folder / "core.csv").write_bytes(b"\x89PNG\r\n")
    assert take(core) == []
    assert "not a text file" in why(folder)
    assert len(names(folder / "refused")) == 2
    assert names(folder) == ["refused"]


def test_files_come_in_the_order_of_their_age_and_names_never_collide(core: Source, folder: Path) -> None:
    for number, name in enumerate(["b.csv", "a.csv"]):
        (folder / name).write_bytes(CORE)
        os.utime(folder / name, (number, number))
    assert [run.file_name for run in take(core)] == ["b.csv", "a.csv"]
    (folder / "a.csv").write_bytes(CORE)
    assert len(take(core)) == 3
    at = datetime.now(UTC) + timedelta(minutes=1)
    for _ in range(2):  # refused at the same second under the same name
        (folder / "a.csv").write_bytes(b"")
        take(core, at)
    assert len(names(folder / "refused")) == 4


def test_links_pipes_and_folders_are_no_files(core: Source, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_bytes(CORE)
    (folder / "link.csv").symlink_to(outside)
    (folder / "dangling.csv").symlink_to(tmp_path / "nowhere")
    os.link(outside, folder / "second-name.csv")
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()
    assert take(core) == []
    assert outside.read_bytes() == CORE
    assert names(folder) == ["refused"]
    assert len(list((folder / "refused").glob("*.txt"))) == 5


def test_a_slip_that_is_a_link_is_not_followed(core: Source, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text('{"count": "1"}')
    (folder / "core.csv").write_bytes(CORE)
    (folder / "core.csv.done").symlink_to(outside)
    assert take(core) == []
    assert outside.exists()


@pytest.mark.parametrize(
    "name",
    [
        b"two\nlines.csv",
        b"bell\x07.csv",
        b"\xff\xfe.csv",
        "right\u202eto-left.csv".encode(),
        b"back\\slash.csv",
        b"x" * 200,
    ],
)
def test_odd_names_are_refused_and_written_nowhere(core: Source, folder: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(CORE)
    assert take(core) == []
    assert "Its name" in why(folder)
    assert all(put.partition("-")[2].startswith("unnamed-") for put in names(folder / "refused"))


@pytest.mark.parametrize(
    "name", [".hidden.csv", "~core.csv", "core.csv.part", "core.csv.TMP", "core.csv.filepart"]
)
def test_what_is_still_being_written_is_left_alone(core: Source, folder: Path, name: str) -> None:
    (folder / name).write_bytes(CORE)
    assert take(core) == []
    assert names(folder) == [name]


def test_a_huge_file_is_refused_by_its_size(core: Source, folder: Path, settings: Settings) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 1000
    with (folder / "core.csv").open("wb") as file:
        file.truncate(10**12)  # a hole: it takes no space and is never read
    assert take(core) == []
    assert "larger than the limit" in why(folder)


def test_a_folder_that_is_a_link_is_not_looked_into(core: Source, inbox: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "core.csv").write_bytes(CORE)
    inbox.mkdir()
    (inbox / "core").symlink_to(tmp_path / "elsewhere")
    assert not feeding.waits(core, datetime.now(UTC))
    assert not ImportRun.objects.exists()


def test_a_folder_done_that_is_a_link_receives_nothing(core: Source, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "refused").symlink_to(tmp_path / "elsewhere")
    (folder / "core.csv").write_bytes(b"")
    with pytest.raises(OSError, match=r".+"):
        take(core)
    assert names(tmp_path / "elsewhere") == []


def test_a_file_that_changes_while_it_is_read_is_no_reading(
    core: Source, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "core.csv").write_bytes(CORE)
    monkeypatch.setattr("accounts.feeding.folder.Opened.has_changed", property(lambda _opened: True))
    assert take(core) == []
    assert names(folder) == ["core.csv"]


def test_a_file_that_was_received_and_not_put_away_is_not_received_again(
    core: Source, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "core.csv").write_bytes(CORE)
    with monkeypatch.context() as killed:
        killed.setattr("accounts.feeding.folder.Folder.settle", lambda *_args, **_rest: None)
        assert len(take(core)) == 1
    assert names(folder) == ["core.csv"]
    assert len(take(core)) == 1
    assert len(names(folder / "done")) == 1
    (folder / "core.csv").write_bytes(CORE)  # the same once more, on purpose
    assert len(take(core)) == 2


def test_folders_of_other_sources_stay_apart(core: Source, folder: Path, inbox: Path) -> None:
    (inbox / "other").mkdir()
    (inbox / "other" / "core.csv").write_bytes(CORE)
    assert take(core) == []
    assert feeds.look_into_inboxes(datetime.now(UTC)) == 0


def test_without_the_setting_there_is_no_inbox(core: Source, folder: Path, settings: Settings) -> None:
    (folder / "core.csv").write_bytes(CORE)
    settings.PORTAL_INBOX = ""
    assert feeds.look_into_inboxes(datetime.now(UTC)) == 0
    assert take(core) == []


def test_one_worker_at_a_time_takes_from_a_folder(
    committed_db: object, settings: Settings, tmp_path: Path
) -> None:
    settings.PORTAL_INBOX, settings.PORTAL_INBOX_SETTLE_SECONDS = str(tmp_path), 0
    source = readings.source(readings.system())
    Source.objects.filter(pk=source.pk).update(inbox="core")
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "core.csv").write_bytes(CORE)

    def take_elsewhere() -> list[object]:
        try:
            return list(feeding.take(source.pk, datetime.now(UTC)))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            Source.objects.select_for_update(no_key=True).get(pk=source.pk)
            assert other.submit(take_elsewhere).result(timeout=30) == []
        assert len(other.submit(take_elsewhere).result(timeout=30)) == 1
    assert ImportRun.objects.count() == 1
