"""Reports for people: a line of numbers each, and below what is wrong, was left out, or is to know."""

import unicodedata
from collections.abc import Iterator, Sequence

from portal.inspection.reports import Report

SHOWN = 20  # rejected rows of one file; --json lists more
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
_WHY = {
    "secret_name": "named like a secret",
    "secret_value": "held a secret",
    "unmapped": "not needed",
    "ragged_row": "another number of cells than the header",
    "comment": "a remark",
}
_UNSAID = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls a terminal, or turns the line around


def table(reports: Sequence[Report], formats: str) -> Iterator[str]:
    """Lines to print; `formats` is the sentence that names them, said once if it is needed."""
    width = max([len("format"), *(len(one.format or "–") for one in reports)])
    yield "  ".join([*(title for _, title in _COLUMNS), f"{'format':{width}}", "file"])
    for one in reports:
        numbers = [f"{getattr(one, name) if one.format else '–':>{len(title)}}" for name, title in _COLUMNS]
        yield "  ".join([*numbers, f"{one.format or '–':{width}}", plain(one.path)])
    for one in reports:
        if told := list(_told(one, formats)):
            yield ""
            yield plain(one.path)
            yield from (f"  {plain(line)}" for line in told)
    if any(formats in one.problems for one in reports):
        yield ""
        yield formats


def _told(one: Report, formats: str) -> Iterator[str]:
    yield from (f"! {problem}" for problem in one.problems if problem != formats)
    for row in one.rejected[:SHOWN]:
        yield f"  line {row['line']:,}: {row['reason']}"
    if one.rejected_count > SHOWN:
        yield f"  … and {one.rejected_count - SHOWN:,} more; --json lists them"
    for cut in one.cut:
        count = f", {cut['count']:,}×" if cut["count"] else ""
        yield f"cut: {cut['name']} ({_WHY.get(cut['why'], cut['why'])}{count})"
    yield from (f"note: {note}" for note in one.notes)


def plain(said: str) -> str:
    """Text that can't steer a terminal: control characters and the like are written out."""
    return "".join(
        letter if unicodedata.category(letter) not in _UNSAID else letter.encode("unicode_escape").decode()
        for letter in said
    )
