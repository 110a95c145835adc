"""The marks that shells and line editors print around their prompts, and the lines that some of them tell."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sessions_app.formats.commands.found import Method

LONGEST_CARRIED = 16 * 1024

MARK = re.compile(
    r"""\x1b(?:
        \[\?(?P<modes>[0-9;]{1,64})(?P<set>[hl])
        |\](?P<code>133|633);(?P<payload>[^\x07\x1b]*)(?:\x07|\x1b\\)
        |(?P<reset>c)
    )""",
    re.VERBOSE,
)
_BEGUN = re.compile(
    r"\x1b(?:\[(?:\?[0-9;]{0,64})?|\](?:[16]|13|63|133|633)?|\](?:133|633);[^\x07\x1b]*\x1b?)?\Z"
)
_OPEN_END = frozenset("\x1b[]?;0123456789")
_CONTROL = re.compile(
    r"""\x1b(?:
        \[[0-?]*[\ -/]*[@-~]
        |\[[0-?]*\Z
        |\][^\x07\x1b]*(?:\x07|\x1b\\|\Z)
        |[()*+][0-9A-Z]
        |[=>78]
    )|[\x00-\x08\x0e-\x1f\x7f]""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(\\))")


def visible(text: str) -> str:
    """Output without what is not shown, as far as that can be told without a screen."""
    return _CONTROL.sub("", text)


@dataclass(frozen=True, slots=True)
class Told:
    """A line that the shell says it runs."""

    text: str
    method: Method


def cut(data: str) -> tuple[str, str]:
    """The output up to a mark that has only begun, and that beginning."""
    start = data.rfind("\x1b", max(0, len(data) - LONGEST_CARRIED))
    if start < 0 or (data[-1] not in _OPEN_END and data[start + 1] != "]"):
        return data, ""
    if start > 0 and data[start:] == "\x1b":  # may end a string that began before
        start = max(data.rfind("\x1b]", max(0, len(data) - LONGEST_CARRIED)), 0) or start
    for begin in (start, len(data) - 1):
        if _BEGUN.match(data, begin):
            return data[:begin], data[begin:]
    return data, ""


def told(code: str, payload: str) -> Told | None:
    """The line in OSC 633;E (Visual Studio Code), or in OSC 133;C with `cmdline_url` (kitty, fish)."""
    kind, _, rest = payload.partition(";")
    if code == "633" and kind == "E":
        return Told(_unescaped(rest.partition(";")[0]), "osc633")
    if kind == "C":
        for field in rest.split(";"):
            name, _, value = field.partition("=")
            if name == "cmdline_url":
                return Told(unquote(value, errors="replace"), "osc133")
    return None


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\\" if found[2] else chr(int(found[1], 16)), text)
