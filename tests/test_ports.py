"""Ports: one answer per key, and ARCHITECTURE.md lists what the code has."""

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.ports import holdings, last_sessions, recorded, reviewed, settle, timeline, worked_as
from portal.ports import Port
from portal.users.ports import identity_by_email, reasons_to_see

PAGE = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text()


def listed(port: str) -> list[str]:
    """The last cell of a port's row."""
    row = re.search(rf"^\| `{re.escape(port)}` \|.*\| (.*) \|$", PAGE, re.MULTILINE)
    assert row, f"ARCHITECTURE.md has no row for {port}"
    return sorted(key.strip() for key in row[1].split("·"))


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("holdings", holdings),
        ("settle", settle),
        ("identity_by_email", identity_by_email),
        ("last_sessions", last_sessions),
        ("recorded", recorded),
        ("reviewed", reviewed),
        ("timeline", timeline),
        ("worked_as", worked_as),
    ],
)
def test_the_page_lists_every_answer(name: str, port: Port[..., object]) -> None:
    assert listed(name) == port.keys


def test_the_page_lists_why_rows_may_be_seen() -> None:
    answered = {model: keys for model, keys in reasons_to_see.all().items() if keys}
    for model, keys in answered.items():
        assert listed(f"reasons_to_see[{model}]") == keys


def test_everything_held_can_be_settled() -> None:
    assert holdings.keys == settle.keys


def test_a_port_has_one_answer_per_key_in_a_fixed_order() -> None:
    port: Port[[int], int] = Port("test")
    port.answered_by("b")(lambda value: value + 1)
    port.answered_by("a")(lambda value: value)
    assert list(port.ask(1).items()) == [("a", 1), ("b", 2)]
    with pytest.raises(ImproperlyConfigured, match="two answers called “a”"):
        port.answered_by("a")(lambda value: value)
