"""What an AWS policy document lets its holder do, judged from the document itself.

Privileged is: every action; a whole service on everything; any change to IAM; handing a role to a service
(`iam:PassRole`); assuming any role; and actions that run code or read secrets under other rights. The
judgement errs towards privileged: a condition, a resource limit or a Deny is mentioned, not weighed.
The mark `admin` stands for everything, so no other mark but `wildcard` stands beside it where all is allowed.
"""

import fnmatch
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args
from urllib.parse import unquote

from accounts.connectors.records import Mark

# Managed by AWS and known without their documents: why, and what of them decides.
_KNOWN: dict[str, tuple[str, dict[str, object]]] = {
    "AdministratorAccess": ("allows every action on every resource", {"Action": "*"}),
    "PowerUserAccess": (
        "allows every action outside IAM, organizations and account settings",
        {"NotAction": ["iam:*", "organizations:*", "account:*"]},
    ),
    "IAMFullAccess": ("allows every change to IAM", {"Action": "iam:*"}),
}
# Beyond IAM: actions on everything that act with other rights, open secrets or switch off the trail.
_RISKY: dict[str, tuple[str, Mark | None]] = {
    "lambda:updatefunctioncode": ("changes code that runs with another role", "escalate"),
    "lambda:updatefunctionconfiguration": ("changes code that runs with another role", "escalate"),
    "glue:updatedevendpoint": ("opens a machine that runs with another role", "exec"),
    "cloudformation:updatestack": ("changes resources with the stack's role", "escalate"),
    "sagemaker:createpresignednotebookinstanceurl": (
        "opens a notebook that runs with another role",
        "exec",
    ),
    "ssm:sendcommand": ("runs commands on machines", "exec"),
    "ssm:startsession": ("opens shells on machines", "exec"),
    "ec2-instance-connect:sendsshpublickey": ("opens shells on machines", "exec"),
    "ec2-instance-connect:sendserialconsolesshpublickey": ("opens consoles of machines", "exec"),
    "ecs:executecommand": ("runs commands in containers", "exec"),
    "secretsmanager:getsecretvalue": ("reads every secret", "secrets_read"),
    "secretsmanager:putresourcepolicy": ("opens secrets to others", "iam_write"),
    "kms:putkeypolicy": ("changes who may use keys", "iam_write"),
    "kms:creategrant": ("lets others use keys", "iam_write"),
    "s3:putbucketpolicy": ("changes who may use buckets", "iam_write"),
    "cloudtrail:stoplogging": ("switches off the trail", None),
    "cloudtrail:deletetrail": ("switches off the trail", None),
    "sso:createaccountassignment": ("gives people access to accounts", "iam_write"),
    "sso-directory:addmembertogroup": ("gives people access to accounts", "iam_write"),
    "organizations:attachpolicy": ("changes what accounts may do", "iam_write"),
    "sts:assumerole": ("assumes any role that trusts this account", None),
}
# Changes to IAM by which one gives oneself, or takes from another, what one does not have.
_ESCALATING = tuple(
    f"iam:{verb}"
    for verb in (
        *("createpolicyversion", "setdefaultpolicyversion", "addusertogroup", "updateassumerolepolicy"),
        *("attachuserpolicy", "attachgrouppolicy", "attachrolepolicy", "putuserpolicy", "putgrouppolicy"),
        *("putrolepolicy", "createaccesskey", "createloginprofile", "updateloginprofile"),
    )
)
_ORDER: tuple[Mark, ...] = get_args(Mark)
_READS = ("get", "list", "generate", "simulate")
# Writes to IAM that only make or remove what AWS services need for themselves.
_HARMLESS_WRITES = ("iam:createservicelinkedrole", "iam:deleteservicelinkedrole", "iam:changepassword")
_BROAD = re.compile(r"\*|(?:role|user|group|policy|function|instance|key|secret)[:/]\*")
_SELF = re.compile(r"\$\{aws:(?:username|userid)\}", re.IGNORECASE)
_STARS = re.compile(r"\*+")
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """Privileged or not, or unknown, and why in words and as marks."""

    is_privileged: bool | None
    because: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reason:
    weight: int  # the heaviest is 0
    words: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Statement:
    label: str
    is_allow: bool
    actions: tuple[str, ...]  # with wildcards
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    has_not_resource: bool
    condition: str  # in words, empty without one

    @property
    def is_broad(self) -> bool:
        """On everything, or on everything of a kind; a statement that names no resource is taken for that."""
        return (
            self.has_not_resource
            or not self.resources
            or any(_is_broad(resource) for resource in self.resources)
        )

    @property
    def is_own_only(self) -> bool:
        """Only on the caller's own user."""
        return not self.has_not_resource and bool(self.resources) and all(map(_SELF.search, self.resources))

    def excepts(self, action: str) -> bool:
        """Whether NotAction leaves the action out of what is allowed."""
        return any(_matches(action, pattern) for pattern in self.not_actions)

    def where(self) -> str:
        """The resources in words; broad ones need none."""
        if self.is_broad:
            return ""
        return f" on {_listed(self.resources, 2)}"


