"""Cutting secrets out of a sudoers file: remarks go, passwords in arguments are masked."""

import re

from accounts.connectors import text
from accounts.connectors.connector import Cut, Kept, Options, Sink
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.sudoers.syntax import remark_at
from accounts.connectors.text import LINE_LIMIT, Readable

LIMIT = 16 * 2**20  # bytes; the largest sudoers files have some thousand lines
MASK = "withheld"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
# The tags PASSWD: and NOPASSWD: are no names of arguments, whose colon would stand behind a backslash.
_ARGUMENT = re.compile(
    r"(?i)((?:^|[\s,])(?!(?:NO)?PASSWD[ \t]*:)"
    r"(?:--?(?:password|passwd|pass|pwd|token|secret|api-?key)|[A-Z_]*(?:PASSWORD|PASSWD|TOKEN|SECRET))"
    r"(?:\\?[=:]|[ \t]+))([^\s,*?\[\\][^\s,]*)"
)
_MYSQL = re.compile(r"(\b(?:mysql|mariadb)[\w-]*[ \t](?:[^,\n]{0,300}?[ \t])?-p)([^\s,*?\[]+)")


def admit_sudoers(stream: Readable, mapping: Options, sink: Sink) -> Kept:
    """Write the file without remarks and passwords; one that holds no statement at all is refused."""
    whole = "".join(text.chunks(_Limited(stream), mapping.get("encoding")))
    remarks = masked = withheld = 0
    before = ""
    written: list[str] = []
    for number, line in enumerate(_LINE.findall(whole), 1):
        if len(line) > LINE_LIMIT:
            raise Unreadable(
                "line_too_long",
                f"Line {number} is longer than {LINE_LIMIT:,} characters; no line of a sudoers file is.",
                number,
            )
        said = line.rstrip("\r\n")
        end = line[len(said) :]
        at = remark_at(said, before)
        if at is not None:
            remarks += bool(said[at:].strip("# \t"))
            said = said[:at] + "#"
        clean, count = _masked(said)
        masked += count
        if holds_secret(clean) or holds_secret(clean.replace("\\", "")):
            withheld += 1
            clean = f"({MASK})" + ("\\" if clean.endswith("\\") else "")
        # Of the statement so far only its last character matters, to tell a remark from a number.
        before = (before + clean[:-1]).rstrip()[-1:] if clean.endswith("\\") and at is None else ""
        written.append(clean + end)
    if not any(line.strip(" \t\r\n#") for line in written):
        raise Unreadable(
            "no_rules", "The file holds no statement, only remarks. Check that it is the sudoers file.", 1
        )
    sink("".join(written).encode())
    cuts = (
        Cut("remark", "comment", remarks),
        Cut("argument", "secret_value", masked),
        Cut("line", "secret_value", withheld),
    )
    return Kept(len(written), tuple(cut for cut in cuts if cut.count))


def _masked(said: str) -> tuple[str, int]:
    first, one = _ARGUMENT.subn(rf"\g<1>{MASK}", said)
    second, two = _MYSQL.subn(rf"\g<1>{MASK}", first)
    return second, one + two


class _Limited:
    """A stream that may not be longer than the limit."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._seen = stream, 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._seen += len(data)
        if self._seen > LIMIT:
            raise Unreadable(
                "too_large",
                f"The file is larger than {LIMIT // 2**20} MiB, which no sudoers file is. Check that it is "
                "the right one.",
            )
        return data
