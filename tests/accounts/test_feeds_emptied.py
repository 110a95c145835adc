"""What the inbox put away is deleted after its days, and nothing else is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts import feeding
from accounts.models import Source
from accounts.services import feeds
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.factories import readings

CORE = b"account,entitlement\nann,reader\n"


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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def put_away(folder: Path, source: Source, at: datetime) -> None:
    """One file that was received and one that was refused."""
    for name, data in (("good.csv", CORE), ("bad.csv", b"\x89PNG\r\n"), ("bad.csv.done", b"")):
        (folder / name).write_bytes(data)
    feeding.take(source.pk, at)


@pytest.mark.django_db
def test_what_was_put_away_is_deleted_after_its_days(
    core: Source, folder: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PORTAL_INBOX_KEEP_DAYS = 30
    now = datetime.now(UTC) + timedelta(minutes=1)
    put_away(folder, core, now)
    (folder / "done" / "kept by somebody.csv").write_text("not ours")
    (folder / "done" / "20200101T000000-no moment.csv").write_text("not ours either")
    feeds.empty_inboxes(now + timedelta(days=29))
    assert (len(names(folder / "done")), len(names(folder / "refused"))) == (3, 3)
    assert not Event.objects.filter(verb=Verb.INBOX_EMPTIED).exists()
    feeds.empty_inboxes(now + timedelta(days=31))
    assert names(folder / "done") == ["20200101T000000-no moment.csv", "kept by somebody.csv"]
    assert names(folder / "refused") == []
    event = Event.objects.about(core).get(verb=Verb.INBOX_EMPTIED)
    assert (event.facts["done"], event.facts["refused"]) == (1, 1)
    feeds.empty_inboxes(now + timedelta(days=32))
    assert Event.objects.filter(verb=Verb.INBOX_EMPTIED).count() == 1


@pytest.mark.django_db
def test_a_refused_folder_goes_whole_and_no_link_is_followed(
    core: Source, folder: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.PORTAL_INBOX_KEEP_DAYS = 1
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("stays")
    (folder / "deep").mkdir()
    (folder / "deep" / "file.csv").write_bytes(CORE)
    (folder / "link.csv").symlink_to(outside / "precious.txt")
    (folder / "deep" / "out").symlink_to(outside)
    now = datetime.now(UTC) + timedelta(minutes=1)
    feeding.take(core.pk, now)
    assert len(names(folder / "refused")) == 4  # each with its text
    feeds.empty_inboxes(now + timedelta(days=2))
    assert names(folder / "refused") == []
    assert (outside / "precious.txt").read_text() == "stays"


@pytest.mark.django_db
def test_nothing_is_deleted_where_nothing_is_set_or_the_folder_leads_elsewhere(
    core: Source, folder: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.PORTAL_INBOX_KEEP_DAYS = 0
    now = datetime.now(UTC) + timedelta(minutes=1)
    put_away(folder, core, now)
    feeds.empty_inboxes(now + timedelta(days=4000))
    assert len(names(folder / "done")) == 1
    settings.PORTAL_INBOX_KEEP_DAYS = 1
    (folder / "done").rename(tmp_path / "moved")
    (folder / "done").symlink_to(tmp_path / "moved")
    feeds.empty_inboxes(now + timedelta(days=4000))
    assert len(names(tmp_path / "moved")) == 1
    assert not Event.objects.filter(verb=Verb.INBOX_EMPTIED).exists()
