"""What an AWS policy document lets its holder do, judged from the document itself.

Privileged is: every action; a whole service on everything; any change to IAM; handing a role to a service
(`iam:PassRole`); assuming any role; and actions that run code or read secrets under other rights. The
judgement errs towards privileged: a condition, a resource limit or a Deny is mentioned, not weighed.
"""

import fnmatch
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

# Managed by AWS and known without their documents.
_KNOWN = {
    "AdministratorAccess": "allows every action on every resource",
    "PowerUserAccess": "allows every action outside IAM, organizations and account settings",
    "IAMFullAccess": "allows every change to IAM",
}
# Beyond IAM: actions on everything that act with other rights, open secrets or switch off the trail.
_RISKY = {
    "lambda:updatefunctioncode": "changes code that runs with another role",
    "lambda:updatefunctionconfiguration": "changes code that runs with another role",
    "glue:updatedevendpoint": "opens a machine that runs with another role",
    "cloudformation:updatestack": "changes resources with the stack's role",
    "sagemaker:createpresignednotebookinstanceurl": "opens a notebook that runs with another role",
    "ssm:sendcommand": "runs commands on machines",
    "ssm:startsession": "opens shells on machines",
    "ec2-instance-connect:sendsshpublickey": "opens shells on machines",
    "ec2-instance-connect:sendserialconsolesshpublickey": "opens consoles of machines",
    "ecs:executecommand": "runs commands in containers",
    "secretsmanager:getsecretvalue": "reads every secret",
    "secretsmanager:putresourcepolicy": "opens secrets to others",
    "kms:putkeypolicy": "changes who may use keys",
    "kms:creategrant": "lets others use keys",
    "s3:putbucketpolicy": "changes who may use buckets",
    "cloudtrail:stoplogging": "switches off the trail",
    "cloudtrail:deletetrail": "switches off the trail",
    "sso:createaccountassignment": "gives people access to accounts",
    "sso-directory:addmembertogroup": "gives people access to accounts",
    "organizations:attachpolicy": "changes what accounts may do",
    "sts:assumerole": "assumes any role that trusts this account",
}
_READS = ("get", "list", "generate", "simulate")
# Writes to IAM that only make or remove what AWS services need for themselves.
_HARMLESS_WRITES = ("iam:createservicelinkedrole", "iam:deleteservicelinkedrole", "iam:changepassword")
_BROAD = re.compile(r"\*|(?:role|user|group|policy|function|instance|key|secret)[:/]\*")
_SELF = re.compile(r"\$\{aws:(?:username|userid)\}", re.IGNORECASE)
_STARS = re.compile(r"\*+")
_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """Privileged or not, or unknown, and why in words."""

    is_privileged: bool | None
    because: str


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
    reasons = [reason for _, reason in sorted(_reasons(statements), key=lambda pair: pair[0])]
    if not reasons:
        return Judgement(False, _harmless(statements))
    unique = list(dict.fromkeys(reasons))
    more = f"; and {len(unique) - _MOST_REASONS} more" if len(unique) > _MOST_REASONS else ""
    because = "; ".join(unique[:_MOST_REASONS]) + more + "."
    if any(not statement.is_allow for statement in statements):
        because += " Its Deny statements were not weighed against this."
    return Judgement(True, because[0].upper() + because[1:])


def judge_managed(arn: str) -> Judgement:
    """Judge a policy whose document is not in the file: three of AWS's own are known by name."""
    name = arn.rpartition("/")[2]
    if ":iam::aws:policy/" in arn and name in _KNOWN:
        return Judgement(
            True, f"Managed by AWS: {_KNOWN[name]}. Its document is not in the file; it is known by its name."
        )
    return Judgement(None, "The policy's document is not in the file, so nobody knows what it allows.")


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


def _reasons(statements: list[_Statement]) -> Iterator[tuple[int, str]]:
    """Reasons with their weight, the heaviest is 0."""
    for statement in statements:
        if statement.is_allow:
            for weight, what in _allowed(statement):
                yield weight, f"{what} ({statement.label}{statement.condition})"


def _allowed(statement: _Statement) -> Iterator[tuple[int, str]]:
    if statement.not_actions:
        yield 1, f"allows everything except {_listed(statement.not_actions, 3)}{statement.where()}"
    if any(set(action) <= {"*", ":"} for action in statement.actions):
        yield (
            (0, "allows every action on every resource")
            if statement.is_broad
            else (1, f"allows every action{statement.where()}")
        )
        return
    services = [action[:-2] for action in statement.actions if action.endswith(":*")]
    wide = [service for service in services if statement.is_broad or _matches("iam", service)]
    if wide:
        yield 2, f"allows all of {_listed(tuple(wide), 4)}{statement.where()}"
    single = [action for action in statement.actions if not action.endswith(":*")]
    passing = [action for action in single if _matches("iam:passrole", action)]
    if passing:
        yield 3, f"allows iam:PassRole{statement.where()}, which hands a role to a service"
    changes = [
        action for action in single if action.lower() != "iam:passrole" and _changes_iam(action.lower())
    ]
    if changes and not statement.is_own_only:
        yield 4, f"allows changes to IAM: {_listed(tuple(changes), 3)}{statement.where()}"
    if statement.is_broad:
        for action, words in _RISKY.items():
            if (pattern := next((one for one in single if _matches(action, one)), None)) is not None:
                yield 5, f"allows {pattern}, which {words}"


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
