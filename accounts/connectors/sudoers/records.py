"""Rules of sudo as records: users are accounts, groups and netgroups are groups, a rule is *may act as*.

Equal rules of several users are one entitlement. Its key is made of what it allows and not of where it
stands, so that it stays the same when the file is sorted anew or a remark moves.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.connectors.records import Account, Entitlement, Grant, Inclusion, Record
from accounts.connectors.sudoers.policy import Rule
from accounts.connectors.sudoers.risk import judge

_KEY = 480  # characters of a key; longer ones end in a digest
_MOST_COMMANDS = 12  # in words
_WHOSE = (
    ("rootpw", "root"),
    ("targetpw", "the account it runs as"),
    ("runaspw", "the account that is the default"),
)
_SETTINGS = (
    ("noexec", "yes", "The commands may not start others (noexec)."),
    ("setenv", "yes", "The caller may set the environment (setenv)."),
    ("intercept", "yes", "What the commands start is checked too (intercept)."),
    ("requiretty", "yes", "Only from a terminal (requiretty)."),
    ("use_pty", "yes", "It runs in a terminal of its own (use_pty)."),
    ("use_pty", "no", "It keeps the caller's terminal (use_pty is off)."),
)


@dataclass(slots=True)
class _Term:
    line: int
    starts_at: datetime | None
    ends_at: datetime | None


class Records:
    """Collects rules and hands over records in the order that they need."""

    def __init__(self) -> None:
        self._accounts: dict[str, int] = {}
        self._groups: dict[str, int] = {}
        self._rights: dict[str, Entitlement] = {}
        self._grants: dict[tuple[str, str], _Term] = {}
        self._inclusions: dict[tuple[str, str], int] = {}

    def add(self, rule: Rule) -> None:
        """Note a rule and whom it is for."""
        is_group = rule.subject == "ALL" or rule.subject[:1] in ("%", "+")
        right = _right(rule, with_term=is_group)
        self._rights.setdefault(right.external_id, right)
        if is_group:
            self._groups.setdefault(rule.subject, rule.line)
            self._inclusions.setdefault((rule.subject, right.external_id), rule.line)
            return
        self._accounts.setdefault(rule.subject, rule.line)
        term = self._grants.get((rule.subject, right.external_id))
        if term is None:
            self._grants[rule.subject, right.external_id] = _Term(rule.line, rule.starts_at, rule.ends_at)
        else:  # of two terms of the same right the wider one holds
            term.starts_at = _wider(term.starts_at, rule.starts_at, is_end=False)
            term.ends_at = _wider(term.ends_at, rule.ends_at, is_end=True)

    def __iter__(self) -> Iterator[Record]:
        for name, line in self._accounts.items():
            yield Account(
                external_id=name, name=name[:256], line=line, kind="role" if name in ("root", "#0") else None
            )
        for name, line in self._groups.items():
            yield _group(name, line)
        yield from self._rights.values()
        for (account, right), term in self._grants.items():
            yield Grant(
                account=account,
                entitlement=right,
                line=term.line,
                starts_at=term.starts_at,
                ends_at=term.ends_at,
            )
        for (group, right), line in self._inclusions.items():
            yield Inclusion(parent=group, child=right, line=line)


def _right(rule: Rule, *, with_term: bool) -> Entitlement:
    settings = dict(rule.settings)
    no_password = settings.get("authenticate") == "no"
    noexec = settings.get("noexec") == "yes"
    acts_as = _acts_as(rule)
    judged = judge(acts_as, rule.commands, no_password=no_password, noexec=noexec)
    text = ", ".join(("!" if one.is_negated else "") + one.text for one in rule.commands)
    who = _who(rule)
    flags = _flags(rule, with_term=with_term)
    name = f"{who} on {rule.host}: {text}"
    return Entitlement(
        external_id=_key(f"{who} on {rule.host}: {text}{flags}"),
        name=_cut(name + (" (no password)" if no_password else ""), 256),
        kind="right" if acts_as is None else "act_as",
        line=rule.line,
        plain_words=_words(rule, settings, with_term=with_term)[:4000],
        is_privileged=judged.is_privileged,
        because=judged.because,
        acts_as=acts_as,
        acts_on=_cut(rule.host, 200),
        reach="sudo",
        marks=judged.marks,
        risk=judged.risk,
    )


def _acts_as(rule: Rule) -> str | None:
    """Any account means root, which `sudo` takes if nobody is named; uid 0 is root by another name."""
    target = rule.target
    if target.user == "ALL":
        return "root" if not {"root", "#0"} & set(target.excluded) else "ALL except root"
    return "root" if target.user == "#0" else target.user


def _who(rule: Rule) -> str:
    target = rule.target
    without = f" except {', '.join(target.excluded)}" if target.excluded else ""
    groups = f" with group {', '.join(target.groups)}" if target.groups else ""
    if target.user is None:
        return f"caller{groups}"
    name = "any account" if target.user == "ALL" else target.user
    if target.user == "ALL" and target.groups == ("ALL",):
        groups = ""
    return f"{name}{without}{groups}"


def _flags(rule: Rule, *, with_term: bool) -> str:
    """What makes two rules with the same commands different rights."""
    settings = dict(rule.settings)
    flags = ["no password"] if settings.get("authenticate") == "no" else []
    flags += [name for name in ("noexec", "setenv", "intercept") if settings.get(name) == "yes"]
    flags += [f"{name}={value}" for name, value in rule.options if name not in ("NOTBEFORE", "NOTAFTER")]
    flags += [f"not {name}" for name in rule.excluded]
    if with_term and (rule.starts_at or rule.ends_at):
        flags.append(f"{rule.starts_at or ''} to {rule.ends_at or ''}")
    if any(one.has_digest for one in rule.commands):
        flags.append("digest")
    return f" [{'; '.join(flags)}]" if flags else ""


def _words(rule: Rule, settings: dict[str, str], *, with_term: bool) -> str:
    """The rule for somebody who has never seen a sudoers file."""
    said = [_what(rule), _password(settings), _recorded(settings)]
    said += [words for name, value, words in _SETTINGS if settings.get(name) == value]
    if any(one.has_digest for one in rule.commands):
        said.append("Some commands must have a given checksum.")
    said += [f"{name} is {value}." for name, value in rule.options if name not in ("NOTBEFORE", "NOTAFTER")]
    if rule.excluded:
        said.append(f"Not for {', '.join(rule.excluded)}.")
    if with_term and (rule.starts_at or rule.ends_at):
        start = f" from {rule.starts_at:%Y-%m-%d %H:%M} UTC" if rule.starts_at else ""
        end = f" until {rule.ends_at:%Y-%m-%d %H:%M} UTC" if rule.ends_at else ""
        said.append(f"In force{start}{end} only.")
    return " ".join(words for words in said if words)


def _password(settings: dict[str, str]) -> str:
    if settings.get("authenticate") == "no":
        return "No password is asked for."
    whose = next((words for name, words in _WHOSE if settings.get(name) == "yes"), None)
    shared = f"The password asked for is that of {whose}, so it is shared. " if whose else ""
    return (shared + _timeout(settings.get("timestamp_timeout"))).strip()


def _what(rule: Rule) -> str:
    allowed = [one.text for one in rule.commands if not one.is_negated]
    denied = [one.text for one in rule.commands if one.is_negated]
    what = "every command" if "ALL" in allowed else _list(allowed)
    but = f" except {_list(denied)}" if denied else ""
    target = rule.target
    who = {None: "oneself", "ALL": "any account (root too)"}.get(target.user, str(target.user))
    if target.excluded:
        who = f"any account except {', '.join(target.excluded)}"
    groups = ""
    if target.groups and not (target.user == "ALL" and target.groups == ("ALL",)):
        named = "any group" if "ALL" in target.groups else f"the group {', '.join(target.groups)}"
        groups = f" with {named}"
    where = "every host that has these rules" if rule.host == "ALL" else rule.host
    return f"May run {what}{but} as {who}{groups} on {where}."


def _recorded(settings: dict[str, str]) -> str:
    output, typed = settings.get("log_output"), settings.get("log_input")
    if output == "yes" or typed == "yes":
        what = " and ".join(name for name, on in (("output", output), ("input", typed)) if on == "yes")
        return f"sudo records its {what}."
    if output == "no":
        return "sudo does not record it: that is switched off."
    return "Nothing in this file has sudo record it."


def _timeout(said: str | None) -> str:
    if said in (None, "yes"):
        return ""
    if said == "no" or said.strip().rstrip("0").rstrip(".") == "":
        return "The password is asked for every time."
    if said.startswith("-"):
        return "The password is asked for once and never again (timestamp_timeout is negative)."
    return f"The password is asked for again after {said[:10]} minutes."


def _group(name: str, line: int) -> Entitlement:
    kind = (
        "Every user of the hosts that have these rules."
        if name == "ALL"
        else f"The netgroup {name[1:]}."
        if name[0] == "+"
        else f"The group {name[1:].lstrip(':')}."
    )
    return Entitlement(
        external_id=_key(name),
        name=name[:256],
        kind="group",
        line=line,
        plain_words=kind if name == "ALL" else f"{kind} Who is in it is not in this file.",
    )


def _wider(one: datetime | None, other: datetime | None, *, is_end: bool) -> datetime | None:
    if one is None or other is None:
        return None
    return max(one, other) if is_end else min(one, other)


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_COMMANDS} more" if len(names) > _MOST_COMMANDS else ""
    return ", ".join(names[:_MOST_COMMANDS]) + more


def _key(text: str) -> str:
    if len(text) <= _KEY:
        return text
    return f"{text[: _KEY - 70]} … {hashlib.sha256(text.encode()).hexdigest()}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
