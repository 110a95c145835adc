"""Session recordings made from the scripts of `data/sessions/`, in asciicast, as if somebody had typed them.

A script has a head of `key: value`, an empty line, and a body: `> ` is typed at the prompt, `~ 4` is a
pause in seconds, `prompt: …` is the next prompt, and everything else is printed. The same script gives the
same bytes.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from portal.demo.calendar import Calendar
from portal.demo.tables import DATA

_PAUSE = re.compile(r"~ (\d+)")
Event = tuple[float, str]  # seconds since the start, what the terminal shows


@dataclass(frozen=True)
class Script:
    """One session, as it was filed, and what happened in it."""

    name: str
    head: dict[str, str]
    body: tuple[str, ...]

    @property
    def day(self) -> int:
        """The day of the story on which it began."""
        return int(self.head["day"])

    @property
    def file_name(self) -> str:
        """As the recorder names it."""
        return f"{self.name}.{'json' if self.head['version'] == '1' else 'cast'}"


@cache
def scripts() -> tuple[Script, ...]:
    """All of them, in the order in which the sessions began."""
    found = [
        _script(entry.name.removesuffix(".txt"), entry.read_text("utf-8"))
        for entry in DATA.joinpath("sessions").iterdir()
        if entry.name.endswith(".txt")
    ]
    return tuple(sorted(found, key=lambda script: (script.day, script.head["time"])))


def recording(script: Script, calendar: Calendar) -> bytes:
    """The file, in the version of the format that the script names."""
    begun = int(calendar.at(script.day, script.head["time"]).timestamp())
    events = list(_events(script))
    title, (cols, rows) = script.head["title"], map(int, script.head["size"].split("x"))
    if script.head["version"] == "1":
        return _version_1(events, cols, rows, title)
    term = "xterm-256color"
    if script.head["version"] == "3":
        head = {
            "version": 3,
            "term": {"cols": cols, "rows": rows, "type": term},
            "timestamp": begun,
            "title": title,
        }
        return _lines(head, _since_the_one_before(events))
    head = {
        "version": 2,
        "width": cols,
        "height": rows,
        "timestamp": begun,
        "title": title,
        "env": {"TERM": term},
    }
    return _lines(head, events)


def _script(name: str, text: str) -> Script:
    head, _, body = text.partition("\n\n")
    said = dict(line.split(": ", 1) for line in head.splitlines())
    return Script(name, said, tuple(body.splitlines()))


def _events(script: Script) -> Iterator[Event]:
    """People type at ten keys a second, think before they do, and wait for what comes."""
    chance = random.Random(script.name)  # noqa: S311 - the rhythm of typing, always the same
    prompt, at = script.head["prompt"], 0.3
    yield at, _shown(prompt)
    lines = script.body
    for number, line in enumerate(lines):
        if line.startswith("prompt: "):
            prompt = line.removeprefix("prompt: ")
        elif pause := _PAUSE.fullmatch(line):
            at += int(pause[1])
        elif line.startswith("> "):
            at += chance.uniform(0.8, 2.5)
            for key in line.removeprefix("> "):
                at += chance.uniform(0.04, 0.17)
                yield at, key
            at += chance.uniform(0.2, 0.5)
            yield at, "\r\n"
            if _asks_at_once(lines[number + 1 :]):
                at += 0.4
                yield at, _shown(_next_prompt(prompt, lines[number + 1 :]))
        else:
            at += chance.uniform(0.1, 0.9)
            yield at, f"{line}\r\n"
            if _asks_at_once(lines[number + 1 :]):
                at += 0.3
                yield at, _shown(_next_prompt(prompt, lines[number + 1 :]))


def _asks_at_once(rest: tuple[str, ...]) -> bool:
    """Whether the next thing that is not a pause or another prompt is typed."""
    following = next((line for line in rest if not line.startswith(("~ ", "prompt: "))), "")
    return following.startswith("> ")


def _next_prompt(prompt: str, rest: tuple[str, ...]) -> str:
    for line in rest:
        if line.startswith("prompt: "):
            prompt = line.removeprefix("prompt: ")
        elif line.startswith("> "):
            break
    return prompt


def _shown(prompt: str) -> str:
    return f"{prompt.rstrip()} "


def _since_the_one_before(events: list[Event]) -> Iterator[Event]:
    before = 0.0
    for at, shown in events:
        yield at - before, shown
        before = at


def _lines(head: dict[str, object], events: Iterator[Event] | list[Event]) -> bytes:
    lines = [json.dumps(head, ensure_ascii=False)]
    lines += [json.dumps([round(at, 3), "o", shown], ensure_ascii=False) for at, shown in events]
    return ("\n".join(lines) + "\n").encode()


def _version_1(events: list[Event], cols: int, rows: int, title: str) -> bytes:
    frames = [[round(delay, 3), shown] for delay, shown in _since_the_one_before(events)]
    document = {
        "version": 1,
        "width": cols,
        "height": rows,
        "duration": round(events[-1][0], 3),
        "title": title,
        "env": {"TERM": "xterm-256color"},
        "stdout": frames,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
