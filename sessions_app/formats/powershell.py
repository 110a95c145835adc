"""Transcripts of PowerShell (`Start-Transcript`, group policy, JEA): text with its commands, and few times.

Blocks between lines of asterisks say when it started and ended, who ran it and where; with
`-IncludeInvocationHeader` one before each command says when that started. All times are local and name no
zone: the start is kept as it was written, and times within are counted from it. A command is what stands
behind a prompt `PS …>`, continued behind `>>`; in transcripts over the shoulder (JEA) what was invoked,
with its parameters. Output may look like a prompt; where there are invocation headers, only the line behind
one is a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sessions_app.formats import fields
from sessions_app.formats.events import Event, Reading, RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import Source, conclude
from sessions_app.formats.text_lines import TextLine, decoded_head, text_lines

KEY = "powershell"
LONGEST_COMMAND = 64 * 1024
HEADER_LINES = 60
HEAD = 64 * 1024

_STARS = re.compile(r"\*{20,30}\Z")
# The words of the first and last line are translated; so are the names of values. These are known.
_STARTS = re.compile(
    r"(?:Windows )?PowerShell transcript start|Start der Windows PowerShell-Aufzeichnung"
    r"|Début de la transcription Windows PowerShell|Inicio de la transcripción de Windows PowerShell"
    r"|Start van het Windows PowerShell-transcript|Inizio trascrizione Windows PowerShell",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"(?:Windows )?PowerShell transcript end|Ende der Windows PowerShell-Aufzeichnung"
    r"|Fin de la transcription Windows PowerShell|Fin de la transcripción de Windows PowerShell",
    re.IGNORECASE,
)
_INVOKED = re.compile(r"(?:Command start time|Startzeit des Befehls): ?(?P<at>[0-9]{14})\Z", re.IGNORECASE)
_INVOKED_ANYWHERE = re.compile(
    r"^(?:Command start time|Startzeit des Befehls): ?[0-9]{14}\s*$", re.MULTILINE | re.IGNORECASE
)
_VALUE = re.compile(r"(?P<name>[^:]{2,40}):\s?(?P<value>.*)\Z")
_NAMES = {
    "start time": "start",
    "startzeit": "start",
    "end time": "end",
    "endzeit": "end",
    "username": "user",
    "benutzername": "user",
    "runas user": "run_as",
    "run as user": "run_as",
    "runas-benutzer": "run_as",
    "machine": "machine",
    "computer": "machine",
    "configuration name": "configuration",
    "konfigurationsname": "configuration",
    "host application": "application",
    "hostanwendung": "application",
    "process id": "process_id",
    "prozess-id": "process_id",
    "psversion": "ps_version",
    "psedition": "ps_edition",
}
_KEPT = ("configuration", "process_id", "ps_version", "ps_edition")
_PROMPT = re.compile(r"(?:\[[^\]\n]{1,120}\]: ?)?PS(?: [^>\n]{0,260})?>(?P<command>.*)\Z", re.DOTALL)
_INVOCATION = re.compile(r"(?:>> ?)?CommandInvocation\((?P<name>[^)]{1,200})\): ?\"")
_BINDING = re.compile(
    r">> ?ParameterBinding\((?P<of>[^)]{1,200})\): name=\"(?P<name>[^\"]{1,200})\"; value=\"(?P<value>.*)\"\Z"
)
_SILENT = frozenset({"Out-Default", "Out-Host", "Out-String"})  # what the host adds to every command


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether the first line is of asterisks and the next says that a transcript starts."""
    lines = [line.strip() for line in decoded_head(head[:8192]).split("\n")[:6] if line.strip()]
    if len(lines) < 2 or not _STARS.match(lines[0]):
        return False
    has_start = any(line.lower().startswith(("start time", "startzeit")) for line in lines)
    return _STARTS.match(lines[1]) is not None or has_start


def read(source: Source) -> Reading:
    """A transcript: its lines as output, its commands, and the times that it has."""
    tally = Tally()
    head = decoded_head(source.peek(HEAD))
    values = _values(head)
    machine, _, system = values.get("machine", "").partition(" (")
    started = _local(values.get("start"))
    facts = {name: values[name] for name in _KEPT if values.get(name)}
    if system:
        facts["system"] = system.removesuffix(")")
    if started:
        facts["started"] = started.isoformat(sep=" ")
    user, run_as = values.get("user"), values.get("run_as")
    header = RecordingHeader(
        format=KEY,
        version=1,
        command=fields.text(values.get("application"), "host application", 1, tally),
        user=fields.text(user, "user", 1, tally),
        run_as=fields.text(run_as, "run-as user", 1, tally) if run_as and run_as != user else None,
        host=fields.text(machine or None, "machine", 1, tally),
        facts={name: fields.clean(value, 300) for name, value in facts.items()},
    )
    has_invocations = _INVOKED_ANYWHERE.search(head) is not None
    if not has_invocations:
        tally.warn(
            1, "no_timing", "The commands have no times: everything stands at the start of the transcript."
        )
    return Reading(
        header, _Transcript(source, started, tally, has_invocations=has_invocations).events(), tally
    )


