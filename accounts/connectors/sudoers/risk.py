"""What the commands of a sudo rule amount to: which of them open a shell, and what that means as root."""

import re
from dataclasses import dataclass, field

from accounts.connectors.records import Mark
from accounts.connectors.sudoers.syntax import Command


def _each(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SHELLS = _each(
    "sh bash dash ash zsh ksh mksh csh tcsh fish rbash busybox sudo doas login newgrp sg screen tmux pkexec"
)
_EDITORS = _each(
    "vi vim view vimdiff rvim nvim nano pico emacs ed ex joe jed mcedit mc micro crontab visudo vipw vigr"
)
_PAGERS = _each("less more most pg man journalctl systemctl git dmesg info lynx elinks w3m mail mutt")
_INTERPRETERS = _each(
    "python perl ruby lua node nodejs php awk gawk mawk nawk expect tclsh wish irb jjs jrunscript java gdb "
    "R octave "
    "guile make cmake ansible ansible-playbook puppet salt-call"
)
_RUNNERS = _each(
    "find xargs env nice ionice nohup timeout watch time strace ltrace script flock stdbuf setarch taskset "
    "chroot "
    "unshare nsenter capsh runuser setpriv start-stop-daemon systemd-run at batch run-parts ssh scp sftp "
    "rsync tar "
    "zip ftp mysql psql sqlite3 docker podman nerdctl ctr kubectl lxc lxd virsh tcpdump nmap socat nc ncat "
    "apt "
    "apt-get aptitude dpkg rpm yum dnf zypper snap pip pip3 npm gem cpan logrotate openvpn wireshark split "
    "sort"
)
_WRITERS = _each(
    "tee dd cp mv install ln chmod chown chgrp sed cat-edit patch curl wget mount insmod modprobe setfacl"
)
_ACCOUNTS = _each(
    "passwd chpasswd useradd userdel usermod adduser deluser rmuser groupadd groupmod groupdel gpasswd "
    "chsh chfn chage"
)
_FOLDERS = _each("/bin/ /sbin/ /usr/bin/ /usr/sbin/ /usr/local/bin/ /usr/local/sbin/")
_VERSION = re.compile(r"-?\d+(?:\.\d+)*$")
_GLOB = re.compile(r"(?<!\\)[*?\[]")
# These never show a pager, whatever they are asked for.
_VERBS = _each(
    "start stop restart reload try-restart reload-or-restart enable disable daemon-reload is-active kill mask"
)
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a rule is privileged, why, and what can go wrong."""

    is_privileged: bool | None
    because: str
    marks: tuple[Mark, ...] = ()
    risk: str | None = None


@dataclass(slots=True)
class _Findings:
    reasons: list[str] = field(default_factory=list)
    marks: dict[Mark, None] = field(default_factory=dict)
    opens_shell: bool = False


def judge(target: str | None, commands: tuple[Command, ...], *, no_password: bool, noexec: bool) -> Judgement:
    """`target` is the account the commands run as: root and ALL stand for root, None for who calls."""
    is_root = target in ("root", "ALL", "#0")
    found = _Findings()
    for one in commands:
        if not one.is_negated:
            _look(one, found, is_root=is_root, noexec=noexec)
    if any(one.path == "ALL" and not one.is_negated for one in commands) or no_password:
        found.marks["unconfined"] = None
    reasons = list(dict.fromkeys(found.reasons))
    more = (
        [f"{len(reasons) - _MOST_REASONS} more commands like these"] if len(reasons) > _MOST_REASONS else []
    )
    said = "; ".join([*reasons[:_MOST_REASONS], *more])
    risk = _risk(commands, found, no_password=no_password)
    if is_root:
        plain = [one.text for one in commands if not one.is_negated][:_MOST_REASONS]
        words = f"Runs as root: {said or ', '.join(plain)[:500]}."
        return Judgement(True, words, tuple(found.marks), risk)
    who = "the caller" if target is None else target
    if found.opens_shell and target is not None:
        return Judgement(True, f"Opens everything that {who} may do: {said}.", tuple(found.marks), risk)
    return Judgement(
        None, f"What {who} may do with these commands is not in this file.", tuple(found.marks), risk
    )


def _look(one: Command, found: _Findings, *, is_root: bool, noexec: bool) -> None:
    if one.path == "ALL":
        found.reasons.append("every command")
        found.opens_shell = True
        found.marks |= {"admin": None, "wildcard": None} if is_root else {"wildcard": None}
        return
    if one.path.endswith("/") or _GLOB.search(one.path) or one.path.startswith("^"):
        is_open = one.path in _FOLDERS or not one.path.endswith("/")
        found.reasons.append(f"every programme that matches {one.path}")
        found.opens_shell = found.opens_shell or is_open
        found.marks |= {"wildcard": None, "admin": None} if is_root and is_open else {"wildcard": None}
        return
    if one.path == "sudoedit":
        found.reasons.append(f"edits {one.arguments or 'every file'}")
        if is_root and (not one.arguments or _is_open(one.arguments)):
            found.marks["escalate"] = None
        return
    name = _VERSION.sub("", one.path.rpartition("/")[2]) or one.path
    if name == "su":
        _su(one, found, is_root=is_root)
    elif words := _kind(name, is_fixed=_is_fixed(one, name), noexec=noexec):
        found.reasons.append(f"{one.path} {words}")
        opens = name not in _WRITERS and name not in _ACCOUNTS
        found.opens_shell = found.opens_shell or opens
        if is_root:
            found.marks |= _marks(name)


def _is_fixed(one: Command, name: str) -> bool:
    """The arguments are given word for word, so the caller chooses nothing."""
    if name == "systemctl":
        verb = (one.arguments or "").partition(" ")[0]
        return verb in _VERBS
    return bool(one.arguments) and not _is_open(one.arguments or "")


def _kind(name: str, *, is_fixed: bool, noexec: bool) -> str | None:
    """What makes a programme more than it looks; nothing if its arguments are fixed and it stays in them."""
    if is_fixed and name not in _EDITORS and name not in (_PAGERS - {"systemctl", "git"}):
        return None
    editor = "is an editor" + (", which may write other files too" if noexec else " that opens a shell")
    kinds = [
        (_SHELLS, "is a shell"),
        (_INTERPRETERS, "runs programmes that the caller writes"),
        (_ACCOUNTS, "changes accounts or their passwords"),
        (_WRITERS, "writes files of the caller's choice"),
        (_EDITORS, editor),
    ]
    if not noexec:
        kinds += [(_PAGERS, "is a pager that opens a shell"), (_RUNNERS, "starts other programmes")]
    return next((words for names, words in kinds if name in names), None)


def _marks(name: str) -> dict[Mark, None]:
    if name in _SHELLS:
        return {"admin": None}
    return {"iam_write": None} if name in _ACCOUNTS else {"escalate": None}


def _su(one: Command, found: _Findings, *, is_root: bool) -> None:
    """`su` alone opens root; with a fixed name it opens that account."""
    names = [word for word in (one.arguments or "").split() if not word.startswith("-")]
    fixed = names[0] if names and not _is_open(one.arguments or "") else None
    if fixed is not None and fixed != "root":
        found.reasons.append(f"{one.path} opens a session as {fixed}")
    else:
        found.reasons.append(
            f"{one.path} opens a session as any account" if fixed is None else f"{one.path} opens root"
        )
        found.opens_shell = True
        if is_root:
            found.marks["admin"] = None


def _is_open(arguments: str) -> bool:
    return arguments.startswith("^") or _GLOB.search(arguments) is not None


def _has_wildcard(arguments: str | None) -> bool:
    return arguments is not None and not arguments.startswith("^") and _GLOB.search(arguments) is not None


def _risk(commands: tuple[Command, ...], found: _Findings, *, no_password: bool) -> str | None:
    risks: list[str] = []
    if any(one.is_negated for one in commands) and any(
        one.path == "ALL" or one.path.endswith("/") for one in commands
    ):
        risks.append(
            "What is forbidden with “!” is easily got round: a copy under another name is not forbidden."
        )
    wild = next((one.path for one in commands if not one.is_negated and _has_wildcard(one.arguments)), None)
    if wild is not None:
        risks.append(
            f"A wildcard in the arguments of {wild} matches spaces too, so more arguments fit than meant."
        )
    if no_password and found.opens_shell:
        risks.append("Whoever gets at the caller's session has this right without a password.")
    return " ".join(risks) or None
