"""The commands of a recording, found while its events go by.

    with Extraction(reading.header) as commands:
        for event in commands.watching(reading):
            …
        found = commands.finish()

The work is done in a child process (see `engine.py`), one frame behind the reader. If the child dies or
does not answer, what it found stays, a notice says up to where, and only what needs no screen goes on.
"""

import json
import marshal
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sessions_app.formats.commands import marks
from sessions_app.formats.commands.accepted import LONGEST
from sessions_app.formats.commands.found import CONFIDENCES, METHODS, Command, Confidence, Method
from sessions_app.formats.events import OUTPUT_CODES, Event, Notice, RecordingHeader
from sessions_app.formats.fields import clean

FRAME_CHARACTERS = 256 * 1024
FRAME_EVENTS = 8_192
MOST_COMMANDS = 200_000
LONGEST_ANSWER = 64 * 1024 * 1024

_USED = OUTPUT_CODES | {"i", "r", "c"}
_DECEPTIVE = re.compile("[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the child may take, in seconds."""

    start: float = 30.0
    frame: float = 60.0


class _Stopped(Exception):
    """The child is gone, or does not answer."""


class Extraction:
    """Commands out of one recording; `notices` and `prompts` are complete after `finish`."""

    def __init__(
        self,
        header: RecordingHeader,
        *,
        patience: Patience = Patience(),
        program: tuple[str, ...] = (sys.executable, "-P", "-m", "sessions_app.formats.commands.engine"),
    ) -> None:
        self.notices: list[Notice] = []
        self.prompts = 0
        self._header, self._patience, self._program = header, patience, program
        self._ready: list[Command] = []
        self._count = 0
        self._frame: list[tuple[float, str, str, int]] = []
        self._size = 0
        self._latest = Event(0.0, "o", "", 0)
        self._child: subprocess.Popen[bytes] | None = None
        self._is_waiting = self._is_started = self._is_over = self._has_output = False
        self._received = b""
        self._told = _Told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def watching(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events, looked at while they pass."""
        for event in events:
            self.take(event)
            yield event

    def take(self, event: Event) -> None:
        code = event.code
        if code not in _USED or self._is_over:
            return
        self._latest = event
        self._has_output = self._has_output or code != "i"
        self._frame.append((event.at, "o" if code == "e" else code, event.data, event.line))
        self._size += len(event.data)
        if self._size > FRAME_CHARACTERS or len(self._frame) >= FRAME_EVENTS:
            self._send()

    def found(self) -> list[Command]:
        """The commands that became certain since the last time."""
        ready, self._ready = self._ready, []
        return ready

    def finish(self) -> list[Command]:
        """What remains, after the last event."""
        if not self._is_over:
            self._send()
            self._end()
            self._is_over = True
            if self._has_output and not (self.prompts or self._count or self.notices):
                self._note(
                    "commands_not_recoverable",
                    "No prompt and no mark of a shell was recognised, so no commands are listed. "
                    "What was shown can be searched in the transcript.",
                )
        self.close()
        return self.found()

    def close(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait()

    # Talking to the child

    def _send(self) -> None:
        frame, self._frame, self._size = self._frame, [], 0
        if not frame:
            return
        try:
            if not self._is_started:
                self._start()
            if self._child is not None:
                self._await_answer()
                self._write(marshal.dumps(frame))
                self._is_waiting = True
                return
        except _Stopped:
            self._note_stopped(frame)
        self._keep(self._told.told(frame))

    def _end(self) -> None:
        if self._child is not None:
            try:
                self._await_answer()
                self._write(b"")
                self._is_waiting = True
                self._await_answer()
            except _Stopped:
                self._note_stopped([])
        else:
            self.prompts += self._told.count

    def _start(self) -> None:
        self._is_started = True
        if sys.platform == "win32":  # for which there is no engine, and whose pipes cannot be waited for
            self._note_missing()
            return
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
        for name in ("SYSTEMROOT", "LD_LIBRARY_PATH"):
            if name in os.environ:
                environment[name] = os.environ[name]
        try:
            self._child = subprocess.Popen(
                self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
            )
        except OSError:
            raise _Stopped from None
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        if self._answer(self._patience.start).get("engine") is not True:
            self._note_missing()
            self.close()
            return
        self._write(marshal.dumps((self._header.cols, self._header.rows)))

    def _await_answer(self) -> None:
        if not self._is_waiting:
            return
        self._is_waiting = False
        answer = self._answer(self._patience.frame)
        self._keep(_command(value) for value in _list(answer.get("commands")))
        prompts = answer.get("prompts")
        if isinstance(prompts, int):
            self.prompts = max(prompts, 0)

    def _answer(self, seconds: float) -> dict[str, object]:
        """One line from the child, checked to be what it should be."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            block = self._read(deadline)
            self._received += block
            if not block or len(self._received) > LONGEST_ANSWER:
                raise _Stopped
        line, _, self._received = self._received.partition(b"\n")
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise _Stopped from None
        if not isinstance(value, dict):
            raise _Stopped
        return value

    def _read(self, deadline: float) -> bytes:
        pipe = self._child.stdout if self._child is not None else None
        if pipe is None:
            return b""
        if not select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
            return b""
        return pipe.read(1024 * 1024) or b""

    def _write(self, data: bytes) -> None:
        pipe = self._child.stdin if self._child is not None else None
        if pipe is None:
            raise _Stopped
        view = memoryview(len(data).to_bytes(4, "big") + data)
        deadline = time.monotonic() + self._patience.frame
        while view:
            if not select.select([], [pipe], [], max(deadline - time.monotonic(), 0))[1]:
                raise _Stopped
            try:
                view = view[pipe.write(view) or 0 :]
            except OSError:
                raise _Stopped from None

    # What comes of it

    def _keep(self, commands: Iterable[Command | None]) -> None:
        for command in commands:
            if command is None:
                raise _Stopped
            if self._count == MOST_COMMANDS:
                self._note("too_many_commands", f"Only the first {MOST_COMMANDS:,} commands are listed.")
            self._count += 1
            if self._count <= MOST_COMMANDS:
                self._ready.append(command)

    def _note_stopped(self, frame: list[tuple[float, str, str, int]]) -> None:
        at = frame[0][0] if frame else self._latest.at
        self._note(
            "engine_stopped",
            f"The terminal engine stopped at about {at:.1f} s; commands after that are listed only where "
            "the recorder or the shell told of them.",
        )
        self.close()

    def _note_missing(self) -> None:
        self._note(
            "engine_missing",
            "Commands are not recoverable from the screen here: the terminal engine is not installed. "
            "Only commands that the recorder or the shell told of are listed.",
        )

    def _note(self, code: str, reason: str) -> None:
        self.notices.append(Notice(self._latest.line, code, reason))


class _Told:
    """What needs no screen: commands that the recorder observed, and lines that the shell tells."""

    def __init__(self) -> None:
        self.count = 0
        self._carried = ""

    def told(self, frame: list[tuple[float, str, str, int]]) -> Iterator[Command]:
        for at, code, data, line in frame:
            if code == "c":
                self.count += 1
                yield _safe(at, data, "recorder", "high", line=line)
            elif code == "o":
                whole, self._carried = marks.cut(self._carried + data)
                for mark in marks.MARK.finditer(whole):
                    found = marks.told(mark["code"], mark["payload"]) if mark["code"] else None
                    if found is not None and found.text.strip():
                        self.count += 1
                        yield _safe(at, found.text, found.method, "high", line=line)


def _safe(
    at: float,
    text: str,
    method: Method,
    confidence: Confidence,
    *,
    is_aborted: bool = False,
    line: int = 0,
    prompt: str = "",
) -> Command:
    """A command whose texts can be stored and shown."""
    text = _DECEPTIVE.sub("\ufffd", clean(text, LONGEST)).strip()
    return Command(
        at, text, method, confidence, is_aborted, line, _DECEPTIVE.sub("\ufffd", clean(prompt, 300))
    )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise _Stopped
    return value


def _command(value: object) -> Command | None:
    match value:
        case [int() | float() as at, str() as text, str() as method, str() as confidence, bool() as aborted,
              int() as line, str() as prompt]:  # fmt: skip
            known = next((one for one in METHODS if one == method), None)
            sure = next((one for one in CONFIDENCES if one == confidence), None)
            if known and sure:
                return _safe(float(at), text, known, sure, is_aborted=aborted, line=line, prompt=prompt)
    return None


def extract(events: Iterable[Event], header: RecordingHeader) -> Iterator[Command]:
    """The commands of a recording whose events serve nothing else."""
    with Extraction(header) as extraction:
        for event in events:
            extraction.take(event)
            yield from extraction.found()
        yield from extraction.finish()
