"""Stories are played in a real browser against a portal that runs as it would at an organisation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.testing.databases import CommittedDatabase
from tests.stories.browsing import NAMES, chromium
from tests.stories.theatre import Theatre, opening


@pytest.fixture
def browser_path() -> str:
    """The browser of this machine; none is ever downloaded."""
    if (found := chromium()) is None:
        pytest.skip(f"the stories need a browser and none of {', '.join(NAMES)} is on this machine")
    return found


@pytest.fixture
def theatre(browser_path: str, committed_db: CommittedDatabase, tmp_path: Path) -> Iterator[Theatre]:
    """A portal without anything in it but its administrator."""
    with opening(committed_db, tmp_path, browser_path) as opened:
        yield opened
