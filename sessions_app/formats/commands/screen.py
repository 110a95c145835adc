"""The terminal engine as the extraction of commands needs it: cursor, rows, and places that scroll along.

Native code that reads hostile bytes: only the child process imports this module.
"""

import importlib
from dataclasses import dataclass
from typing import Any

DEFAULT_COLS, DEFAULT_ROWS = 80, 24
LEAST, MOST_COLS, MOST_ROWS = 2, 1000, 500
HISTORY = 2_000  # rows that have left the screen
HISTORY_BYTES = 4 * 1024 * 1024
LONGEST_ROW = 256 * 1024  # bytes; a cell may hold many combining characters
SLICE = 64 * 1024

_engine: Any = importlib.import_module("pyghostty")
_ffi: Any = _engine.ffi
_lib: Any = _engine.lib


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the screen from some column on; `is_wrapped`: the text goes on in the next one."""

    text: str
    is_wrapped: bool


class Place:
    """A cell that keeps its content while the screen scrolls."""

    def __init__(self, tracked: Any) -> None:
        self.tracked = tracked

    def __del__(self) -> None:
        _lib.ghostty_tracked_grid_ref_free(self.tracked)


class Screen:
    """A terminal without a window."""

    def __init__(self, cols: int | None, rows: int | None) -> None:
        self.cols, self.rows = _size(cols, rows)
        handle = _ffi.new("GhosttyTerminal*")
        if _lib.ghostty_terminal_new(_ffi.NULL, handle, self.cols, self.rows):
            raise MemoryError
        self._handle: Any = _ffi.gc(handle[0], _lib.ghostty_terminal_free)
        for option, value in (("SCROLLBACK_MAX_LINES", HISTORY), ("SCROLLBACK_MAX_BYTES", HISTORY_BYTES)):
            key = getattr(_lib, f"GHOSTTY_TERMINAL_OPT_{option}")
            _lib.ghostty_terminal_set(self._handle, key, _ffi.new("size_t*", value))
        self._u16: Any = _ffi.new("uint16_t*")
        self._size: Any = _ffi.new("size_t*")
        self._flag: Any = _ffi.new("bool*")
        self._row: Any = _ffi.new("GhosttyRow*")
        self._coordinate: Any = _ffi.new("GhosttyPointCoordinate*")
        self._point: Any = _ffi.new("GhosttyPointS*")
        self._point.tag = _lib.GHOSTTY_POINT_TAG_SCREEN
        self._selection: Any = _sized("GhosttySelection")
        self._format: Any = _sized("GhosttyTerminalSelectionFormatOptions")
        self._format.emit = _lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
        self._format.trim, self._format.selection = True, self._selection
        self._bytes: Any = _ffi.new("uint8_t[]", LONGEST_ROW)

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            piece = data[start : start + SLICE]
            _lib.ghostty_terminal_vt_write(self._handle, piece, len(piece))

    def resize(self, cols: int, rows: int) -> None:
        self.cols, self.rows = _size(cols, rows)
        _lib.ghostty_terminal_resize(self._handle, self.cols, self.rows, 8, 16)

    def cursor(self) -> tuple[int, int]:
        """Column and row, the row counted from the oldest one that is kept."""
        x, y = self._number("CURSOR_X"), self._number("CURSOR_Y")
        return x, y + self._scrolled()

    def top(self) -> int:
        """The first row of what is on the screen."""
        return self._scrolled()

    def place(self, x: int, y: int) -> Place | None:
        track = _ffi.new("GhosttyTrackedGridRef*")
        if _track(self._handle, self._at(x, y), track):
            return None
        return Place(track[0])

    def where(self, place: Place) -> tuple[int, int] | None:
        """Column and row of a place; None when its row is gone."""
        if not _lib.ghostty_tracked_grid_ref_has_value(place.tracked):
            return None
        tag = _lib.GHOSTTY_POINT_TAG_SCREEN
        if _lib.ghostty_tracked_grid_ref_point(place.tracked, tag, self._coordinate):
            return None
        return self._coordinate.x, self._coordinate.y

    def text(self, y: int, start: int = 0, end: int | None = None) -> str:
        """What stands in the columns from `start` up to `end`, without blanks at its end."""
        last = self.cols - 1 if end is None else min(end, self.cols) - 1
        if y < 0 or last < start:
            return ""
        selection = self._selection
        for x, side in (
            (start, _ffi.addressof(selection, "start")),
            (last, _ffi.addressof(selection, "end")),
        ):
            if _refer(self._handle, self._at(x, y), side):
                return ""
        found = _lib.ghostty_terminal_selection_format_buf(
            self._handle, self._format[0], self._bytes, LONGEST_ROW, self._size
        )
        if found:
            return ""
        text: bytes = _ffi.buffer(self._bytes, min(self._size[0], LONGEST_ROW))[:]
        return text.decode("utf-8", "replace").replace("\n", "")

    def row(self, y: int, start: int = 0) -> Row:
        text = self.text(y, start)
        return Row(text, self._is_wrapped(y) or self._is_full(y))

    def _is_wrapped(self, y: int) -> bool:
        reference = _ffi.addressof(self._selection, "start")
        if y < 0 or _refer(self._handle, self._at(0, y), reference):
            return False
        if _lib.ghostty_grid_ref_row(reference, self._row):
            return False
        if _lib.ghostty_row_get(self._row[0], _lib.GHOSTTY_ROW_DATA_WRAP, self._flag):
            return False
        return bool(self._flag[0])

    def _is_full(self, y: int) -> bool:
        """Line editors that move to the next row by themselves leave no flag."""
        return bool(self.text(y, self.cols - 1).strip())

    def _number(self, name: str) -> int:
        _lib.ghostty_terminal_get(self._handle, _KEYS[name], self._u16)
        return int(self._u16[0])

    def _scrolled(self) -> int:
        _lib.ghostty_terminal_get(self._handle, _KEYS["SCROLLBACK_ROWS"], self._size)
        return int(self._size[0])

    def _at(self, x: int, y: int) -> Any:
        self._point.value.x, self._point.value.y = max(x, 0), max(y, 0)
        return self._point[0]


def _sized(kind: str) -> Any:
    """A structure of the engine whose parts say how large they are, as it wants them."""
    made = _ffi.new(f"{kind}*")
    _size_in(made)
    return made


def _size_in(structure: Any) -> None:
    for name, field in _ffi.typeof(structure).item.fields:
        if name == "size":
            structure.size = _ffi.sizeof(_ffi.typeof(structure).item)
        elif field.type.kind == "struct":
            _size_in(_ffi.addressof(structure[0], name))


def _size(cols: int | None, rows: int | None) -> tuple[int, int]:
    """A size that the engine can bear; none at all becomes that of the classic terminal."""
    wide = min(max(cols, LEAST), MOST_COLS) if cols else DEFAULT_COLS
    high = min(max(rows, LEAST), MOST_ROWS) if rows else DEFAULT_ROWS
    return wide, high


_KEYS = {
    name: getattr(_lib, f"GHOSTTY_TERMINAL_DATA_{name}")
    for name in ("CURSOR_X", "CURSOR_Y", "SCROLLBACK_ROWS")
}
_union_fn: Any = importlib.import_module("pyghostty._ffi").union_fn
_track: Any = _union_fn(
    "ghostty_terminal_grid_ref_track",
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyTrackedGridRef*)",
)
_refer: Any = _union_fn(
    "ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
)
