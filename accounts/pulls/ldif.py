"""Writing LDIF (RFC 2849) as `ldapsearch` does: what was asked, the entries, and how the answer ended."""

import base64
import re
from collections.abc import Iterable, Mapping

from accounts.pulls.pull import Paper, PullRefused

LINE = 76  # characters before a line is folded
_NAME = re.compile(r"(?:[A-Za-z][\w-]*|\d+(?:\.\d+)*)(?:;[\w.=*-]+)*", re.ASCII)
_PLAIN = re.compile(rb"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")


class Ldif:
    """One answer of a directory on paper."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self.entries = 0

    def begin(self, base: str, wanted: str, attributes: Iterable[str]) -> None:
        """The question, in the remarks that a reader of the file looks for."""
        lines = [
            "# extended LDIF",
            "#",
            "# LDAPv3",
            f"# base <{base}> with scope subtree",
            f"# filter: {wanted}",
            f"# requesting: {' '.join(attributes)}",
            "#",
        ]
        self._paper.write(("\n".join(lines) + "\n\n").encode())

    def entry(self, dn: str, values: Mapping[str, Iterable[bytes]]) -> None:
        """One entry; an attribute of a name that can't be written stops it all, it is no directory's."""
        lines = [_line("dn", dn.encode())]
        for name, held in values.items():
            if not _NAME.fullmatch(name):
                raise PullRefused("wrong_answer", "The directory names an attribute as none may be named.")
            lines += [_line(name, value) for value in held]
        self._paper.write(b"".join(lines) + b"\n")
        self.entries += 1

    def references(self, addresses: Iterable[str]) -> None:
        """Where the tree goes on; nobody follows."""
        lines = b"".join(_line("ref", one.encode()) for one in addresses)
        self._paper.write(b"# search reference\n" + lines + b"\n")

    def end(self) -> None:
        """Only for an answer that came whole."""
        told = f"# search result\nsearch: 2\nresult: 0 Success\n\n# numEntries: {self.entries}\n"
        self._paper.write(told.encode())


def _line(name: str, value: bytes) -> bytes:
    if _PLAIN.fullmatch(value):
        line = name.encode() + (b": " if value else b":") + value
    else:
        line = name.encode() + b":: " + base64.b64encode(value)
    folded = [line[:LINE], *(line[at : at + LINE - 1] for at in range(LINE, len(line), LINE - 1))]
    return b"\n ".join(folded) + b"\n"
