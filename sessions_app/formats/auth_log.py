"""Logs of signing in: sshd, sudo, su and PAM in syslog, sudo's own log file, and sudo's events as JSON.

What makes calls one session, as far as such a log tells:
- of sshd: the lines of one process from `Accepted` on, until its session is closed or the number comes again;
- of sudo and su: the calls of one user on one terminal (without one: of one process) on one day as written.
Everything else, refused attempts to sign in among it, belongs to none.

Traditional lines have no year and no zone. They keep their moment as it was written (fact `written`) and
have no time of ours: whoever matches them must say which year is meant.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from sessions_app.formats import fields, sudo_events
from sessions_app.formats.auth_messages import SSHD, Said, said, sudo, without_end
from sessions_app.formats.events import RecordingHeader, Tally
from sessions_app.formats.format import Format
from sessions_app.formats.lines import BOM, Source, conclude
from sessions_app.formats.logs import NO_SESSION, Entry, LogReading, LogSession
from sessions_app.formats.syslog_lines import CONTINUED, Logged, joined, logged

KEY = "auth_log"
OPEN_KEPT = 10_000  # sessions, and commands of sudo that wait for their end
LINES_LOOKED_AT = 40


def recognises(head: bytes, _name: str = "") -> bool:
    """Whether one of the first lines is one of those that are known, and the first is a line of syslog."""
    if sudo_events.recognises(head):
        return True
    lines = head.removeprefix(BOM).split(b"\n")[:LINES_LOOKED_AT]
    texts = [line.decode("utf-8", "replace") for line in lines if line.strip()]
    if not texts:
        return False
    if _bare(texts[0]):
        return True
    whole: list[str] = []
    for text in texts:
        if whole and text.startswith(CONTINUED.decode()):
            whole[-1] += " " + text.strip()
        else:
            whole.append(text)
    found = [logged(1, text) for text in whole]
    return found[0] is not None and any(one and _is_known(one) for one in found)


def read(source: Source) -> LogReading:
    """The calls of a log of signing in."""
    tally = Tally()
    if sudo_events.recognises(source.peek(64 * 1024)):
        return LogReading(RecordingHeader(KEY, 1), sudo_events.calls(source, tally), tally)
    return LogReading(RecordingHeader(KEY, 1), _Log(source, tally).calls(), tally)


def _is_known(line: Logged) -> bool:
    return line.message.startswith(sudo_events.IN_SYSLOG) or said(line.program, line.message) is not None


def _bare(text: str) -> bool:
    """Whether a line is what sudo writes behind the moment and the user."""
    return text.startswith(("HOST=", "TTY=")) and sudo(text) is not None


class _Log:
    """Reads line by line; knows which sessions are open and which commands of sudo wait for their end."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source, self._tally = source, tally
        self._open: OrderedDict[tuple[str | None, str, str], LogSession] = OrderedDict()
        self._running: OrderedDict[tuple[str | None, str | None, str, str], int] = OrderedDict()
        self._has_year_told = False
        self._other = 0

    def calls(self) -> Iterator[tuple[Entry, LogSession]]:
        """The calls, each with its session."""
        number = 1
        for line in joined(self._source):
            number = line.number
            body = line.data.strip(b"\0 \t")
            if not body:
                continue
            text = body.decode("utf-8", "replace")
            found = logged(number, text)
            told = said(found.program, found.message) if found else None
            if found is None and _bare(text):
                found = Logged(number, None, "", None, "sudo", None, text)
                told = sudo(text)
            if found is not None and found.message.startswith(sudo_events.IN_SYSLOG):
                yield from sudo_events.of_text(found.message, number, self._tally)
            elif found is not None and told is not None:
                yield self._call(found, told)
            elif found is None and not line.is_ended:
                self._tally.cut(number, "The last line is incomplete and was left out.")
            elif found is None:
                self._tally.unreadable(number, "not_a_log_line", "It is no line of syslog.")
            else:
                self._other += 1
        if self._other:
            reason = (
                f"{self._other:,} lines are of other programs, or say what is not known, and were left out."
            )
            self._tally.warn(number, "other_lines", reason)
        conclude(self._source, number, self._tally)

    def _call(self, line: Logged, told: Said) -> tuple[Entry, LogSession]:
        if line.at is None and not self._has_year_told:
            self._has_year_told = True
            reason = (
                "The moments have no year or no zone: they stay as they were written, without a time of ours."
            )
            self._tally.warn(line.line, "time_without_year", reason)
        if told.may_be_end:
            told = self._ended(line, told)
        elif told.command and told.is_allowed:
            self._wait(line, told)
        host = told.host or line.host
        host = fields.clean(host, 255) if host else None
        session = self._session(line, told, host)
        facts = {**told.facts, **({"written": line.written} if line.at is None and line.written else {})}
        if session.key == NO_SESSION and told.user:
            facts["user"] = told.user
        entry = Entry(
            session=session.key,
            at=line.at,
            action=f"{line.program}: {told.action}" if told.action != line.program else line.program,
            line=line.line,
            target=told.target,
            command=told.command,
            is_allowed=told.is_allowed,
            outcome=told.outcome,
            source_address=told.address,
            facts={name: fields.clean(value, 500) for name, value in facts.items()},
        )
        return entry, session

    def _key(self, line: Logged, told: Said, command: str) -> tuple[str | None, str | None, str, str]:
        return (line.host or told.host, told.user, told.facts.get("terminal", ""), command)

    def _wait(self, line: Logged, told: Said) -> None:
        key = self._key(line, told, told.command or "")
        self._running[key] = self._running.pop(key, 0) + 1
        if len(self._running) > OPEN_KEPT:
            self._running.popitem(last=False)

    def _ended(self, line: Logged, told: Said) -> Said:
        """The end of a command that was told of before; else a command of which only this line is there."""
        command = without_end(told.command or "")
        key = self._key(line, told, command)
        count = self._running.pop(key, 0)
        if count > 1:
            self._running[key] = count - 1
        if count:
            return replace(told, action="sudo ended", command=None)
        return told

    def _session(self, line: Logged, told: Said, host: str | None) -> LogSession:
        if line.program in SSHD:
            return self._of_process(line, told, host)
        place = (host, line.program, line.pid or "")
        terminal = told.facts.get("terminal")
        is_change = told.command is not None or told.may_be_end or told.action in ("su", "sudo ended")
        if not is_change or not told.user or not (terminal or line.pid):
            return self._open.get(place) or LogSession(NO_SESSION, host=host)
        key = "/".join((line.program, host or "", told.user, terminal or f"[{line.pid}]", line.day))
        session = LogSession(
            key=fields.clean(key, 600),
            user=told.user,
            run_as=told.target,
            host=host,
            is_interactive=bool(terminal) and terminal != "unknown",
            facts={"terminal": terminal} if terminal else {},
        )
        self._keep(place, session)
        return session

    def _keep(self, place: tuple[str | None, str, str], session: LogSession) -> None:
        """What PAM says later under the same number is about this session."""
        self._open[place] = session
        if len(self._open) > OPEN_KEPT:
            self._open.popitem(last=False)

    def _of_process(self, line: Logged, told: Said, host: str | None) -> LogSession:
        place = (host, "sshd", line.pid or "")
        current = self._open.get(place)
        if told.opens and line.pid and (current is None or told.action == "accepted"):
            user = told.user if told.action == "accepted" else told.target
            facts = {name: told.facts[name] for name in ("method", "key") if name in told.facts}
            if told.address:
                facts["source_address"] = told.address
            current = LogSession(
                f"sshd/{host or ''}/{line.pid}/{line.line}", user=user, run_as=None, host=host, facts=facts
            )
            self._keep(place, current)
        if current is None:
            return LogSession(NO_SESSION, host=host)
        if told.closes:
            del self._open[place]
        return current


FORMAT = Format(KEY, "log of signing in (sshd, sudo, su)", 1, recognises, read)
