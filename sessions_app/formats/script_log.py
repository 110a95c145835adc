"""A recording of script(1): a typescript with its timing, and the input where that was recorded too.

Two kinds of timing: classic, `DELAY BYTES` for the one stream of output; and multi-stream, `I`, `O` (bytes
of input, output), `S` (a signal; SIGWINCH has the new size) and `H` (name and value) with their delay.
Input and output stand in files of their own or, with `script -B`, in one. Which file is which is told by
the header entries, else by how many bytes the timing asks of each. The timing alone says what is where:
bytes that it does not tell of are kept at the end, and what it tells of that is not there cuts the
recording.

Input holds passwords also where the terminal did not show them: what follows a prompt is masked.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations

from sessions_app.formats import fields, typescript
from sessions_app.formats.events import Event, Reading, Tally
from sessions_app.formats.format import BundleFormat
from sessions_app.formats.lines import BLOCK, Limits, Line, Source, conclude, numbered
from sessions_app.formats.parts import Part
from sessions_app.formats.password_mask import PasswordMask
from sessions_app.formats.terminal_bytes import ByteReader, TerminalText
from sessions_app.formats.typescript import CLASSIC, STREAMED, TAIL, Rest, Said

KEY = "script"
_CODES = {"O": "o", "I": "i"}
_NAMES = {"O": "output", "I": "input"}
_OF_LAST_LINE = 70  # bytes, about


@dataclass(slots=True)
class _Stream:
    """One direction: its bytes, and its characters that may be cut between events."""

    reader: ByteReader | None
    text: TerminalText = field(default_factory=TerminalText)
    is_missing_told: bool = False


@dataclass(slots=True)
class _Files:
    """Which file is what; output and input may be the same."""

    timing: Part
    output: Part | None = None
    input: Part | None = None


def recognises(heads: Mapping[str, bytes]) -> bool:
    """Whether exactly one file is a timing, and one of the others a typescript."""
    timings = [name for name, head in heads.items() if typescript.is_timing(head)]
    others = (head for name, head in heads.items() if name not in timings)
    return len(timings) == 1 and any(typescript.starts_like_typescript(head) for head in others)


def read(files: Mapping[str, Part], limits: Limits) -> Reading:
    """The recording that these files are together."""
    tally = Tally()
    name = next(name for name, part in files.items() if typescript.is_timing(part.head()))
    others = {other: part for other, part in files.items() if other != name}
    timing = files[name]
    head = timing.head()
    is_streamed = STREAMED.match(head.split(b"\n")[0]) is not None
    said = _said(head) if is_streamed else Said()
    found = _assigned(timing, others, said, limits) if is_streamed else _classic(timing, others)
    for other, part in others.items():
        if part not in (found.output, found.input):
            tally.warn(1, "extra_file", f"One file is no part of the recording: {fields.clean(other, 100)}.")
    main = ByteReader(Source(found.output.open(), limits)) if found.output else None
    of_line = typescript.said_by(typescript.first_line(main)) if main else Said()
    for key, value in of_line.values.items():
        said.take(key, value)
    said.started_at = said.started_at or of_line.started_at
    said.started_text = None if said.started_at else of_line.started_text
    header = said.header(KEY, 2 if is_streamed else 1, tally)
    streams = {"O": _Stream(main), "I": _Stream(_input_of(found, main, limits))}
    return Reading(header, _Log(timing, streams, limits, tally).events(), tally)


def _said(head: bytes) -> Said:
    said = Said()
    for line in head.split(b"\n"):
        entry = STREAMED.match(line)
        if entry is None or entry[1] != b"H":
            break
        name, _, value = entry[3].decode("utf-8", "replace").partition(" ")
        said.take(name, value)
    return said


def _classic(timing: Part, others: Mapping[str, Part]) -> _Files:
    """The typescript; of several the one named as the timing is."""
    started = [part for part in others.values() if typescript.starts_like_typescript(part.head(TAIL))]
    stem = timing.base_name.partition(".")[0]
    started.sort(
        key=lambda part: (part.base_name.partition(".")[0] != stem, part.name.lower().endswith(".in"))
    )
    return _Files(timing, started[0])


def _assigned(timing: Part, others: Mapping[str, Part], said: Said, limits: Limits) -> _Files:
    """Output and input by the names that the recorder gave them, else by their sizes."""
    names = {role: said.values.get(f"{_NAMES[role].upper()}_LOG", "") for role in "OI"}
    bases = {role: name.rpartition("/")[2] for role, name in names.items()}
    by_base = {part.base_name: part for part in others.values()}
    named = {role: by_base[base] for role, base in bases.items() if base in by_base}
    if len(named) == sum(map(bool, bases.values())) > 0:
        return _Files(timing, named.get("O"), named.get("I"))
    candidates = [part for part in others.values() if typescript.starts_like_typescript(part.head(TAIL))]
    wanted = _totals(timing, limits)
    sizes = {part.name: _body_size(part, limits) for part in candidates[:8]}
    if bases["O"] and bases["O"] == bases["I"]:
        both = sum(wanted.values())
        part = min(candidates, key=lambda part: abs(sizes.get(part.name, 0) - both))
        return _Files(timing, part, part)
    roles = [role for role in "OI" if wanted[role]] or ["O"]
    pool: list[Part | None] = [*candidates[:8], *[None] * max(0, len(roles) - len(candidates))]

    def distance(choice: Iterable[Part | None]) -> int:
        pairs = zip(roles, choice, strict=True)
        return sum(abs((sizes[part.name] if part else 0) - wanted[role]) for role, part in pairs)

    best = dict(zip(roles, min(permutations(pool, len(roles)), key=distance), strict=True))
    return _Files(timing, best.get("O"), best.get("I"))


def _totals(timing: Part, limits: Limits) -> dict[str, int]:
    totals = {"O": 0, "I": 0}
    with timing.open() as stream:
        for line in numbered(Source(stream, limits)):
            entry = STREAMED.match(line.data)
            if entry and entry[1] in (b"O", b"I") and entry[3].isdigit() and len(entry[3]) <= 15:
                totals[entry[1].decode()] += int(entry[3])
    return totals


def _body_size(part: Part, limits: Limits) -> int:
    """How many bytes stand between the first and the last line, about."""
    with part.open() as stream:
        reader = ByteReader(Source(stream, limits))
        typescript.first_line(reader)
        start = reader.offset
        while reader.take(BLOCK):
            pass
        return reader.offset - start - _OF_LAST_LINE


def _input_of(found: _Files, main: ByteReader | None, limits: Limits) -> ByteReader | None:
    if found.input is None or found.input is found.output:
        return main if found.input else None
    reader = ByteReader(Source(found.input.open(), limits))
    typescript.first_line(reader)
    return reader


class _Log:
    """The timing, read line by line, and the streams that it is the timing of."""

    def __init__(self, timing: Part, streams: dict[str, _Stream], limits: Limits, tally: Tally) -> None:
        self._source = Source(timing.open(), limits)
        self._streams, self._tally = streams, tally
        self._clock = fields.Clock(tally, is_relative=True)
        self._is_hiding_told, self._line = False, 1
        self._mask = PasswordMask()
        if "O" not in streams or streams["O"].reader is None:
            self._hide_input()
        self._exit: str | None = None

    def events(self) -> Iterator[Event]:
        """The events in the order of the timing, then what it does not tell of, then the exit."""
        for line in numbered(self._source):
            self._line = line.number
            entry = self._entry(line)
            if entry is None:
                continue
            kind, at, rest = entry
            match kind:
                case "O" | "I":
                    yield from self._data(kind, at, rest)
                case "S":
                    yield from self._signal(at, rest)
                case _:
                    self._named(rest)
        yield from self._remains()
        if self._exit is not None:
            yield Event(self._clock.now, "x", self._exit, self._line)
        conclude(self._source, self._line, self._tally)

    def _entry(self, line: Line) -> tuple[str, float, bytes] | None:
        """Kind, time and the rest of a line, or None after saying what is wrong with it."""
        if not line.data.strip():
            return None
        streamed, classic = STREAMED.match(line.data), CLASSIC.match(line.data)
        if streamed:
            kind, delay, rest = streamed[1].decode(), streamed[2], streamed[3].strip()
        elif classic:
            kind, delay, rest = "O", classic[1], classic[2]
        elif line.is_ended:
            reason = "It is no timing; what follows may stand at the wrong time."
            self._tally.unreadable(line.number, "bad_timing", reason)
            return None
        else:
            self._tally.cut(line.number, "The last line of the timing is incomplete and was left out.")
            return None
        at = self._clock.at(float(delay.replace(b",", b".")), line.number)
        if kind in _CODES and not (rest.isdigit() and len(rest) <= 15):
            reason = "The number of bytes is none; what follows may stand at the wrong time."
            self._tally.unreadable(line.number, "bad_timing", reason)
            return None
        return kind, at or 0.0, rest

    def _data(self, kind: str, at: float, rest: bytes) -> Iterator[Event]:
        stream, missing = self._streams[kind], int(rest)
        if stream.reader is None:
            if not stream.is_missing_told:
                stream.is_missing_told = True
                reason = f"The file of the {_NAMES[kind]} is missing: upload it together with the timing."
                self._tally.warn(self._line, "missing_file", reason)
                yield Event(at, "g", reason, self._line)
            return
        while True:
            wanted = min(missing, BLOCK)
            data = stream.reader.take(wanted)
            if data or not wanted:
                seen = self._mask.output(data) if kind == "O" else self._mask.input(data)
                yield Event(at, _CODES[kind], stream.text.feed(seen), self._line)
            missing -= len(data)
            if len(data) < wanted:
                if kind == "O":
                    self._hide_input()
                if not stream.is_missing_told:
                    stream.is_missing_told = True
                    self._tally.cut(
                        self._line, f"The file of the {_NAMES[kind]} ends before its timing does."
                    )
                return
            if not missing:
                return

    def _hide_input(self) -> None:
        if not self._is_hiding_told and "I" in self._streams and self._streams["I"].reader is not None:
            self._is_hiding_told = True
            reason = "Without its output a prompt for a password can't be seen: all input is masked."
            self._tally.warn(self._line, "input_masked", reason)
        self._mask.hide_all()

    def _signal(self, at: float, rest: bytes) -> Iterator[Event]:
        name, _, values = rest.decode("utf-8", "replace").partition(" ")
        if name != "SIGWINCH":
            yield Event(at, "S", fields.clean(name, 40), self._line)
            return
        sides = dict(part.split("=", 1) for part in values.split() if "=" in part)
        size = fields.size_text(f"{sides.get('COLS', '')}x{sides.get('ROWS', '')}", self._line, self._tally)
        if size:
            yield Event(at, "r", size, self._line)

    def _named(self, rest: bytes) -> None:
        name, _, value = rest.decode("utf-8", "replace").partition(" ")
        if name == "EXIT_CODE":
            self._exit = value.strip()

    def _remains(self) -> Iterator[Event]:
        """Bytes that the timing does not tell of, and what the last line of the typescript says."""
        output = self._streams["O"]
        if output.reader is None:
            return
        rest = Rest(output.reader)
        for piece in rest.body():
            if not self._tally.is_truncated:
                self._tally.cut(self._line, "The timing ends before the output: the rest stands at its end.")
            yield Event(self._clock.now, "o", output.text.feed(piece), self._line)
        if left := output.text.end():
            yield Event(self._clock.now, "o", left, self._line)
        rest.judge(self._line, self._tally)
        self._exit = self._exit or rest.exit_status


FORMAT = BundleFormat(KEY, "recording of script(1) with its timing", 1, recognises, read)
