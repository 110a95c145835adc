"""What looks like a prompt, and which prompts ask for the rest of a line that was begun."""

import re
from typing import Literal

from sessions_app.formats.commands.shell_syntax import is_incomplete

Shape = Literal["none", "weak", "strong"]

LONGEST = 300
# starship, robbyrussell, powerline, and others
_ARROWS = "\u276f\u279cλ»✗✔▶⟩\u203a\ue0b0\ue0b1"
_END = re.compile(rf"[$#%>{_ARROWS}]\s*$")
_SECRET = re.compile(r"(?i)pass(?:word|phrase|code)|\bpin\b|token|secret|verification")
_QUESTION = re.compile(r"(?i)\?|login|user ?name|[\[(]y(?:es)?/n|continue|press|enter\b|confirm|overwrite")
_STRONG = re.compile(
    rf"""[\w.+-]+@[\w.-]+.*[$#%>{_ARROWS}]\s*$        # user@host … $
    |^-?(?:ba|z|da|a|k|mk|c|tc|fi)?sh-[\d.]+[$#%]\s?$   # sh-5.2#
    |[{_ARROWS}]\s+$                                      # an arrow
    |^[└╰]─.*[$#%>]\s+$                                  # the last row of several
    |(?:^|[\s:(\[])(?:~|/)[^\s<>|]*[\])]?\s?[$#%>]\s+$  # a path
    |^\[.+\]\s?[$#%]\s+$                                  # [in brackets]$
    |^(?:PS\s)?[A-Za-z]:\\.*>\s*$                         # Windows
    """,
    re.VERBOSE,
)
_ARROW_FIRST = re.compile(r"[\u279c\u276f▶]\s+\S.*\s$")  # ➜  src git:(main)
_DOTS = re.compile(r"(?:\.\.\.|In \[\d+\]:|\s+\.\.\.:)\s$")
_WEAK = re.compile(r"[$#%>]\s+$|[\w)\]~-][#>$]$|^[$#%>]$")
_MARKUP = re.compile(r"<[^>]*>|^\s*(?:#\s*){2,}$|[0-9]%\s*$")
# The first place where a prompt may end, for rows that were never seen without what was typed.
_FIRST_END = re.compile(rf"^.{{0,200}}?[$#%>{_ARROWS}](?:\s|(?<=[\w)\]~-][#>$]))")

_INTERPRETER = re.compile(
    r"""^\s*(?:>>>|\.\.\.|In\s\[\d+\]:|irb.*>|(?:mysql|MariaDB\s\[.*\]|sqlite|sftp|ftp|redis.*|mongo.*)>
    |[\w./-]+[=^!*?'"(-][#>]|\w+\s?\(\w*\)>|[\w./:@-]*\s*->)\s*$""",
    re.VERBOSE,
)
# What zsh calls the construct that is open, what PostgreSQL's, MySQL's and Python's tools print.
_ZSH_OPEN = re.compile(
    r"^(?:(?:for|while|until|repeat|select|if|then|else|elif|case|quote|dquote|bquote|heredocd?|pipe"
    r"|cmdand|cmdor|cmdsubst|cursh|subsh|function|array|braceparam|math|cond|coproc|mathsubst|then)\s?)+>\s*$"
)
_PSQL_FIRST = re.compile(r"^(\S*?)[=^!][*!?]?[#>]\s*$")
_PSQL_MORE = re.compile(r"^(\S*?)[-'\"(*$][*!?]?[#>]\s*$")
_SQL_MORE = re.compile(r"^\s{2,}[-'\"`.]+>\s*$|^\s*\.\.\.>\s*$|^\s{2,}\.\.\.:\s*$")


def shape(text: str) -> Shape:
    """Whether text that a program left before the cursor looks like a prompt."""
    if not text or len(text) > LONGEST:
        return "none"
    if not _END.search(text):
        return "strong" if _ARROW_FIRST.match(text) else "weak" if _DOTS.match(text) else "none"
    if _STRONG.search(text):
        return "strong"
    if _SECRET.search(text):
        return "none"
    if _WEAK.search(text) and not _MARKUP.search(text):
        return "weak"
    return "none"


def might_be(text: str) -> bool:
    """Whether text that looks like no prompt could be one all the same, should it come again and again."""
    is_short = 1 < len(text) <= 80 and text[-1] == " " and text[-2] not in " ?.,"
    return is_short and not _QUESTION.search(text) and not _SECRET.search(text)


def family(text: str) -> str:
    """What stays when a prompt comes again with another directory, time or number."""
    if shape(text) == "none":
        return f"={text.strip()}"
    words = re.sub(r"[0-9]+", "0", text.strip())
    first = re.match(r"[\w.@+-]*", words)
    return f"{first[0] if first else ''}…{words[-1:]}"


def is_interpreter(prompt: str) -> bool:
    """Whether it is the prompt of a program that is no shell."""
    return bool(_INTERPRETER.match(prompt))


def split(row: str, known: list[str]) -> tuple[str, str] | None:
    """The prompt and what was typed after it, out of a row in which both stand."""
    for prompt in known:
        if row.startswith(prompt):
            return prompt, row[len(prompt) :]
        if row == prompt.rstrip():
            return row, ""
    found = _FIRST_END.match(row if row[-1:] == " " else row + " ")
    if found is None or shape(found[0]) == "none":
        return None
    return found[0], row[found.end() :]


def continues(prompt: str, before: str, text: str) -> bool:
    """Whether a prompt asks for the rest of `text`, which was typed at the prompt `before`."""
    now, first = prompt.strip(), before.strip()
    if _ZSH_OPEN.match(now):
        return not _ZSH_OPEN.match(first) or is_incomplete(text)
    if now == "..." and first == ">>>":
        return True
    if _SQL_MORE.match(prompt.rstrip() + " "):
        return True
    more, begun = _PSQL_MORE.match(now), _PSQL_FIRST.match(first)
    if more and begun:
        return more[1] == begun[1]
    if now == first:
        return False
    if now == ">":
        return is_incomplete(text)
    return len(now) <= 12 and shape(prompt) != "strong" and is_incomplete(text)
