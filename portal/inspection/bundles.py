"""Which files are one recording together: asked of the formats that are several files.

The files of one folder are asked about at once; of those that are left, the ones whose names are the same up
to their first dot. Files that a format has no use for are left to be looked at by themselves. Of paths that
were given one by one, those that their folders leave over are asked about as well.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from portal.inspection.inputs import Input, NotOpened, opened, shown
from sessions_app.formats import fields
from sessions_app.formats.events import NotReadable
from sessions_app.formats.format import BundleFormat
from sessions_app.formats.lines import DEFAULT_LIMITS
from sessions_app.formats.parts import Part, common_folder
from sessions_app.formats.registry import BUNDLES, FEW_PARTS

EXTRA = "extra_file"  # the notice of a format about a file that it has no use for
NAME_SHOWN = 100  # characters of a name in it


class Bundles:
    """Asks the formats of the registry."""

    def of(self, files: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of two and more that are one recording each."""
        found: list[tuple[str, ...]] = []
        left: list[str] = []
        by_folder = sorted(files, key=_folder)
        for _, some in groupby(by_folder, _folder):
            left += _found_in(list(some), found)
        if len({_folder(path) for path in left}) > 1:
            _take(left, found)
        place = {path: number for number, path in enumerate(files)}
        return [tuple(sorted(group, key=place.__getitem__)) for group in found]

    def is_whole(self, files: Sequence[str]) -> bool:
        """Whether one recording has a use for every one of the files."""
        return len(files) > 1 and len(_members(files, most=None)) == len(files)


@contextmanager
def parts_of(files: Sequence[str]) -> Iterator[list[Part]]:
    """The files as parts of one recording, by their names below the folder that all lie in."""
    with ExitStack() as stack:
        parts = [Part(shown(path).lstrip("/"), partial(_opened, path, stack)) for path in files]
        folder = common_folder(parts)
        yield [Part(part.name.removeprefix(folder), part.open) for part in parts]


def _opened(path: str, stack: ExitStack) -> BinaryIO:
    try:
        return stack.enter_context(opened(Input(path), settings.PORTAL_UPLOAD_LIMIT))
    except NotOpened as reason:
        raise NotOpened(f"{Path(shown(path)).name}: {reason}") from None


def _folder(path: str) -> str:
    return str(Path(path).parent)


def _stem(path: str) -> str:
    return Path(path).name.partition(".")[0]


def _found_in(files: list[str], found: list[tuple[str, ...]]) -> list[str]:
    """Add the recordings among the files of one folder; what is left."""
    left = _take(files, found)
    by_stem = sorted(left, key=_stem)
    for _, some in groupby(by_stem, _stem):
        same = list(some)
        rest = _take(same, found)
        left = [path for path in left if path not in same or path in rest]
    return left


def _take(files: list[str], found: list[tuple[str, ...]]) -> list[str]:
    """Ask about all of them at once, again and again while there is a recording; what is left."""
    while members := _members(files):
        found.append(members)
        files = [path for path in files if path not in members]
    return files


def _members(files: Sequence[str], most: int | None = FEW_PARTS) -> tuple[str, ...]:
    """Those of the files that are a recording together; none where no format says so."""
    if len(files) < 2 or (most is not None and len(files) > most):
        return ()
    try:
        with parts_of(files) as parts:
            of_names = dict(zip((part.name for part in parts), files, strict=True))
            return tuple(of_names[part.name] for part in _used(parts))
    except Exception:  # noqa: BLE001  # looked at one by one, each file says what is wrong with it
        return ()


def _used(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts that the first format that claims them has a use for."""
    heads = {part.name: part.head() for part in parts[:FEW_PARTS]}
    bundle = next((one for one in BUNDLES if one.recognises(heads)), None)
    while bundle is not None and (extra := _extra(bundle, parts)):
        parts = [part for part in parts if part.name not in extra]
    return parts if bundle is not None and len(parts) > 1 else ()


def _extra(bundle: BundleFormat, parts: Sequence[Part]) -> set[str]:
    """Names that stand in notices about files of no use; of more than a few only the first are told."""
    try:
        told = bundle.read({part.name: part for part in parts}, DEFAULT_LIMITS).summary().warnings
    except NotReadable:
        return set()  # whoever reads it says why
    names = sorted((part.name for part in parts), key=len, reverse=True)
    endings = [(name, f" {fields.clean(name, NAME_SHOWN)}.") for name in names]
    reasons = [notice.reason for notice in told if notice.code == EXTRA]
    return {
        found
        for reason in reasons
        if (found := next((name for name, ending in endings if reason.endswith(ending)), None))
    }
