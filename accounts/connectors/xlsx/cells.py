"""What stands in a cell, as the text that its CSV would have: numbers, dates, yes and no, words, errors."""

import re
from array import array
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from accounts.connectors.records import Unreadable
from accounts.connectors.xlsx.package import PART_LIMIT, Package, local, told, xml_parser

STRINGS_LIMIT = 512 << 20  # bytes of all different texts of a workbook
CELL_LIMIT = 256 * 1024  # characters; Excel itself stops at 32,767
_DATES = frozenset({14, 15, 16, 17, 18, 19, 20, 21, 22, *range(27, 37), 45, 47, *range(50, 59)})
_LAST_DAY = 2_958_465  # 9999-12-31
_DAY = 86_400_000  # milliseconds
_ANY = date(2000, 1, 1)
_NOT_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,32}")
_WHOLE = re.compile(r"-?\d{1,15}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Styles:
    """How each style shows numbers: as dates, with leading zeros (personnel number 00042), or as they are."""

    def __init__(self, package: Package, part: str | None) -> None:
        self.dates: set[str] = set()
        self.zeros: dict[str, int] = {}
        if part is not None and part in package:
            self._read(package, part)

    def _read(self, package: Package, part: str) -> None:
        codes: dict[str, str] = {}
        formats: list[str] = []
        is_cell_style = False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal is_cell_style
            name = local(tag)
            if name == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name in ("cellXfs", "cellStyleXfs", "dxfs", "cellStyles"):
                is_cell_style = name == "cellXfs"
            elif name == "xf" and is_cell_style:
                formats.append(attributes.get("numFmtId", "0"))

        package.parse(part, start)
        for place, number in enumerate(formats):
            code = codes.get(number, "")
            if (number.isdecimal() and number not in codes and int(number) in _DATES) or is_date_code(code):
                self.dates.add(str(place))
            elif _ZEROS.fullmatch(code):
                self.zeros[str(place)] = len(code)


def is_date_code(code: str) -> bool:
    """Whether a number format shows a day or a time of day; elapsed hours are numbers."""
    first = _NOT_LETTERS.sub("", code.partition(";")[0])
    return not _ELAPSED.search(first) and any(letter in "ymdhs" for letter in first.lower())


class Strings:
    """The table of texts, read as far as somebody asked; a text takes its bytes and eight more."""

    def __init__(self, package: Package, part: str | None) -> None:
        self._texts = bytearray()
        self._ends = array("Q", [0])
        self._parsing = self._parse(package, part) if part is not None and part in package else iter(())

    def __getitem__(self, place: int) -> str:
        while place >= len(self._ends) - 1:
            if next(self._parsing, self) is self:
                raise IndexError(place)
        if place < 0:
            raise IndexError(place)
        return self._texts[self._ends[place] : self._ends[place + 1]].decode()

    def _parse(self, package: Package, part: str) -> Iterator[None]:
        parser = xml_parser()
        words: list[str] = []
        inside = [0, 0]  # a text, its reading aid

        def start(tag: str, _: dict[str, str]) -> None:
            name = local(tag)
            if name == "t":
                inside[0] += 1
            elif name == "rPh":
                inside[1] += 1

        def end(tag: str) -> None:
            name = local(tag)
            if name == "t":
                inside[0] -= 1
            elif name == "rPh":
                inside[1] -= 1
            elif name == "si":
                self._texts += unescaped("".join(words)).encode()
                self._ends.append(len(self._texts))
                words.clear()

        def data(piece: str) -> None:
            if inside[0] and not inside[1]:
                words.append(piece)

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = data
        for _ in package.pieces(part, parser, PART_LIMIT):
            if len(self._texts) > STRINGS_LIMIT or sum(map(len, words)) > CELL_LIMIT:
                raise Unreadable(
                    "too_large",
                    "The workbook holds more different texts than can be kept in memory. Save the sheet as "
                    "CSV (UTF-8).",
                )
            yield


def unescaped(said: str) -> str:
    """`_x000D_` is how XML writes a character that it can't hold; line ends become spaces.

    So row 7 of the sheet is line 7 of what is kept.
    """
    if "_x" in said:
        said = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), said)
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "\n" in said or "\r" in said:
        said = " ".join(said.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    return said


def number(said: str, style: str, styles: Styles, is_1904: bool) -> str:
    """A number as people see it there: a day, a moment, a number with its leading zeros; never `7.0`."""
    if style in styles.dates:
        return _moment(float(said), is_1904) or _plain(said)
    plain = _plain(said)
    width = styles.zeros.get(style)
    return plain.zfill(width) if width and plain.isdecimal() else plain


def _plain(said: str) -> str:
    if _WHOLE.fullmatch(said):
        return said
    value = float(said)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _moment(serial: float, is_1904: bool) -> str | None:
    """ISO 8601 of a serial day, a day alone at midnight; None beyond what a calendar has."""
    if not 0 <= serial < _LAST_DAY + 1:
        return None
    days, part = divmod(serial, 1)
    clock = timedelta(milliseconds=round(part * _DAY))
    if serial < 1:
        return (datetime.combine(_ANY, time.min) + clock).time().isoformat()
    if not is_1904 and serial < 60:
        days += 1  # Lotus counted 29 February 1900, and everybody after it has to
    start = date(1904, 1, 1) if is_1904 else date(1899, 12, 30)
    try:
        at = datetime.combine(start, time.min) + timedelta(days=days) + clock
    except OverflowError:
        return None
    return at.date().isoformat() if at.time() == time.min else at.isoformat()


def checked(strings: Strings, place: str) -> str:
    """A text by its number in the table."""
    with told():
        return strings[int(place)]
