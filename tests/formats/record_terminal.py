"""Records a shell that is driven key by key: how the casts in tests/data/formats/terminals were made.

    python -m tests.formats.record_terminal scenario.json out.cast

A scenario holds `argv`, `keys` (texts, typed key by key; a list of one text is sent at once; a list of two
numbers resizes the terminal), and where they differ from the usual `env`, `cols`, `rows` and `home`. The
expected commands are written by hand, as the shell accepted them.
"""

import codecs
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from typing import Any

BETWEEN_KEYS, QUIET, LONGEST_WAIT = 0.006, 0.25, 8.0


class Recorder:
    """One shell, and what went by."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.events: list[tuple[float, str, str]] = []
        self._size = (scenario.get("cols", 80), scenario.get("rows", 24))
        self._begun, self._is_alive = time.monotonic(), True
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        home = scenario.get("home", str(Path.home()))
        usual = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            os.chdir(home)
            os.execvpe(scenario["argv"][0], scenario["argv"], {**usual, **scenario.get("env", {})})
        self._resize(*self._size)

    def run(self, keys: list[Any]) -> None:
        self._listen(0.6)
        for key in keys:
            if isinstance(key, str):
                for one in _keys(key):
                    self._send(one)
                    self._listen(BETWEEN_KEYS)
            elif len(key) == 1:
                self._send(key[0])
            else:
                self._resize(*key)
                self._note("r", f"{key[0]}x{key[1]}")
            self._listen(QUIET)
        os.kill(self._child, signal.SIGHUP)
        os.close(self._terminal)
        os.waitpid(self._child, 0)

    def lines(self) -> list[str]:
        header = {"version": 2, "width": self._size[0], "height": self._size[1]}
        return [json.dumps(one) + "\n" for one in (header, *self.events)]

    def _note(self, code: str, data: str) -> None:
        self.events.append((round(time.monotonic() - self._begun, 6), code, data))

    def _send(self, text: str) -> None:
        if self._is_alive:
            self._note("i", text)
            os.write(self._terminal, text.encode())

    def _resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def _listen(self, quiet: float) -> None:
        """Keep what comes until nothing has come for a while."""
        until = time.monotonic() + LONGEST_WAIT
        while self._is_alive and time.monotonic() < until:
            if not select.select([self._terminal], [], [], quiet)[0]:
                return
            try:
                data = os.read(self._terminal, 65536)
            except OSError:
                data = b""
            self._is_alive = bool(data)
            if text := self._decoder.decode(data):
                self._note("o", text)


def _keys(text: str) -> list[str]:
    """Arrow keys whole, everything else character by character."""
    keys: list[str] = []
    for character in text:
        if keys and keys[-1] in ("\x1b", "\x1b["):
            keys[-1] += character
        else:
            keys.append(character)
    return keys


def main() -> None:
    scenario = json.loads(Path(sys.argv[1]).read_text())
    recorder = Recorder(scenario)
    recorder.run(scenario["keys"])
    Path(sys.argv[2]).write_text("".join(recorder.lines()))


if __name__ == "__main__":
    main()
