"""One line of terminal output, on as many rows of the screen as it wraps over, in bounded memory."""

from functools import lru_cache
from unicodedata import category, east_asian_width

MAX_CELLS = 16 * 1024  # a longer line is given out in pieces

_MARKS_PER_CELL = 8


class TerminalLine:
    """Rows of cells and a cursor; a cell is one column, "" the right half of a wide character.

    The cursor may stand one column behind the last: the next character then wraps, as in a terminal.
    """

    __slots__ = ("_saved", "cols", "rows", "started_at", "x", "y")

    def __init__(self, cols: int) -> None:
        self.cols = cols
        self.rows: list[list[str]] = [[]]
        self.x = self.y = 0
        self.started_at: float | None = None
        self._saved = (0, 0)

    def text(self) -> str:
        return self._joined(self.rows).rstrip(" ")

    def is_too_long(self) -> bool:
        return len(self.rows) > 1 and len(self.rows) * self.cols > MAX_CELLS

    def take_first_half(self) -> str:
        """Give away the older rows of a line that is too long; they cannot be changed any more."""
        half = (len(self.rows) + 1) // 2
        taken, self.rows = self.rows[:half], self.rows[half:]
        self.y = max(self.y - half, 0)
        return self._joined(taken)

    def _joined(self, rows: list[list[str]]) -> str:
        last = len(rows) - 1
        return "".join(
            "".join(row) + " " * (self.cols - len(row) if y < last else 0) for y, row in enumerate(rows)
        )

    def put(self, text: str) -> None:
        """Characters of one column each, over what was there."""
        start = 0
        while start < len(text):
            self._wrap(1)
            end = start + self.cols - self.x
            self._over(list(text[start:end]))
            start = end

    def put_wide(self, text: str) -> None:
        """Characters that may take two columns, or none."""
        for character in text:
            width = _width(character)
            if width == 0:
                self._attach(character)
                continue
            self._wrap(min(width, self.cols))
            self._over([character, ""] if width == 2 and self.cols > 1 else [character])

    def _wrap(self, width: int) -> None:
        if self.x + width <= self.cols:
            return
        row = self.rows[self.y]
        row.extend(" " * (self.x - len(row)))
        row.extend([""] * (self.cols - len(row)))
        self.x, self.y = 0, self.y + 1
        if self.y == len(self.rows):
            self.rows.append([])

    def _over(self, cells: list[str]) -> None:
        row, x = self.rows[self.y], self.x
        if x > len(row):
            row.extend(" " * (x - len(row)))
        end = x + len(cells)
        if 0 < x < len(row) and row[x] == "":
            row[x - 1] = " "  # half of a wide character is overwritten
        if end < len(row) and row[end] == "":
            row[end] = " "
        row[x:end] = cells
        self.x = end

    def _attach(self, mark: str) -> None:
        row, x = self.rows[self.y], min(self.x, len(self.rows[self.y])) - 1
        if x > 0 and row[x] == "":
            x -= 1
        if x >= 0 and len(row[x]) <= _MARKS_PER_CELL:
            row[x] += mark

    def left(self, count: int) -> None:
        self.x = max(min(self.x, self.cols - 1) - count, 0)

    def right(self, count: int) -> None:
        self.x = min(self.x + count, self.cols - 1)

    def save(self) -> None:
        self._saved = (self.x, self.y)

    def restore(self) -> None:
        x, y = self._saved
        self.x, self.y = x, min(y, len(self.rows) - 1)

    def erase(self, how: int) -> None:
        """0: to the end of the row, 1: from its start, 2: all of it."""
        row = self.rows[self.y]
        if how == 0:
            del row[self.x :]
        elif how == 1:
            row[: self.x + 1] = " " * min(self.x + 1, len(row))
        elif how == 2:
            row.clear()

    def erase_below(self) -> None:
        self.erase(0)
        del self.rows[self.y + 1 :]

    def delete(self, count: int) -> None:
        del self.rows[self.y][self.x : self.x + count]

    def insert(self, count: int) -> None:
        row = self.rows[self.y]
        if self.x < len(row):
            row[self.x : self.x] = " " * count
            del row[self.cols :]

    def blank(self, count: int) -> None:
        row = self.rows[self.y]
        end = min(self.x + count, len(row))
        row[self.x : end] = " " * (end - self.x)


@lru_cache(maxsize=8192)
def _width(character: str) -> int:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
