"""What sshd, sudo, su, login and PAM say in their messages, as parts of a call.

Kept is what is listed here. The name of a user whom the host does not know is left out: people type
passwords there. So is `ENV=` of sudo. A command of sudo goes to the end of the line and may itself look
like what sudo writes behind it; only the caller knows whether an end was to be expected. (OpenSSH auth.c;
sudoers(5); pam_unix.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sessions_app.formats.fields import MAX_TEXT, clean

SSHD = frozenset({"sshd", "sshd-session", "sshd-auth"})
SUDO = frozenset({"sudo", "sudoedit"})

_ACCEPTED = re.compile(
    r"Accepted (?P<method>[\w/.-]{1,60}) for (?P<user>\S{1,255}) from "
    r"(?P<address>\S{1,80}) port (?P<port>\d{1,5})(?: ssh2)?(?:: (?P<key>.{1,300}))?"
)
_FAILED = re.compile(
    r"(?:Failed|Postponed) (?P<method>[\w/.-]{1,60}) for (?P<unknown>invalid user )?(?P<user>.{0,255}?) "
    r"from (?P<address>\S{1,80}) port (?P<port>\d{1,5})"
)
_UNKNOWN = re.compile(
    r"(?:Invalid|Illegal) user .{0,255}? ?from (?P<address>\S{1,80})(?: port (?P<port>\d{1,5}))?"
)
_SESSION = re.compile(
    r"(?:pam_\w{1,40}\((?P<service>[\w.-]{1,60}):session\): )?session (?P<what>opened|closed) for user "
    r"(?P<user>[^\s(]{1,255})(?:\(uid=\d{1,10}\))?(?: by (?P<by>[^\s(]{0,255})\(uid=(?P<uid>\d{1,10})\))?"
)
_ENDED = re.compile(
    r"(?:Disconnected from|Connection closed by|Received disconnect from) (?:(?:user|authenticating user) "
    r"(?P<user>\S{1,255}) )?(?P<address>[0-9a-fA-F.:]{3,45}) port (?P<port>\d{1,5})"
)
_NO_IDENT = re.compile(r"Did not receive identification string from (?P<address>[0-9a-fA-F.:]{3,45})")
_SU = re.compile(
    r"(?P<failed>FAILED SU )?\(to (?P<target>[^\s)]{1,255})\) (?P<user>\S{1,255}) on (?P<tty>\S{1,60})"
)
_OLD_SU = re.compile(r"(?P<result>Successful|FAILED) su for (?P<target>\S{1,255}) by (?P<user>\S{1,255})")
_NEW_OBJECT = re.compile(r"new (?P<what>user|group): name=(?P<name>[^,\s]{1,255})")
_LOGIND = re.compile(r"New session (?P<number>\S{1,40}) of user (?P<user>\S{1,255}?)\.?\s*\Z")
_COMMAND = re.compile(r"(?:\A| ; )COMMAND=")
_END = re.compile(r" ; (?:EXIT=(?P<exit>\d{1,5})|SIGNAL=(?P<signal>\w{1,20}))(?: ; EXIT=\d{1,5})?\s*\Z")
_SUDO_FIELD = re.compile(r"(?P<name>[A-Z]{2,12})=(?P<value>.*)", re.DOTALL)
_SUDO_KEPT = {"TTY": "terminal", "PWD": "cwd", "CWD": "cwd", "TSID": "recording", "GROUP": "group"}


@dataclass(frozen=True, slots=True)
class Said:
    """A message as parts of a call. `may_be_end`: it says how a command of before came to its end."""

    action: str
    user: str | None = None  # who did it
    target: str | None = None  # whom or what it is about
    host: str | None = None
    command: str | None = None
    is_allowed: bool | None = None
    outcome: str | None = None
    address: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    may_be_end: bool = False
    opens: bool = False  # a session under the number of this process
    closes: bool = False


def said(program: str, message: str) -> Said | None:
    """What a message says; None when it is none of those that are known."""
    message = clean(message, 64 * 1024)
    if program in SUDO:
        return sudo(message) or _session(message)
    if program in SSHD:
        return _sshd(message) or _session(message)
    if program in ("su", "su-l", "runuser"):
        return _su(message) or _session(message)
    if program == "systemd-logind" and (found := _LOGIND.match(message)):
        return Said("new session", user=found["user"], facts={"login_session": found["number"]})
    if found := _NEW_OBJECT.match(message):
        return Said(f"new {found['what']}", target=found["name"], is_allowed=True)
    return _session(message)


def _sshd(message: str) -> Said | None:
    if found := _ACCEPTED.match(message):
        facts = {
            "method": found["method"],
            "port": found["port"],
            **({"key": found["key"]} if found["key"] else {}),
        }
        return Said(
            "accepted", found["user"], is_allowed=True, address=found["address"], facts=facts, opens=True
        )
    if found := _FAILED.match(message):
        target = None if found["unknown"] or not found["user"] or " " in found["user"] else found["user"]
        facts = {"method": found["method"], "port": found["port"]}
        if message.startswith("Postponed"):
            return Said("postponed", target=target, address=found["address"], facts=facts)
        return Said("failed", target=target, is_allowed=False, address=found["address"], facts=facts)
    if found := _UNKNOWN.match(message):
        facts = {"port": found["port"]} if found["port"] else {}
        return Said("invalid user", is_allowed=False, address=found["address"], facts=facts)
    if found := _ENDED.match(message):
        return Said(
            "disconnected", target=found["user"], address=found["address"], facts={"port": found["port"]}
        )
    if found := _NO_IDENT.match(message):
        return Said("no identification", address=found["address"])
    return None


def _session(message: str) -> Said | None:
    found = _SESSION.match(message)
    if found is None:
        return None
    is_open = found["what"] == "opened"
    facts = {"service": found["service"]} if found["service"] else {}
    return Said(
        f"session {found['what']}",
        user=found["by"] or None,
        target=found["user"],
        is_allowed=True if is_open else None,
        facts=facts,
        opens=is_open,
        closes=not is_open,
    )


def _su(message: str) -> Said | None:
    if found := _SU.match(message):
        return Said(
            "su",
            found["user"],
            found["target"],
            is_allowed=not found["failed"],
            facts={"terminal": found["tty"]},
        )
    if found := _OLD_SU.match(message):
        return Said("su", found["user"], found["target"], is_allowed=found["result"] == "Successful")
    return None


def sudo(message: str) -> Said | None:
    """`user : [reason ; ]TTY=… ; PWD=… ; USER=… ; COMMAND=…[ ; EXIT=…]`, or the part behind the user."""
    user, colon, rest = message.lstrip().partition(" : ")
    if not colon or "=" in user:
        user, rest = "", message
    command = _COMMAND.search(rest)
    if command is None or len(user) > 255:
        return None
    values: dict[str, str] = {}
    reasons: list[str] = []
    for piece in rest[: command.start()].split(" ; "):
        found = _SUDO_FIELD.fullmatch(piece.strip())
        if found:
            values.setdefault(found["name"], found["value"])
        elif piece.strip():
            reasons.append(piece.strip())
    line = rest[command.end() :].strip()
    end = _END.search(line)
    facts = {ours: values[theirs][:500] for theirs, ours in _SUDO_KEPT.items() if values.get(theirs)}
    return Said(
        "sudo",
        user=user.strip() or None,
        target=values.get("USER"),
        host=values.get("HOST"),
        command=line[:MAX_TEXT] or None,
        is_allowed=not reasons,
        outcome="; ".join(reasons)[:500] if reasons else _ending(end),
        facts=facts,
        may_be_end=end is not None and not reasons,
    )


def without_end(command: str) -> str:
    """A command line of sudo without what sudo writes about its end."""
    end = _END.search(command)
    return command[: end.start()] if end else command


def _ending(end: re.Match[str] | None) -> str | None:
    if end is None:
        return None
    return f"exit {end['exit']}" if end["exit"] else f"signal {end['signal']}"
