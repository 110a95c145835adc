"""The command in a process of its own: no settings, no database, any folder, any user."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from portal.testing import CHECKOUT
from tests.inspection.asking import DATA, file, inspect


def run(*arguments: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with nothing in its environment."""
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), "inspect", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        **more,
    )


def test_it_needs_no_settings_and_no_folder_of_its_own(tmp_path: Path) -> None:
    file(tmp_path, b"account,name\n" + b"".join(b"a%d,%s\n" % (n, b"x" * 150) for n in range(20_000)))
    done = run("export.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)
    assert (one["path"], one["accounts"]) == ("export.csv", 20_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv"]


def test_somebody_else_may_run_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may run it as somebody else")
    for folder in (CHECKOUT, *CHECKOUT.parents, *Path(sys.executable).resolve().parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            pytest.skip(f"others may not enter {folder.name}")
    big = DATA / "connectors"
    done = run(str(big), "--json", cwd=Path("/"), user=65534, group=65534, extra_groups=[])
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) >= 5


def test_wrong_usage_ends_with_two(tmp_path: Path) -> None:
    assert run(cwd=tmp_path).returncode == 2
    assert run("--shoe", ".", cwd=tmp_path).returncode == 2
    told = run("--help", cwd=tmp_path)
    assert told.returncode == 0
    for word in ("identities", "active_keys", "rejected", "Exit status"):
        assert word in told.stdout


def test_something_unread_ends_with_one_and_valid_json(tmp_path: Path) -> None:
    done = run(".", "nowhere", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert [one["format"] for one in json.loads(done.stdout)] == [None, None]
    assert "2 of 2 could not be read." in done.stderr


def test_no_database_is_asked(tmp_path: Path) -> None:
    file(tmp_path, b"account\nann\n")
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        assert inspect(tmp_path)[0]["accounts"] == 1
