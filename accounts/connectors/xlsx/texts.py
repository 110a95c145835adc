"""The beginning of a workbook's table of texts, for a glance at its first rows."""

import zipfile
from io import BytesIO
from typing import Any, cast
from xml.etree.ElementTree import ParseError

from openpyxl.cell.text import Text
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

GLANCE, GLANCED = 20_000, 8 << 20  # texts that the first rows can name, and bytes of their table
TEXT = f"{{{SHEET_MAIN_NS}}}si"


class FirstTexts(list[str]):
    """The beginning of the table of texts; a row that names a later one shows that there is something."""

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(place) if place < len(self) else "…"


def first_texts(parts: zipfile.ZipFile, name: str) -> FirstTexts:
    """Programs write texts in the order in which rows name them, so that the first rows find theirs here."""
    found = FirstTexts()
    with parts.open(name) as file:
        begin = file.read(GLANCED)
    try:
        for _event, node in iterparse(BytesIO(begin)):
            if node.tag == TEXT:
                found.append(cast(Text, Text.from_tree(node)).content)
                node.clear()
                if len(found) == GLANCE:
                    break
    except ParseError:
        if len(begin) < GLANCED:
            raise
    return found