def _values(head: str) -> dict[str, str]:
    """The values of the first block."""
    found: dict[str, str] = {}
    lines = head.split("\n")[:HEADER_LINES]
    for line in (line.strip() for line in lines[1:]):
        if _STARS.match(line):
            break
        value = _VALUE.match(line)
        name = _NAMES.get(value["name"].strip().lower()) if value else None
        if value and name:
            found.setdefault(name, value["value"].strip())
    return found


def _local(text: str | None) -> datetime | None:
    """A moment without a zone, as the transcript writes it."""
    if text is None or not re.fullmatch("[0-9]{14}", text.strip()):
        return None
    try:
        return datetime.strptime(text.strip(), "%Y%m%d%H%M%S")  # noqa: DTZ007  # the file names no zone
    except ValueError:
        return None


@dataclass(slots=True)
class _Command:
    """A command that may go on in the next line."""

    line: int
    text: str
    name: str | None = None  # of what was invoked last, over the shoulder
    invoked: list[str] = field(default_factory=list)


class _Transcript:
    """The lines one after the other: blocks, commands, output."""

    def __init__(
        self, source: Source, started: datetime | None, tally: Tally, *, has_invocations: bool
    ) -> None:
        self._source, self._started, self._tally = source, started, tally
        self._has_invocations = has_invocations
        self._clock = fields.Clock(tally, is_relative=False)
        self._command: _Command | None = None
        self._is_block = self._is_expected = self._is_over = False
        self._block_was_invocation = False

    def events(self) -> Iterator[Event]:
        """The text as output with its line ends, commands where they stand."""
        number = 1
        for line in text_lines(self._source, self._tally):
            number = line.number
            yield from self._line(line)
            yield Event(self._clock.now, "o", line.text + ("\r\n" if line.is_ended else ""), line.number)
        yield from self._finish()
        if not self._is_over:
            self._tally.cut(number, "The transcript has no end: PowerShell was stopped, or it is running.")
        conclude(self._source, number, self._tally)

    def _line(self, line: TextLine) -> Iterator[Event]:
        text = line.text.rstrip()
        if _STARS.match(text):
            yield from self._finish()
            self._is_block = not self._is_block
            if not self._is_block:
                self._is_expected, self._block_was_invocation = self._block_was_invocation, False
            return
        if self._is_block and not (self._command is None and _PROMPT.match(text)):
            self._in_block(text, line.number)
            return
        self._is_block = False
        if self._command is not None and text.startswith(">>"):
            self._go_on(self._command, text)
            return
        yield from self._finish()
        prompt = _PROMPT.match(text)
        if prompt and (self._is_expected or not self._has_invocations):
            self._begin(prompt["command"].strip(), line.number)
        if text:
            self._is_expected = False

    def _in_block(self, text: str, number: int) -> None:
        if invoked := _INVOKED.match(text):
            self._at(invoked["at"], number)
            self._block_was_invocation = True
        elif _ENDS.match(text):
            self._is_over = True
        elif _STARTS.match(text) and self._is_over:
            self._is_over = False
            reason = "Another transcript is appended; its text was read, its header was not."
            self._tally.warn(number, "appended", reason)
        elif (value := _VALUE.match(text)) and _NAMES.get(value["name"].strip().lower()) == "end":
            self._is_over = True
            self._at(value["value"].strip(), number)

    def _at(self, written: str, line: int) -> None:
        moment = _local(written)
        if moment and self._started:
            self._clock.at((moment - self._started).total_seconds(), line)

    def _begin(self, text: str, line: int) -> None:
        if text:
            self._command = _Command(line, text[:LONGEST_COMMAND])
            self._invoke(self._command, text)

    def _go_on(self, command: _Command, text: str) -> None:
        if command.name is None:
            if len(command.text) < LONGEST_COMMAND:
                command.text += "\n" + text[2:].removeprefix(" ")
            return
        bound = _BINDING.match(text)
        if bound is None:
            self._invoke(command, text)
        elif bound["of"] == command.name and command.name not in _SILENT and len(command.invoked) < 200:
            command.invoked.append(f'-{bound["name"]} "{bound["value"][:1000]}"')

    def _invoke(self, command: _Command, text: str) -> None:
        """The first of a pipeline, or the next one."""
        found = _INVOCATION.match(text)
        if found:
            command.name = found["name"]
            if command.name not in _SILENT and len(command.invoked) < 200:
                command.invoked += ["|", command.name] if command.invoked else [command.name]

    def _finish(self) -> Iterator[Event]:
        command, self._command = self._command, None
        if command is None or (command.name is not None and not command.invoked):
            return
        text = " ".join(command.invoked) or command.text
        yield Event(self._clock.now, "c", fields.clean(text.strip(), LONGEST_COMMAND), command.line)


FORMAT = Format(KEY, "transcript of PowerShell", 1, recognises, read)
