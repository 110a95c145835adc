"""The prompts of one recording that have been answered: as text, and as the bytes that draw them."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sessions_app.formats.commands import prompts

KEPT = 6
LONGEST_RAW = 600

_SGR = r"(?:\x1b\[[0-9;]*m)"
# A whole prompt in a row, for recordings that do not tell when anything was written.
_ROW = re.compile(
    rf"""(?:(?<=\n)|\A)\r*(?P<raw>
        {_SGR}*[\[(]?{_SGR}*[\w.+-]{{1,64}}@[\w.-]{{1,64}}[^\n\r]{{0,120}}?[$\#%>]{_SGR}*\ {_SGR}*
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Raw:
    """A prompt as the bytes that draw it."""

    text: str
    prompt: str
    is_distinct: bool  # not likely to be printed by anything else


class Learned:
    """The last few of them, the newest first."""

    def __init__(self) -> None:
        self.raws: list[Raw] = []
        self.prompts: list[str] = []

    def note(self, prompt: str) -> None:
        if prompt.strip() and prompt not in self.prompts:
            self.prompts = [prompt, *self.prompts][:KEPT]

    def note_raw(self, text: str, prompt: str) -> None:
        if text and len(text) <= LONGEST_RAW and all(raw.text != text for raw in self.raws):
            is_distinct = "\x1b" in text or prompts.shape(prompt) == "strong"
            self.raws = [Raw(text, prompt, is_distinct), *self.raws][:KEPT]

    def bare(self, prompt: str) -> str:
        """A prompt without what an unfinished row of output left before it."""
        return next((one for one in self.prompts if prompt.endswith(one) and len(one) > 1), prompt)

    def is_in(self, data: str) -> bool:
        return any(raw.text in data for raw in self.raws)

    def ending(self, data: str) -> Raw | None:
        """The prompt that these bytes end with."""
        return next((raw for raw in self.raws if data.endswith(raw.text)), None)

    def inside(
        self, piece: str, *, is_row_start: bool, is_prompt: Callable[[Raw, str, str], bool]
    ) -> tuple[int, Raw] | None:
        """Where a prompt ends that stands at the beginning of a row; `is_prompt` judges what surrounds it."""
        for raw in self.raws:
            if piece == raw.text:
                return len(piece), raw
            start = piece.find(raw.text)
            while start >= 0:
                end = start + len(raw.text)
                is_begin = is_row_start if start == 0 else piece[start - 1] in "\n\r"
                if is_begin and is_prompt(raw, piece[:start], piece[end:]):
                    return end, raw
                start = piece.find(raw.text, start + 1)
        return None

    @staticmethod
    def in_row(piece: str, *, is_row_start: bool) -> tuple[int, Raw] | None:
        """Where the first thing ends that looks like user@host … $ at the beginning of a row."""
        for found in _ROW.finditer(piece):
            if found.start() > 0 or is_row_start:
                raw = found["raw"]
                return found.end(), Raw(raw, re.sub(_SGR, "", raw), is_distinct=True)
        return None
