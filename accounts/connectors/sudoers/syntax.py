"""The grammar of sudoers(5): statements of a file as aliases, defaults, includes and rules.

A statement that does not parse raises `Wrong`; the next one is read all the same.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

TAGS = ("EXEC", "FOLLOW", "LOG_INPUT", "LOG_OUTPUT", "MAIL", "INTERCEPT", "PASSWD", "SETENV")
KINDS = {"User": "User", "Runas": "Runas", "Host": "Host", "Cmnd": "Cmnd", "Cmd": "Cmnd"}
_TAG = re.compile(rf"(NO)?({'|'.join(TAGS)})[ \t]*:")
_OPTION = re.compile(
    r"(ROLE|TYPE|PRIVS|LIMITPRIVS|TIMEOUT|CWD|CHROOT|NOTBEFORE|NOTAFTER|APPARMOR_PROFILE)[ \t]*=[ \t]*"
    r'("(?:\\.|[^"\\])*"|(?:\\.|[^\\\s,:=])+)'
)
_DIGEST = re.compile(r"sha(?:224|256|384|512)[ \t]*:[ \t]*[A-Za-z0-9+/=]+[ \t]*")
_IPV6 = re.compile(r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?:/[0-9A-Fa-f:]{1,39})?(?=[\s,=]|$)")
_RESERVED = re.compile(r"([A-Z][A-Z0-9_]*)(?=[\s,:]|$)")
_EDIT = re.compile(r"sudoedit(?=[\s,:]|$)")
_PATH = re.compile(r"[/~](?:\\.|[^\\\s,:=])*")
_REGEX = re.compile(r"\^(?:\\.|[^\\])*?\$(?=[\s,:=]|$)")
_ARGUMENT = re.compile(r'"(?:\\.|[^"\\])*"|(?:\\.|[^\\\s,:=])+')
_ESCAPED = re.compile(r"\\([,:=\s#\"])")
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias(?=[ \t])")
_INCLUDE = re.compile(r"[#@]include(dir)?[ \t]+(\S.*)")
_DEFAULTS = re.compile(r"Defaults(?:([@:>!])|(?=[ \t]))")
_PARAMETER = re.compile(
    r'(!*)[ \t]*([a-z][a-z0-9_]*)[ \t]*(?:[+-]?=[ \t]*("(?:\\.|[^"\\])*"|(?:\\.|[^\\,])*))?'
)
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class Wrong(Exception):
    """A statement that sudo would not take; the message says what is wrong."""


class Statement(NamedTuple):
    """A whole statement without remarks."""

    line: int  # that it starts in
    text: str


class Item(NamedTuple):
    """A member of a list, perhaps negated."""

    name: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a rule and what stands before it; tags and options hold for those after it too."""

    text: str  # with arguments, without its escapes
    path: str
    arguments: str | None = None  # None: any; empty: none allowed
    is_negated: bool = False
    is_alias: bool = False
    has_digest: bool = False
    users: tuple[Item, ...] | None = None  # to run as; None: not said
    groups: tuple[Item, ...] = ()
    tags: tuple[tuple[str, bool], ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a list of users, hosts, accounts to run as, or commands."""

    kind: str
    name: str
    items: tuple[Item, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Defaults:
    """Settings, for everything or for some hosts (`@`), users (`:`), accounts (`>`) or commands (`!`)."""

    scope: str
    of: tuple[Item, ...]
    settings: tuple[tuple[str, bool, str], ...]  # name, on, value


@dataclass(frozen=True, slots=True)
class Include:
    """Another file or folder that sudo reads too."""

    path: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Spec:
    """Who may run what where: users, and per list of hosts the commands."""

    users: tuple[Item, ...]
    parts: tuple[tuple[tuple[Item, ...], tuple[Command, ...]], ...]


def statements(lines: Iterable[str]) -> Iterator[Statement]:
    """Join lines that end in a backslash, without remarks; a remark ends its statement."""
    start, parts, before = 0, list[str](), ""
    for number, said in enumerate((line.rstrip("\r\n") for line in lines), 1):
        start = start or number
        at = remark_at(said, before)
        ends = at is not None or not said.endswith("\\")
        parts.append(said[:at] if at is not None else said if ends else said[:-1] + " ")
        before = "" if ends else (before + parts[-1]).rstrip()[-1:]
        if ends:
            whole = "".join(parts).strip()
            if whole:
                yield Statement(start, whole)
            start, parts = 0, []
    if "".join(parts).strip():
        yield Statement(start, "".join(parts).strip())


def remark_at(said: str, before: str = "") -> int | None:
    """Where a remark begins. `#1000` in a list is a number of a user, `#include` reads a file."""
    if "#" not in said or (not before.strip() and _INCLUDE.match(said.lstrip())):
        return None
    is_quoted, at = False, 0
    while at < len(said):
        sign = said[at]
        if sign == "\\":
            at += 2
            continue
        if sign == '"':
            is_quoted = not is_quoted
        elif sign == "#" and not is_quoted:
            last = (before + said[:at]).rstrip()[-1:]
            is_number = said[at + 1 : at + 2].isdigit() and (last == "" or last in ",(:!=>@%")
            if not is_number and (last != "%" or said[at - 1 : at] != "%"):
                return at
        at += 1
    return None


def parsed(text: str) -> Alias | Defaults | Include | Spec | list[Alias]:
    """A statement by its grammar; several aliases may stand in one."""
    if found := _INCLUDE.fullmatch(text):
        return Include(found[2].strip().strip('"'), bool(found[1]))
    if found := _ALIAS.match(text):
        return _aliases(KINDS[found[1]], Scanner(text, found.end()))
    found = _DEFAULTS.match(text)
    return _defaults(found[1] or "", Scanner(text, found.end())) if found else _spec(Scanner(text))


def command(text: str) -> Command:
    """One command as LDAP writes it (`sudoCommand`): digests, `!`, path and arguments, without escapes."""
    scanner = Scanner(text)
    has_digest, is_negated = scanner.digests(), scanner.negation()
    rest = text[scanner.at :].strip()
    path, _, arguments = rest.partition(" ")
    if path not in ("ALL", "sudoedit") and path[:1] not in ("/", "^", "~"):
        raise Wrong("a command is a full path, ALL or sudoedit")
    return Command(rest, path, _arguments(arguments.strip()), is_negated, has_digest=has_digest)


def setting(text: str) -> tuple[str, bool, str]:
    """One setting, as `Defaults` and `sudoOption` write it: name, on or off, value."""
    scanner = Scanner(text)
    found = _setting(scanner)
    scanner.finish()
    return found


class Scanner:
    """A place in a statement."""

    def __init__(self, text: str, at: int = 0) -> None:
        self.text, self.at = text, at

    def space(self) -> str:
        """Skip white space; returns the next character, nothing at the end."""
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1
        return self.text[self.at : self.at + 1]

    def takes(self, sign: str) -> bool:
        """Step over a character if it comes next."""
        if self.space() != sign:
            return False
        self.at += 1
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what the pattern finds here."""
        self.space()
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def expect(self, sign: str) -> None:
        """The character has to come next."""
        if not self.takes(sign):
            raise Wrong(f"“{sign}” is expected {self._place()}")

    def negation(self) -> bool:
        """An odd number of `!`."""
        is_odd = False
        while self.takes("!"):
            is_odd = not is_odd
        return is_odd

    def digests(self) -> bool:
        """Checksums that the command has to have."""
        found = self.match(_DIGEST) is not None
        while found and self.takes(","):
            if self.match(_DIGEST) is None:
                raise Wrong(f"a checksum is expected {self._place()}")
        return found

    def list(self, *, of_hosts: bool = False) -> tuple[Item, ...]:
        """Names with commas between."""
        items = [self._item(of_hosts)]
        while self.takes(","):
            items.append(self._item(of_hosts))
        return tuple(items)

    def word(self, *, of_host: bool) -> str:
        """A name, quoted or with its special characters escaped."""
        self.space()
        if of_host and (found := self.match(_IPV6)):
            return found[0]
        made: list[str] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "\\":
                made.append(self._escape())
            elif sign == '"' and made in ([], ["%"], ["+"], ["%", ":"]):
                made.append(self._quoted())
                break
            elif sign in " \t,=()" or (sign == ":" and made != ["%"]) or (sign in '!"' and not made):
                break
            else:
                made.append(sign)
                self.at += 1
        if not made:
            raise Wrong(f"a name is expected {self._place()}")
        return "".join(made)

    def finish(self) -> None:
        """Nothing may follow."""
        if self.space():
            raise Wrong(f"nothing is expected {self._place()}; write “\\” before , : = and \\ in arguments")

    def command(self) -> Command:
        """A command with its arguments, or the name of an alias of commands."""
        has_digest, is_negated = self.digests(), self.negation()
        if found := self.match(_RESERVED):
            name = found[1]
            return Command(name, name, None, is_negated, name != "ALL", has_digest)
        found = self.match(_EDIT) or self.match(_REGEX) or self.match(_PATH)
        if found is None:
            raise Wrong(
                f"a command (full path, ALL, sudoedit or an alias in capitals) is expected {self._place()}"
            )
        path = _ESCAPED.sub(r"\1", found[0])
        arguments = self._arguments()
        return Command(
            f"{path} {arguments}".strip(), path, _arguments(arguments), is_negated, has_digest=has_digest
        )

    def _arguments(self) -> str:
        if self.space() == "^" and (found := self.match(_REGEX)):
            return found[0]
        said: list[str] = []
        while found := self.match(_ARGUMENT):
            said.append(_ESCAPED.sub(r"\1", found[0]))
        return " ".join(said)

    def _item(self, of_hosts: bool) -> Item:
        is_negated = self.negation()
        return Item(self.word(of_host=of_hosts), is_negated)

    def _escape(self) -> str:
        pair = self.text[self.at + 2 : self.at + 4]
        if (
            self.text[self.at + 1 : self.at + 2] == "x"
            and re.fullmatch(r"[0-9A-Fa-f]{2}", pair)
            and pair != "00"
        ):
            self.at += 4
            return chr(int(pair, 16))
        sign = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        return sign

    def _quoted(self) -> str:
        found = re.compile(r'"((?:\\.|[^"\\])*)"').match(self.text, self.at)
        if found is None:
            raise Wrong("a quote is not closed")
        self.at = found.end()
        return re.sub(r"\\(.)", r"\1", found[1])

    def _place(self) -> str:
        rest = self.text[self.at : self.at + 20]
        return f"before “{rest}”" if rest else "at the end"


def _aliases(kind: str, scanner: Scanner) -> list[Alias]:
    found: list[Alias] = []
    while True:
        name = scanner.match(_NAME)
        if name is None or name[0] == "ALL":
            raise Wrong("the name of an alias is written in capitals and is not ALL")
        scanner.expect("=")
        if kind == "Cmnd":
            listed = [scanner.command()]
            while scanner.takes(","):
                listed.append(scanner.command())
            found.append(Alias(kind, name[0], commands=tuple(listed)))
        else:
            found.append(Alias(kind, name[0], items=scanner.list(of_hosts=kind == "Host")))
        if not scanner.takes(":"):
            scanner.finish()
            return found


def _defaults(scope: str, scanner: Scanner) -> Defaults:
    of: tuple[Item, ...] = ()
    if scope == "!":
        listed = [scanner.match(_RESERVED) or scanner.match(_PATH)]
        while scanner.takes(","):
            listed.append(scanner.match(_RESERVED) or scanner.match(_PATH))
        of = tuple(Item(one[0]) for one in listed if one is not None)
    elif scope:
        of = scanner.list(of_hosts=scope == "@")
    settings = [_setting(scanner)]
    while scanner.takes(","):
        settings.append(_setting(scanner))
    scanner.finish()
    return Defaults(scope, of, tuple(settings))


def _setting(scanner: Scanner) -> tuple[str, bool, str]:
    found = scanner.match(_PARAMETER)
    if found is None:
        raise Wrong("a setting is written as name, !name or name=value")
    return found[2], len(found[1]) % 2 == 0, _unquoted((found[3] or "").strip())


def _spec(scanner: Scanner) -> Spec:
    users = scanner.list()
    parts = [(scanner.list(of_hosts=True), _commands(scanner))]
    while scanner.takes(":"):
        parts.append((scanner.list(of_hosts=True), _commands(scanner)))
    scanner.finish()
    return Spec(users, tuple(parts))


def _commands(scanner: Scanner) -> tuple[Command, ...]:
    scanner.expect("=")
    found: list[Command] = []
    users: tuple[Item, ...] | None = None
    groups: tuple[Item, ...] = ()
    tags: dict[str, bool] = {}
    options: dict[str, str] = {}
    while True:
        while True:
            if scanner.takes("("):
                users, groups = _runas(scanner)
            elif option := scanner.match(_OPTION):
                options[option[1]] = _unquoted(option[2])
            elif tag := scanner.match(_TAG):
                tags[tag[2]] = not tag[1]
            else:
                break
        one = scanner.command()
        found.append(
            replace(one, users=users, groups=groups, tags=tuple(tags.items()), options=tuple(options.items()))
        )
        if not scanner.takes(","):
            return tuple(found)


def _runas(scanner: Scanner) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """`(users : groups)`; both may be missing, and then the command runs as who calls it."""
    users: tuple[Item, ...] = ()
    groups: tuple[Item, ...] = ()
    if scanner.space() not in (")", ":"):
        users = scanner.list()
    if scanner.takes(":") and scanner.space() != ")":
        groups = scanner.list()
    scanner.expect(")")
    return users, groups


def _arguments(said: str) -> str | None:
    return None if not said else "" if said == '""' else said


def _unquoted(said: str) -> str:
    return re.sub(r"\\(.)", r"\1", said[1:-1]) if len(said) > 1 and said[0] == said[-1] == '"' else said
