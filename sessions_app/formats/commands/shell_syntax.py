"""Whether a shell would ask for another line: quotes, here-documents, and constructs that are still open.

Enough to tell a continuation from a new command, not a parser: where both are possible, the prompt decides.
"""

import re

_WORD = re.compile(r"[^\s;&|()<>\"'`\\#]+|#")
_HEREDOC = re.compile(r"<<(-?)\s*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.-]+))")
_OPENERS = {"if": "fi", "case": "esac", "do": "done", "{": "}"}
_HEADS = frozenset({"for", "while", "until", "select"})
# Words after which a command may begin, so that the next word can be a keyword.
_BEFORE_COMMAND = frozenset({"then", "else", "elif", "do", "if", "while", "until", "!", "{"})
_AWAITING_DO = "…do"
_LONGEST = 64 * 1024


def is_incomplete(text: str) -> bool:
    """Whether this text, run as it stands, leaves a shell waiting for more."""
    text = text[:_LONGEST]
    body, is_waiting = _without_heredocs(text)
    return is_waiting or _Scan(body).is_open()


def _without_heredocs(text: str) -> tuple[str, bool]:
    """The text without the bodies of its here-documents; whether one of them has no end."""
    kept: list[str] = []
    waiting: list[tuple[str, bool]] = []
    for line in text.split("\n"):
        if waiting:
            delimiter, is_indented = waiting[0]
            if (line.lstrip("\t") if is_indented else line).rstrip() == delimiter:
                waiting.pop(0)
            continue
        kept.append(line)
        for found in _HEREDOC.finditer(line):
            is_string = line[found.start() : found.start() + 3] == "<<<" or line[: found.start()].endswith(
                "<"
            )
            is_shift = "((" in line[: found.start()]
            if not is_string and not is_shift and not _is_quoted(line, found.start()):
                waiting.append((found[2] or found[3] or found[4], bool(found[1])))
    return "\n".join(kept), bool(waiting)


def _is_quoted(line: str, position: int) -> bool:
    before = re.sub(r"\\.", "", line[:position])
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1


class _Scan:
    """One walk over the text, keeping what was opened."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[str] = []
        self._can_begin = True
        self._ends_open = False

    def is_open(self) -> bool:
        position, text = 0, self._text
        while position < len(text):
            character = text[position]
            if character == "\\":
                if position + 1 >= len(text):
                    return True
                position += 2
                self._ends_open = self._can_begin = False
            elif character in "\"'`":
                end = self._closing(position)
                if end is None:
                    return True
                position = end + 1
                self._ends_open = self._can_begin = False
            else:
                position = self._plain(position, character)
        return bool(self._open) or self._ends_open

    def _closing(self, position: int) -> int | None:
        """Where the quote that opens here is closed."""
        quote = self._text[position]
        index = position + 1
        while index < len(self._text):
            if self._text[index] == "\\" and quote != "'":
                index += 1
            elif self._text[index] == quote:
                return index
            index += 1
        return None

    def _plain(self, position: int, character: str) -> int:
        if character in " \t":
            return position + 1
        if character in "\n;":
            self._can_begin = True
            self._ends_open = self._ends_open and character == "\n"
            return position + 1
        if character in "&|":
            is_double = self._text[position : position + 2] == character * 2
            self._ends_open = character == "|" or is_double
            self._can_begin = True
            return position + (2 if is_double else 1)
        if character in "()":
            if character == "(":
                self._open.append(")")
            elif self._open and self._open[-1] == ")":
                self._open.pop()
            # A function's body follows its "()".
            is_function = self._text[position - 1 : position + 1] == "()"
            self._can_begin, self._ends_open = character == "(" or is_function, False
            return position + 1
        return self._word(position)

    def _word(self, position: int) -> int:
        found = _WORD.match(self._text, position)
        if found is None:
            self._ends_open = False
            return position + 1
        word = found[0]
        if word == "#":
            is_comment = position == 0 or self._text[position - 1].isspace()
            end = self._text.find("\n", position) if is_comment else position + 1
            return end if end >= 0 else len(self._text)
        self._ends_open = False
        if self._open and word == self._open[-1] and (self._can_begin or word in {"}", "esac"}):
            self._open.pop()
            self._can_begin = False
        elif self._can_begin and word in _HEADS:
            self._open.append(_AWAITING_DO)
            self._can_begin = word in _BEFORE_COMMAND
        elif self._can_begin and word == "do" and self._open and self._open[-1] == _AWAITING_DO:
            self._open[-1] = "done"
        elif self._can_begin and word in _OPENERS and word != "do":
            self._open.append(_OPENERS[word])
            self._can_begin = word in _BEFORE_COMMAND
        else:
            self._can_begin = self._can_begin and word in _BEFORE_COMMAND
        return found.end()
