"""Secrets of feeds: named in the environment after their source, read when they are needed, kept nowhere."""

import os
from collections.abc import Iterable
from pathlib import Path

from accounts.models import Source

PULL, PUSH = "PORTAL_PULL", "PORTAL_PUSH"
LONGEST = 256 * 1024  # bytes of a file; an authority's certificates may be many


def prefix(kind: str, source: Source) -> str:
    """How the names begin: `PORTAL_PULL_PAY_AWS_` for the source that is called `pay-aws` there."""
    return f"{kind}_{source.inbox.upper().replace('-', '_')}_"


def secret(name: str) -> str:
    """The variable, or what the file named by NAME_FILE holds; a token that is renewed there is read anew."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            with Path(path).open("rb") as file:
                return file.read(LONGEST).decode(errors="replace").strip()
        except OSError:
            return ""
    return os.environ.get(name, "").strip()


def secrets(kind: str, source: Source, names: Iterable[str]) -> dict[str, str]:
    """All of these that are set. A source without a name in the environment has none."""
    if not source.inbox:
        return {}
    begin = prefix(kind, source)
    return {name: value for name in names if (value := secret(f"{begin}{name}"))}
