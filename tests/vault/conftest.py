"""A vault of each test's own."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def data(tmp_path: Path, settings: Settings) -> Path:
    """The folder that the portal keeps its files in."""
    settings.PORTAL_DATA = tmp_path
    return tmp_path


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