def judge(document: object) -> Judgement:
    """Judge a policy document: an object, or its JSON text, URL-encoded as the bare API hands it over."""
    statements = _statements(document)
    if statements is None:
        return Judgement(None, "The policy document could not be read, so nobody knows what it allows.")
    found = sorted(_reasons(statements), key=lambda reason: reason.weight)
    if not found:
        return Judgement(False, _harmless(statements))
    unique = list(dict.fromkeys(reason.words for reason in found))
    more = f"; and {len(unique) - _MOST_REASONS} more" if len(unique) > _MOST_REASONS else ""
    because = "; ".join(unique[:_MOST_REASONS]) + more + "."
    if any(not statement.is_allow for statement in statements):
        because += " Its Deny statements were not weighed against this."
    return Judgement(True, because[0].upper() + because[1:], _marks(found))


def judge_managed(arn: str) -> Judgement:
    """Judge a policy whose document is not in the file: three of AWS's own are known by name."""
    name = arn.rpartition("/")[2]
    if ":iam::aws:policy/" in arn and name in _KNOWN:
        words, _ = _KNOWN[name]
        return Judgement(
            True,
            f"Managed by AWS: {words}. Its document is not in the file; it is known by its name.",
            judge(known_document(arn)).marks,
        )
    return Judgement(None, "The policy's document is not in the file, so nobody knows what it allows.")


def known_document(arn: str) -> dict[str, object] | None:
    """What decides in a policy of AWS that is known by its name; None for any other."""
    name = arn.rpartition("/")[2]
    if ":iam::aws:policy/" not in arn or name not in _KNOWN:
        return None
    return {"Statement": [{"Effect": "Allow", "Resource": "*", **_KNOWN[name][1]}]}


def as_document(document: object) -> dict[str, object] | None:
    """The document as an object, whichever way it came."""
    if isinstance(document, str):
        try:
            document = json.loads(unquote(document) if document.lstrip()[:1] == "%" else document)
        except (ValueError, RecursionError):
            return None
    return document if isinstance(document, dict) else None


def texts(value: object) -> tuple[str, ...]:
    """AWS writes one text or a list of them."""
    if isinstance(value, str):
        return (value,)
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


def statement_list(document: dict[str, object]) -> list[dict[str, object]] | None:
    """The statements; a single one may stand without a list. None if they are no statements."""
    found = document.get("Statement")
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(part, dict) for part in found):
        return None
    return found


def label_of(statement: dict[str, object], number: int) -> str:
    """How a reason names the statement: by its Sid, else by its number."""
    sid = statement.get("Sid")
    return f"statement “{sid[:60]}”" if isinstance(sid, str) and sid else f"statement {number}"


def condition_of(statement: dict[str, object]) -> str:
    """`, only if DateLessThan aws:TokenIssueTime holds`; empty without a condition."""
    condition = statement.get("Condition")
    if not isinstance(condition, dict) or not condition:
        return ""
    tests = [f"{test} {key}" for test, keys in condition.items() if isinstance(keys, dict) for key in keys]
    return f", only if {_listed(tuple(tests), 2)} holds" if tests else ", under a condition"


def _statements(document: object) -> list[_Statement] | None:
    readable = as_document(document)
    parts = statement_list(readable) if readable is not None else None
    if parts is None:
        return None
    return [
        _Statement(
            label=label_of(part, number),
            is_allow=part.get("Effect") != "Deny",
            actions=tuple(_STARS.sub("*", action) for action in texts(part.get("Action"))),
            not_actions=texts(part.get("NotAction")),
            resources=texts(part.get("Resource")),
            has_not_resource="NotResource" in part,
            condition=condition_of(part),
        )
        for number, part in enumerate(parts, 1)
    ]


def _reasons(statements: list[_Statement]) -> Iterator[_Reason]:
    for statement in statements:
        if statement.is_allow:
            for reason in _allowed(statement):
                yield _Reason(
                    reason.weight, f"{reason.words} ({statement.label}{statement.condition})", reason.marks
                )


