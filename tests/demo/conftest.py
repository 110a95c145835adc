"""A portal that is a demonstration."""

import pytest
from pytest_django import Settings


@pytest.fixture
def as_demo(settings: Settings) -> None:
    """PORTAL_DEMO=1."""
    settings.DEMO = True
