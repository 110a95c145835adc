"""Asking `manage.py inspect` in this process."""

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from portal.testing import CHECKOUT

DATA = CHECKOUT / "tests" / "data"
SAMPLES = CHECKOUT.parent / "shared" / "samples"


def inspect(*paths: Path | str, exit_code: int = 0) -> list[dict[str, Any]]:
    """What `--json` says, and that it ends as expected."""
    out = io.StringIO()
    found = 0
    try:
        call_command("inspect", *map(str, paths), "--json", stdout=out)
    except CommandError as error:
        found = error.returncode
    assert found == exit_code, out.getvalue()
    told: list[dict[str, Any]] = json.loads(out.getvalue())
    return told


def table(*paths: Path | str) -> str:
    """What people see."""
    out = io.StringIO()
    try:
        call_command("inspect", *map(str, paths), stdout=out)
    except CommandError as error:
        out.write(f"\n{error}")
    return out.getvalue()


def counts(one: dict[str, Any]) -> tuple[int, ...]:
    """Its numbers, in their order."""
    names = ("identities", "accounts", "entitlements", "grants", "credentials", "active_keys", "inclusions")
    return tuple(one[name] for name in names)


def file(folder: Path, data: bytes, name: str = "export.csv") -> Path:
    """A file to ask about."""
    (folder / name).write_bytes(data)
    return folder / name