def _allowed(statement: _Statement) -> Iterator[_Reason]:
    if statement.not_actions:
        yield _all_but(statement)
    if any(set(action) <= {"*", ":"} for action in statement.actions):
        yield (
            _Reason(0, "allows every action on every resource", ("admin", "wildcard"))
            if statement.is_broad
            else _Reason(1, f"allows every action{statement.where()}", ("wildcard",))
        )
        return
    services = [action[:-2] for action in statement.actions if action.endswith(":*")]
    wide = tuple(service for service in services if statement.is_broad or _matches("iam", service))
    if wide:
        words = f"allows all of {_listed(wide, 4)}{statement.where()}"
        yield _Reason(2, words, tuple(_of_services(wide, is_broad=statement.is_broad)))
    yield from _singly(statement, [action for action in statement.actions if not action.endswith(":*")])


def _all_but(statement: _Statement) -> _Reason:
    words = f"allows everything except {_listed(statement.not_actions, 3)}{statement.where()}"
    marks: list[Mark] = ["wildcard"]
    if statement.is_broad:
        if not all(statement.excepts(action) for action in _ESCALATING):
            marks += ["admin", "iam_write"]
        if not statement.excepts("iam:passrole"):
            marks.append("pass_role")
        marks += [mark for action, (_, mark) in _RISKY.items() if mark and not statement.excepts(action)]
    return _Reason(1, words, tuple(marks))


def _of_services(services: tuple[str, ...], *, is_broad: bool) -> Iterator[Mark]:
    """What it means to hold all actions of a service; on one resource only IAM's matter."""
    if any(_matches("iam", service) for service in services):
        yield "iam_write"
        yield "pass_role"
        if is_broad:
            yield "admin"
    if is_broad:
        yield "wildcard"
        for action, (_, mark) in _RISKY.items():
            if mark and any(_matches(action, f"{service}:*") for service in services):
                yield mark


def _singly(statement: _Statement, actions: list[str]) -> Iterator[_Reason]:
    """Actions by name, or by a pattern inside one service."""
    if any(_matches("iam:passrole", action) for action in actions):
        words = f"allows iam:PassRole{statement.where()}, which hands a role to a service"
        yield _Reason(3, words, ("pass_role",))
    changes = tuple(one for one in actions if one.lower() != "iam:passrole" and _changes_iam(one.lower()))
    if changes and not statement.is_own_only:
        gains = statement.is_broad and any(_matches(one, change) for one in _ESCALATING for change in changes)
        yield _Reason(
            4,
            f"allows changes to IAM: {_listed(changes, 3)}{statement.where()}",
            ("iam_write", "escalate") if gains else ("iam_write",),
        )
    if statement.is_broad:
        for action, (words, mark) in _RISKY.items():
            if (pattern := next((one for one in actions if _matches(action, one)), None)) is not None:
                yield _Reason(5, f"allows {pattern}, which {words}", (mark,) if mark else ())


def _marks(reasons: list[_Reason]) -> tuple[Mark, ...]:
    """In the order of the records; what allows everything needs no smaller ones."""
    found = {mark for reason in reasons for mark in reason.marks}
    if reasons[0].weight == 0:
        found = {"admin", "wildcard"}
    return tuple(mark for mark in _ORDER if mark in found)


def _changes_iam(action: str) -> bool:
    """An IAM action, or a pattern that matches some, which is not one of the reading ones."""
    service, _, verb = action.partition(":")
    if not _matches("iam", service) or action in _HARMLESS_WRITES:
        return False
    return not verb.startswith(_READS)


def _is_broad(resource: str) -> bool:
    parts = resource.split(":", 5)
    last = parts[5] if len(parts) == 6 and parts[0] in ("arn", "*") else resource
    return _BROAD.fullmatch(last) is not None


@lru_cache(maxsize=8192)
def _matches(name: str, pattern: str) -> bool:
    """AWS wildcards: * and ?. Brackets mean nothing there."""
    return fnmatch.fnmatchcase(name, pattern.lower().replace("[", "[[]"))


def _harmless(statements: list[_Statement]) -> str:
    if not any(statement.is_allow for statement in statements):
        return "Its document only denies."
    return (
        "Its document allows no whole service, no change to IAM, no handing over or assuming of all roles, "
        "and nothing that runs code or opens secrets everywhere."
    )


def _listed(names: tuple[str, ...], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name[:120] for name in names[:most]) + more
