"""A recording of sudo: a folder of `log` or `log.json`, `timing`, and a file for each stream.

A line of `timing` is `TYPE DELAY REST`. Types 0 to 4 are bytes of stdin, stdout, stderr, ttyin, ttyout; 5 is
a new size of the terminal, lines first; 7 suspends or continues. Type 6 comes from sudo 1.8.7 alone, which
numbered the streams wrong. Logs older than 1.7.4 may have a comma in the delay. Any of the files may be gzip,
whatever it is called. (sudoers(5), I/O log format.)

What is typed at a prompt for a password is masked as sudo does it. Where the output that would show the
prompt is missing or can't be lined up with the input, all input is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sessions_app.formats import fields, sudo_iolog_info
from sessions_app.formats.events import Event, NotReadable, Reading, Tally
from sessions_app.formats.format import BundleFormat
from sessions_app.formats.lines import BLOCK, Limits, Line, Source, conclude, numbered
from sessions_app.formats.parts import Part
from sessions_app.formats.password_mask import PasswordMask
from sessions_app.formats.sudo_iolog_info import ENTRY, Info
from sessions_app.formats.terminal_bytes import ByteReader, TerminalText

KEY = "sudo_iolog"
STREAMS = ("stdin", "stdout", "stderr", "ttyin", "ttyout")  # in the order of their types
_CODES = {"stdin": "i", "stdout": "o", "stderr": "e", "ttyin": "i", "ttyout": "o"}
_INFOS = ("log.json", "log")
_FILES = frozenset((*STREAMS, *_INFOS, "timing"))
_TYPED = re.compile(rb"[^\r\n]")
_SIZE, _OF_1_8_7, _SUSPEND = 5, 6, 7
_LONGEST_COUNT = 15  # digits
MANY = 200


def is_timing(head: bytes) -> bool:
    """Whether the first bytes are a timing."""
    return ENTRY.fullmatch(head.split(b"\n", 1)[0]) is not None


def recognises(heads: Mapping[str, bytes]) -> bool:
    """Whether one folder, and one alone, holds what sudo writes."""
    return _folder(heads) is not None


def _folder(heads: Mapping[str, bytes]) -> str | None:
    """The folder of the recording, with its "/"."""
    folders: set[str] = set()
    for name, head in heads.items():
        folder, _, base = name.rpartition("/")
        start = f"{folder}/" if folder else ""
        is_told = (base == "log" and sudo_iolog_info.is_legacy(head)) or (
            base == "log.json" and sudo_iolog_info.is_json(head)
        )
        has_streams = any(start + stream in heads for stream in STREAMS)
        if is_told or (base == "timing" and has_streams and is_timing(head)):
            folders.add(start)
    return folders.pop() if len(folders) == 1 else None


def read(files: Mapping[str, Part], limits: Limits) -> Reading:
    """The recording in its folder."""
    tally = Tally()
    names = [name for name in files if name.rpartition("/")[2] in _FILES]
    folder = _folder({name: files[name].head() for name in names[:MANY]}) or ""
    found: dict[str, Part] = {}
    for name, part in files.items():
        base = name.removeprefix(folder)
        if name.startswith(folder) and base in _FILES:
            found[base] = part
        else:
            tally.warn(1, "extra_file", f"One file is no part of the recording: {fields.clean(name, 100)}.")
    info = _info(found, limits, tally)
    return Reading(info.header(KEY), _Log(found, info, limits, tally).events(), tally)


def _info(files: Mapping[str, Part], limits: Limits, tally: Tally) -> Info:
    """What the better of the two log files says; the other one where that is damaged."""
    refusal: NotReadable | None = None
    for name in _INFOS:
        if name not in files:
            continue
        try:
            with files[name].open() as stream:
                info = sudo_iolog_info.told(Source(stream, limits), tally)
        except NotReadable as error:
            refusal = error
            tally.warn(1, "bad_header", f"The file {name} can't be read: {error.message}")
        else:
            return info
    if refusal is not None and "timing" not in files:
        raise refusal
    reason = "There is no readable log or log.json: who ran what, and when, is unknown."
    tally.warn(1, "missing_file", reason)
    return Info()


@dataclass(slots=True)
class _Stream:
    """One stream: its bytes, and its characters that may be cut between events."""

    name: str
    source: Source | None = None
    reader: ByteReader | None = field(init=False)
    text: TerminalText = field(default_factory=TerminalText)
    mask: PasswordMask = field(default_factory=PasswordMask)
    is_short_told: bool = False

    def __post_init__(self) -> None:
        self.reader = ByteReader(self.source) if self.source else None

    @property
    def code(self) -> str:
        """That of its events."""
        return _CODES[self.name]


class _Log:
    """The timing, read line by line, and the streams that it is the timing of."""

    def __init__(self, files: Mapping[str, Part], info: Info, limits: Limits, tally: Tally) -> None:
        self._timing = files.get("timing")
        self._info, self._limits, self._tally = info, limits, tally
        self._streams = {
            name: _Stream(name, Source(files[name].open(), limits) if name in files else None)
            for name in STREAMS
        }
        self._inputs = [stream for stream in self._streams.values() if stream.code == "i"]
        outputs = {stream.name for stream in self._streams.values() if stream.code != "i" and stream.reader}
        # Streams of input beside which no prompt can be seen.
        self._blind = {"stdin": not outputs, "ttyin": "ttyout" not in outputs}
        self._is_hiding_told = False
        self._clock = fields.Clock(tally, is_relative=True)
        self._line = 1

    def events(self) -> Iterator[Event]:
        """The events in the order of the timing, then what it does not tell of, then the exit."""
        if self._timing is None:
            yield from self._untimed()
            source = Source(_Nothing())  # type: ignore[arg-type]  # read from, no more
        else:
            source = Source(self._timing.open(), self._limits)
            for line in numbered(source):
                self._line = line.number
                yield from self._of(line)
            yield from self._remains()
        for stream in self._streams.values():
            if left := stream.text.end():
                yield Event(self._clock.now, stream.code, left, self._line)
        if self._info.exit_status is not None:
            yield Event(self._clock.now, "x", self._info.exit_status, self._line)
        conclude(source, self._line, self._tally)

    def _of(self, line: Line) -> Iterator[Event]:
        if not line.data.strip():
            return
        entry = ENTRY.fullmatch(line.data)
        if not line.is_ended:
            self._tally.cut(line.number, "The last line of the timing is incomplete and was left out.")
            return
        if entry is None:
            self._damaged("It is no line of a timing; what follows may stand at the wrong time.")
            return
        kind, rest = int(entry[1]), entry[3].strip()
        at = self._clock.at(float(entry[2].replace(b",", b".")), line.number) or 0.0
        if kind < len(STREAMS):
            if not (rest.isdigit() and len(rest) <= _LONGEST_COUNT):
                self._damaged("The number of bytes is none; what follows may stand at the wrong time.")
                return
            yield from self._data(self._streams[STREAMS[kind]], at, int(rest))
        elif kind == _SIZE:
            yield from self._size(at, rest)
        elif kind == _SUSPEND:
            name = fields.clean(rest.decode("utf-8", "replace"), 20)
            yield Event(at, "S", name if name.isdigit() else f"SIG{name}", line.number)
        elif kind == _OF_1_8_7:
            raise NotReadable(
                "unsupported_version",
                f"Line {line.number} of the timing was written by sudo 1.8.7, which numbered its streams "
                "wrong. Play it with sudoreplay inside of script(1) and upload what that records.",
                line.number,
            )
        else:
            self._damaged("Its type is unknown; what follows may stand at the wrong time.")

    def _damaged(self, reason: str) -> None:
        """From here on it can't be told which input followed which output."""
        self._tally.unreadable(self._line, "bad_timing", reason)
        self._blind = dict.fromkeys(self._blind, True)

    def _size(self, at: float, rest: bytes) -> Iterator[Event]:
        lines, _, cols = rest.decode("utf-8", "replace").partition(" ")
        size = fields.size_text(f"{cols.strip()}x{lines}", self._line, self._tally)
        if size:
            yield Event(at, "r", size, self._line)

    def _data(self, stream: _Stream, at: float, missing: int) -> Iterator[Event]:
        if stream.reader is None:
            yield from self._absent(stream, at)
            return
        while True:
            wanted = min(missing, BLOCK)
            data = stream.reader.take(wanted)
            if data or not wanted:
                yield Event(at, stream.code, stream.text.feed(self._masked(stream, data)), self._line)
            missing -= len(data)
            if len(data) < wanted:
                self._short(stream)
                return
            if not missing:
                return

    def _absent(self, stream: _Stream, at: float) -> Iterator[Event]:
        """The timing tells of a file that is not here."""
        if stream.code != "i":
            self._blind = dict.fromkeys(self._blind, True)
        if not stream.is_short_told:
            stream.is_short_told = True
            reason = f"The file {stream.name} is missing: upload it together with the timing."
            self._tally.warn(self._line, "missing_file", reason)
            yield Event(at, "g", reason, self._line)

    def _short(self, stream: _Stream) -> None:
        if stream.code != "i":
            self._blind = dict.fromkeys(self._blind, True)
        if not stream.is_short_told:
            stream.is_short_told = True
            self._tally.cut(self._line, f"The file {stream.name} ends before its timing does.")

    def _masked(self, stream: _Stream, data: bytes) -> bytes:
        if stream.code != "i":
            for other in self._inputs:
                other.mask.output(data)
            return data
        if not self._blind[stream.name]:
            return stream.mask.input(data)
        if not self._is_hiding_told:
            self._is_hiding_told = True
            reason = "Without its output a prompt for a password can't be seen: all input is masked."
            self._tally.warn(self._line, "input_masked", reason)
        return _TYPED.sub(b"*", data)

    def _untimed(self) -> Iterator[Event]:
        """The output alone: what was typed when, and after which prompt, is not known."""
        reason = "The file timing is missing: all output stands at the start, and the input was left out."
        self._tally.warn(1, "missing_file", reason)
        yield Event(0.0, "g", reason, 1)
        for name in ("ttyout", "stdout", "stderr"):
            yield from self._rest_of(self._streams[name])

    def _remains(self) -> Iterator[Event]:
        """Bytes that the timing does not tell of: output is kept, input can't be lined up with a prompt."""
        for stream in self._streams.values():
            if stream.reader is None:
                continue
            rest = stream.reader.take(1)
            if not rest:
                if stream.source is not None and stream.source.is_cut:
                    self._short(stream)
                continue
            stream.reader.give_back(rest)
            if stream.code == "i":
                reason = f"The timing ends before the file {stream.name}: the rest was left out."
                self._tally.cut(self._line, reason)
            else:
                reason = f"The timing ends before the file {stream.name}: the rest stands at its end."
                self._tally.cut(self._line, reason)
                yield from self._rest_of(stream)

    def _rest_of(self, stream: _Stream) -> Iterator[Event]:
        while stream.reader is not None and (data := stream.reader.take(BLOCK)):
            yield Event(self._clock.now, stream.code, stream.text.feed(data), self._line)


class _Nothing:
    """A file that is not there."""

    def read(self, _size: int = -1) -> bytes:
        """Nothing."""
        return b""


FORMAT = BundleFormat(KEY, "recording of sudo (its folder, also as tar or zip)", 1, recognises, read)
