"""Who may act as an AWS role, by its trust policy: users and roles by name, the rest in words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.connectors.aws_names import account_of, arn
from accounts.connectors.aws_policies import as_document, condition_of, label_of, statement_list, texts

_FEDERATED_PEOPLE = ":saml-provider/"


@dataclass(frozen=True, slots=True)
class Trust:
    """The parties of a trust policy. `accounts` are ARNs of users and roles, a session is its role."""

    accounts: tuple[tuple[str, str], ...] = ()  # (ARN, condition in words)
    words: tuple[str, ...] = ()  # everybody else, and what narrows or widens it
    is_open: bool = False  # anybody at all, in any AWS account
    only_services: bool = False  # nobody but AWS services
    people_sign_in: bool = False  # people come through SAML single sign-on
    is_readable: bool = True


@dataclass(slots=True)
class _Found:
    accounts: dict[str, str] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    is_open: bool = False
    services: int = 0
    others: int = 0
    people_sign_in: bool = False


def read_trust(document: object) -> Trust:
    """Statements that allow assuming; Deny is mentioned, not weighed."""
    readable = as_document(document)
    statements = statement_list(readable) if readable is not None else None
    if statements is None:
        return Trust(
            words=("The trust policy could not be read, so nobody knows who may use the role.",),
            is_readable=False,
        )
    found = _Found()
    for number, statement in enumerate(statements, 1):
        if statement.get("Effect") == "Deny":
            found.words["Its Deny statements were not weighed."] = None
        elif _assumes(statement):
            _party(found, statement, f"{label_of(statement, number)}{condition_of(statement)}")
    return Trust(
        accounts=tuple(found.accounts.items()),
        words=tuple(found.words),
        is_open=found.is_open,
        only_services=found.services > 0 and found.others == 0,
        people_sign_in=found.people_sign_in,
    )


def _assumes(statement: dict[str, object]) -> bool:
    actions = [action.lower() for action in texts(statement.get("Action"))]
    return "NotAction" in statement or any(
        action.startswith("sts:assume") or action in ("*", "sts:*") for action in actions
    )


def _party(found: _Found, statement: dict[str, object], where: str) -> None:
    if "NotPrincipal" in statement:
        found.is_open, found.others = True, found.others + 1
        found.words[f"Anybody except those named may assume it ({where})."] = None
        return
    for kind, name in _principals(statement.get("Principal")):
        if kind == "Service":
            found.services += 1
            found.words[f"The AWS service {name} may use it."] = None
            continue
        found.others += 1
        if kind == "Federated":
            found.people_sign_in = found.people_sign_in or _FEDERATED_PEOPLE in name
            found.words[f"Whoever {name} signs in may assume it ({where})."] = None
        else:
            _aws(found, name, where)


def _principals(principal: object) -> Iterator[tuple[str, str]]:
    if isinstance(principal, str):
        yield "AWS", principal
    elif isinstance(principal, dict):
        for kind, names in principal.items():
            for name in texts(names):
                yield kind, name[:300]


def _aws(found: _Found, name: str, where: str) -> None:
    who = arn(name)
    if name == "*":
        found.is_open = True
        found.words[f"Anybody in any AWS account may assume it: its principal is “*” ({where})."] = None
    elif name.isascii() and name.isdigit():
        found.words[f"Whoever account {name} lets assume roles may assume it ({where})."] = None
    elif who is None:
        found.words[
            f"{name} may assume it; AWS shows such an id when the user or role was deleted ({where})."
        ] = None
    elif who.resource == "root":
        found.words[f"Whoever account {who.account} lets assume roles may assume it ({where})."] = None
    elif who.kind == "assumed-role":
        role, _, session = who.resource.removeprefix("assumed-role/").partition("/")
        key = f"arn:{who.partition}:iam::{who.account}:role/{role}"
        # A role that is trusted as a whole and by session keeps the wider of the two.
        found.accounts.setdefault(key, f"only the session {session}, {where}")
    elif account_of(name) is None or "*" in name:
        found.is_open = found.is_open or "*" in who.account
        found.words[f"Whoever matches {name} may assume it ({where})."] = None
    else:
        found.accounts[name] = where
