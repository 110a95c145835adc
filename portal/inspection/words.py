"""Reports for people: a line each, and below what is wrong, was left out, was typed, or is to know."""

import unicodedata
from collections.abc import Iterator, Sequence

from portal.inspection.reports import InventoryReport, RecordingReport, Report

SHOWN = 20  # rejected rows, commands and gaps of one file; --json lists more
_COLUMNS = (
    ("identities", "identities"),
    ("accounts", "accounts"),
    ("entitlements", "rights"),
    ("grants", "grants"),
    ("credentials", "credentials"),
    ("active_keys", "active keys"),
    ("inclusions", "inclusions"),
    ("rejected_count", "rejected"),
)
_OF_RECORDINGS = (
    *("seconds", "size", "output", "input", "commands", "gaps", "sessions", "begun", "user", "host"),
    *("format", "file"),
)
_NUMBERS = 7  # columns of it that are set right
_WHY = {
    "secret_name": "named like a secret",
    "secret_value": "held a secret",
    "unmapped": "not needed",
    "ragged_row": "another number of cells than the header",
    "comment": "a remark",
}
_UNSAID = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls a terminal, or turns the line around
_WIDEST = 40


def table(reports: Sequence[Report], formats: str) -> Iterator[str]:
    """Lines to print; `formats` is the sentence that names them, said once if it is needed."""
    inventory = [one for one in reports if isinstance(one, InventoryReport)]
    recordings = [one for one in reports if isinstance(one, RecordingReport)]
    if inventory:
        yield from _inventory(inventory)
    if inventory and recordings:
        yield ""
    if recordings:
        yield from _recordings(recordings)
    for one in reports:
        if told := list(_told(one, formats)):
            yield ""
            yield plain(one.path)
            yield from (f"  {plain(line)}" for line in told)
    if any(formats in one.problems for one in reports):
        yield ""
        yield formats


def _inventory(reports: Sequence[InventoryReport]) -> Iterator[str]:
    width = max([len("format"), *(len(one.format or "–") for one in reports)])
    yield "  ".join([*(title for _, title in _COLUMNS), f"{'format':{width}}", "file"])
    for one in reports:
        numbers = [f"{getattr(one, name) if one.format else '–':>{len(title)}}" for name, title in _COLUMNS]
        yield "  ".join([*numbers, f"{one.format or '–':{width}}", plain(one.path)])


def _recordings(reports: Sequence[RecordingReport]) -> Iterator[str]:
    rows = [_OF_RECORDINGS, *(_row(one) for one in reports)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_OF_RECORDINGS) - 1)]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if place < _NUMBERS else f"{cell:{width}}"
            for place, (cell, width) in enumerate(zip(row[:-1], widths, strict=True))
        ]
        yield "  ".join([*cells, row[-1]])


def _row(one: RecordingReport) -> tuple[str, ...]:
    is_read = one.format is not None
    who = " as ".join(name for name in (one.user, one.run_as) if name)
    cells = (
        _seconds(one.duration_s),
        f"{one.cols}x{one.rows}" if one.cols and one.rows else "",
        f"{one.output_events:,}" if one.output_events is not None else "",
        f"{one.input_events:,}" if one.input_events is not None else "",
        f"{len(one.commands):,}" if is_read else "",
        f"{len(one.gaps):,}" if is_read else "",
        f"{one.sessions:,}" if one.sessions is not None else "",
        f"{one.started_at:%Y-%m-%d %H:%M:%S}Z" if one.started_at else "",
        _short(who),
        _short(one.host or ""),
        one.format or "",
    )
    files = f" ({len(one.paths)} files)" if one.paths else ""
    return (*(cell or "–" for cell in cells), plain(one.path) + files)


def _told(one: Report, formats: str) -> Iterator[str]:
    yield from (f"! {problem}" for problem in one.problems if problem != formats)
    if isinstance(one, InventoryReport):
        yield from _told_of_inventory(one)
    elif isinstance(one, RecordingReport):
        yield from _told_of_recording(one)


def _told_of_inventory(one: InventoryReport) -> Iterator[str]:
    for row in one.rejected[:SHOWN]:
        yield f"  line {row['line']:,}: {row['reason']}"
    yield from _more(one.rejected_count)
    for cut in one.cut:
        count = f", {cut['count']:,}×" if cut["count"] else ""
        yield f"cut: {cut['name']} ({_WHY.get(cut['why'], cut['why'])}{count})"
    yield from (f"note: {note}" for note in one.notes)


def _told_of_recording(one: RecordingReport) -> Iterator[str]:
    for gap in one.gaps[:SHOWN]:
        yield f"gap at {_seconds(gap['at_s']) or '–'} s: {gap['reason']}"
    yield from _more(len(one.gaps))
    for command in one.commands[:SHOWN]:
        given_up = ", given up" if command["aborted"] else ""
        how = f"{command['method']}, {command['confidence']}{given_up}"
        yield f"{_seconds(command['at_s']) or '–':>10}  {command['text']}  [{how}]"
    yield from _more(len(one.commands))


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"  … and {count - SHOWN:,} more; --json lists them"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.1f}"


def _short(said: str) -> str:
    said = plain(said)
    return said if len(said) <= _WIDEST else f"{said[: _WIDEST - 1]}…"


def plain(said: str) -> str:
    """Text that can't steer a terminal: control characters and the like are written out."""
    return "".join(
        letter if unicodedata.category(letter) not in _UNSAID else letter.encode("unicode_escape").decode()
        for letter in said
    )
