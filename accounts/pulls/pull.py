"""What a pull is: what it must be told, how far it may go, and what it hands over.

Plain Python. A refusal says what, where and what to do, and never a secret; secrets come by name from outside
and go nowhere but to the system that is read.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

Sink = Callable[[bytes], object]
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
MIB = 2**20


class PullRefused(Exception):
    """Nothing was read, or not all of it: the text is for whoever runs the portal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reach:
    """Hosts that may be read, each as `host` or `host:port`; unencrypted HTTP only on this machine."""

    hosts: frozenset[str] = frozenset()
    allows_http: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one reading: bytes written, seconds in all and for one answer. A trial reads first pages only."""

    size: int = 256 * MIB
    seconds: float = 900
    timeout: float = 30
    attempts: int = 4  # of one request, where the library repeats it
    is_trial: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What to read, and with what: `settings` of the source, `secrets` of the environment.

    `prefix` is how the names of the secrets begin, for words about a missing one.
    """

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    reach: Reach = Reach()
    limits: Limits = Limits()
    prefix: str = "PORTAL_PULL_…_"
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def secret(self, name: str) -> str:
        """One that can't be done without."""
        found = self.secrets.get(name, "").strip()
        if not found:
            raise PullRefused(
                "secret_missing",
                f"The environment has no {self.prefix}{name}. Set it, or {self.prefix}{name}_FILE, for the "
                "portal's workers and web processes.",
            )
        return found


@dataclass(frozen=True, slots=True)
class Taken:
    """What a reading was: the name of its file, how it was asked for, and counts by kind.

    `source_count` is how many rows or accounts the system itself counted, where it counts the same things.
    """

    file_name: str
    filter_text: str
    counts: Mapping[str, int]
    source_count: int | None = None
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Pull:
    """One way to read: `fields` are settings, those in `needed` can't be left out; `secrets` are names."""

    kind: str
    label: str
    fields: tuple[str, ...]
    needed: frozenset[str]
    secrets: tuple[str, ...]
    size: int  # bytes that its format may have
    check: Callable[[Mapping[str, str], Reach], None]  # of the settings alone; raises PullRefused
    read: Callable[[Request, Sink], Taken]


class Paper:
    """What is written, within the limits: refuses when there is too much of it or it takes too long."""

    def __init__(self, request: Request, sink: Sink) -> None:
        self._limits, self._clock, self._sink = request.limits, request.clock, sink
        self._until = request.clock() + request.limits.seconds
        self.size = 0

    @property
    def left(self) -> int:
        """Bytes that still fit."""
        return self._limits.size - self.size

    def write(self, data: bytes) -> None:
        """Hand on one piece."""
        self.size += len(data)
        if self.size > self._limits.size:
            raise PullRefused(
                "too_large",
                f"The system sends more than {self._limits.size // MIB:,} MiB. Read it in parts, with a "
                "narrower base or filter for each.",
            )
        self._sink(data)

    def on_time(self) -> None:
        """Go on, unless the time for the whole reading is over."""
        if self._clock() > self._until:
            raise PullRefused(
                "too_slow",
                f"The system did not send everything within {self._limits.seconds:,.0f} seconds. See "
                "whether it is overloaded, or read it in parts.",
            )


@dataclass(frozen=True, slots=True)
class Address:
    """Where a system answers, after it was found to be allowed."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def shown(self) -> str:
        """For people; without its path."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def address(url: str, reach: Reach, ports: Mapping[str, int]) -> Address:
    """The parts of `url` if the portal may go there; `ports` names the schemes, each with its usual port."""
    schemes = " or ".join(f"{scheme}://" for scheme in ports)
    wrong = PullRefused("wrong_address", f"The address has to be {schemes} with a host, and nothing else.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise wrong from None
    if scheme == "http" and "https" in ports and reach.allows_http and host in LOCAL:
        ports = {**ports, "http": 80}
    is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if scheme not in ports or not host or not is_bare or ".." in parts.path:
        raise wrong
    port = port or ports[scheme]
    bracketed = f"[{host}]" if ":" in host else host
    if not {host, bracketed, f"{bracketed}:{port}"} & reach.hosts:
        raise PullRefused(
            "host_not_allowed",
            f"The portal may not read from {bracketed}. Whoever runs it names the host in PORTAL_PULL_HOSTS, "
            "so that nobody can send it, and its secrets, anywhere else.",
        )
    return Address(scheme, host, port, parts.path.rstrip("/"))


def settled(settings: Mapping[str, str], pull_fields: tuple[str, ...], needed: frozenset[str]) -> None:
    """Refuse settings that lack something, or hold what no setting may."""
    for name in pull_fields:
        value = settings.get(name, "")
        if name in needed and not value.strip():
            raise PullRefused("setting_missing", f"The setting “{name}” is needed.")
        if not value.isprintable():
            raise PullRefused("wrong_setting", f"The setting “{name}” holds a character that can't be seen.")


def library(name: str) -> Any:
    """A module of the extra `pull`, which an installation without pulls does without."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise PullRefused(
            "not_installed",
            f"The library {name.partition('.')[0]} is not installed. Install the portal with its extra "
            "“pull”.",
        ) from None
