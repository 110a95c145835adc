"""The child process: reads events from its standard input, writes the commands it finds to standard output.

The terminal engine is native code and the bytes are hostile, so it works here, with a bounded share of
memory and processor time, without files, and without anything of its parent's environment. Frames come in
as four bytes of length and a marshalled list; an empty one ends the recording. Each is answered by one line
of JSON, because what such a process says must not be trusted either.
"""

import importlib
import json
import marshal
import sys
from typing import Any, BinaryIO

from sessions_app.formats.commands.found import Command

MEMORY = 1024 * 1024 * 1024
PROCESSOR = 1_800  # seconds
LARGEST_FRAME = 64 * 1024 * 1024

Frame = list[tuple[float, str, str, int]]


def main() -> None:
    """Answer every frame until there are no more."""
    ladder_type = _loaded()
    _limit()
    source, target = sys.stdin.buffer, sys.stdout.buffer
    _say(target, {"engine": ladder_type is not None})
    if ladder_type is None:
        return
    cols, rows = marshal.loads(_frame(source))  # noqa: S302 - our own parent wrote it
    ladder = ladder_type(cols, rows)
    while frame := _frame(source):
        _work(ladder, marshal.loads(frame))  # noqa: S302 - as above
        _say(target, {"commands": _drained(ladder)})
    ladder.end()
    _say(target, {"commands": _drained(ladder), "prompts": ladder.accepted.prompts})


def _loaded() -> Any:
    """The class that does the work, or None where there is no engine for it."""
    try:
        return importlib.import_module("sessions_app.formats.commands.ladder").Ladder
    except (ImportError, OSError):
        return None


def _limit() -> None:
    """Windows knows no such limits; there, the parent's patience is what remains."""
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return
    for kind, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


def _work(ladder: Any, events: Frame) -> None:
    output = ladder.output
    for at, code, data, line in events:
        if code == "o":
            output(at, data, line)
        elif code == "i":
            ladder.input(data)
        elif code == "r":
            cols, _, rows = data.partition("x")
            ladder.resize(int(cols), int(rows))
        elif code == "c":
            ladder.recorded(at, data, line)


def _drained(ladder: Any) -> list[list[object]]:
    ready: list[Command] = ladder.accepted.ready
    found: list[list[object]] = [
        [one.at, one.text, one.method, one.confidence, one.aborted, one.line, one.prompt] for one in ready
    ]
    ready.clear()
    return found


def _frame(source: BinaryIO) -> bytes:
    head = source.read(4)
    size = int.from_bytes(head, "big")
    return source.read(size) if len(head) == 4 and size <= LARGEST_FRAME else b""


def _say(target: BinaryIO, value: dict[str, object]) -> None:
    target.write(json.dumps(value).encode() + b"\n")
    target.flush()


if __name__ == "__main__":
    main()
