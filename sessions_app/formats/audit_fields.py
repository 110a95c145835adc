"""Lines of the Linux audit log as fields: kernel and user space write values in several ways.

A quoted value stands as it is; one that could be misread (blanks, quotes, controls) is unquoted
hexadecimal. Messages of programs are a line of fields of their own between single quotes. What auditd adds
to a line to explain it (`log_format=ENRICHED`) follows a group separator in capitals. (Linux audit field
dictionary.)
"""

import re
from dataclasses import dataclass, field

from sessions_app.formats import fields

LINE = re.compile(
    r"(?:.{0,120}?\s)??(?:node=(?P<node>\S{1,255}) )?type=(?P<type>[A-Z_0-9\[\]]{1,40}) "
    r"msg=audit\((?P<seconds>[0-9]{1,12})\.(?P<milliseconds>[0-9]{1,3}):(?P<serial>[0-9]{1,12})\): ?"
)
INTERPRETED = re.compile(rb"type=[A-Z_0-9]{1,40} msg=audit\([0-9/.]{6,10} [0-9:.]{8,14}:[0-9]{1,12}\)")
UNSET = frozenset({"4294967295", "-1", "unset", "?", "(none)", "(null)", ""})

_FIELD = re.compile(
    r"(?<![\w.\-])([A-Za-z_][\w.\-]{0,60}(?:\[[0-9]{1,6}\])?)=(\"[^\"]*\"|'[^']*'?|[^\s'\"]+)?"
)
_OPERATION = re.compile(r"\bop=([^=]{1,100}) [\w-]{1,60}=")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,1000000}")
_ENCODED = frozenset(
    {"acct", "cmd", "comm", "cwd", "dir", "exe", "grp", "key", "name", "ocomm", "path", "proctitle"}
)


@dataclass(frozen=True, slots=True)
class Record:
    """One line: its type, its own fields, those of its message, and the names that auditd adds."""

    line: int
    type: str
    own: dict[str, str]
    told: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    is_denial: bool = False

    def get(self, name: str) -> str | None:
        """A field of the line, else of its message; None where it is not set."""
        value = self.own.get(name, self.told.get(name))
        return None if value is None or value.strip('"') in UNSET else value

    def text(self, name: str) -> str | None:
        """As `get`, decoded where the field may be, and safe to show."""
        value = self.get(name)
        if value is None:
            return None
        value = decoded(value) if name in _ENCODED else value.strip("\"'")
        return fields.clean(value) or None


def record(number: int, kind: str, rest: str) -> Record:
    """The fields of a line behind its moment; of a field that stands twice the first one counts."""
    body, _, names = rest.partition("\x1d")
    own, _, message = body.partition("msg='")
    told = _pairs(message.rstrip().removesuffix("'"))
    # Messages of old programs close with a bracket and part with commas.
    told = {name: value if value[:1] == '"' else value.rstrip(",)") for name, value in told.items()}
    if operation := _OPERATION.search(message):  # of several words
        told["op"] = operation[1]
    return Record(number, kind, _pairs(own), told, _pairs(names), kind == "AVC" and " denied " in own)


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        found.setdefault(name, value)
    return found


def decoded(value: str) -> str:
    """A value that may be quoted, or hexadecimal because it could not be quoted."""
    if value[:1] in ('"', "'"):
        return value.strip(value[0])
    return unhexed(value).decode("utf-8", "replace") if _HEX.fullmatch(value) else value


def unhexed(value: str) -> bytes:
    """Bytes of a hexadecimal value; none for anything else."""
    return bytes.fromhex(value) if _HEX.fullmatch(value) else b""
