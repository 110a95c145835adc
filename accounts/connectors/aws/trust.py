"""Who may act as an AWS role, by its trust policy: users, roles and accounts by name, the rest in words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.connectors.aws.names import account_of, arn
from accounts.connectors.aws.oidc import names_nobody, provider_of
from accounts.connectors.aws.policies import as_document, condition_of, label_of, statement_list, texts
from accounts.connectors.records import Mark

_FEDERATED_PEOPLE = ":saml-provider/"
_NARROWING = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
)
_MARKS: tuple[Mark, ...] = ("open_trust", "oidc_without_sub", "external_trust")


@dataclass(frozen=True, slots=True)
class Party:
    """A user or role that is trusted by name."""

    arn: str
    where: str  # the statement and its condition in words
    session: str | None = None  # only the session of this name, of a role


@dataclass(frozen=True, slots=True)
class Whole:
    """An account that is trusted as a whole: whoever its own policies let assume the role may."""

    account: str
    where: str  # the statement and its condition in words
    principals: tuple[str, ...] = ()  # patterns of ARNs that the condition asks for; empty: anybody of it


@dataclass(frozen=True, slots=True)
class Trust:
    """The parties of a trust policy; a session is its role."""

    parties: tuple[Party, ...] = ()
    wholes: tuple[Whole, ...] = ()
    words: tuple[str, ...] = ()  # everybody else, and what narrows or widens it
    marks: tuple[Mark, ...] = ()
    only_services: bool = False  # nobody but AWS services
    people_sign_in: bool = False  # people come through SAML single sign-on
    is_readable: bool = True

    @property
    def is_open(self) -> bool:
        """Anybody at all, in any AWS account."""
        return "open_trust" in self.marks


@dataclass(slots=True)
class _Found:
    own: str  # the account of the role
    parties: dict[str, Party] = field(default_factory=dict)
    wholes: dict[str, Whole] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    marks: set[Mark] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    services: int = 0
    others: int = 0
    people_sign_in: bool = False

    def say(self, words: str) -> None:
        self.words[words] = None


@dataclass(frozen=True, slots=True)
class _Statement:
    where: str
    condition: object
    principals: tuple[str, ...]  # patterns that aws:PrincipalArn must match
    narrows: bool  # the condition names an organisation, account or principal
    external_id: str  # in words


def read_trust(document: object, own: str = "") -> Trust:
    """Statements that allow assuming a role of the account `own`; conditional Deny is mentioned only."""
    readable = as_document(document)
    statements = statement_list(readable) if readable is not None else None
    if statements is None:
        return Trust(
            words=("The trust policy could not be read, so nobody knows who may use the role.",),
            is_readable=False,
        )
    found = _Found(own)
    for number, statement in enumerate(statements, 1):
        if not _assumes(statement):
            continue
        if statement.get("Effect") == "Deny":
            _deny(found, statement)
        else:
            _party(found, statement, _statement(statement, number))
    if "*" in found.denied:
        return Trust(words=("Its trust policy denies everybody.",))
    return Trust(
        parties=tuple(one for arn, one in found.parties.items() if arn not in found.denied),
        wholes=tuple(found.wholes.values()),
        words=tuple(found.words),
        marks=tuple(mark for mark in _MARKS if mark in found.marks),
        only_services=found.services > 0 and found.others == 0,
        people_sign_in=found.people_sign_in,
    )


def _assumes(statement: dict[str, object]) -> bool:
    if "NotAction" in statement:
        return not any(
            action.lower() in ("*", "sts:*", "sts:assume*") for action in texts(statement["NotAction"])
        )
    return any(
        action.lower().startswith("sts:assume") or action.lower() in ("*", "sts:*")
        for action in texts(statement.get("Action"))
    )


def _statement(statement: dict[str, object], number: int) -> _Statement:
    condition = statement.get("Condition")
    asked = dict(_asked(condition))
    return _Statement(
        where=f"{label_of(statement, number)}{condition_of(statement)}",
        condition=condition,
        principals=asked.get("aws:principalarn", ()),
        narrows=any(
            key in asked and not any(one.strip("*?:") == "" for one in asked[key]) for key in _NARROWING
        ),
        external_id="with an external id" if "sts:externalid" in asked else "without an external id",
    )


def _asked(condition: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Condition keys in lower case that must have one of these values."""
    if not isinstance(condition, dict):
        return
    for test, keys in condition.items():
        plain = str(test).lower().removeprefix("foranyvalue:")
        if plain in ("stringequals", "stringlike", "arnequals", "arnlike", "stringequalsignorecase"):
            for key, values in keys.items() if isinstance(keys, dict) else ():
                yield str(key).lower(), texts(values)


def _deny(found: _Found, statement: dict[str, object]) -> None:
    """An unconditional Deny takes away whom it names; the rest is mentioned."""
    named = [name for _, name in _principals(statement.get("Principal"))]
    if named and not statement.get("Condition"):
        found.denied.update(named)
        others = [name for name in named if name != "*"]
        found.words |= {f"{name} is denied by name.": None for name in others}
    else:
        found.say("Its Deny statements were not weighed.")


def _party(found: _Found, statement: dict[str, object], read: _Statement) -> None:
    if "NotPrincipal" in statement:
        found.others += 1
        found.marks.add("open_trust")
        found.say(f"Anybody except those named may assume it ({read.where}).")
        return
    for kind, name in _principals(statement.get("Principal")):
        if kind == "Service":
            found.services += 1
            found.say(f"The AWS service {name} may use it.")
            continue
        found.others += 1
        if kind == "Federated":
            _federated(found, name, read)
        else:
            _aws(found, name, read)


def _principals(principal: object) -> Iterator[tuple[str, str]]:
    if isinstance(principal, str):
        yield "AWS", principal[:300]
    elif isinstance(principal, dict):
        for kind, names in principal.items():
            for name in texts(names):
                yield kind, name[:300]


def _federated(found: _Found, name: str, read: _Statement) -> None:
    if _FEDERATED_PEOPLE in name:
        found.people_sign_in = True
        found.say(
            f"People whom {name.rpartition('/')[2]} signs in (SAML) may assume it, as far as it assigns them "
            f"({read.where})."
        )
        return
    provider = provider_of(name)
    why = names_nobody(provider, read.condition) if provider is not None else None
    if why is not None:
        found.marks.add("oidc_without_sub")
        found.say(f"Anything that {provider} signs in may assume it: {why} ({read.where}).")
    else:
        found.say(f"Whoever {provider or name} signs in may assume it ({read.where}).")


def _aws(found: _Found, name: str, read: _Statement) -> None:
    who = arn(name)
    if name == "*":
        _anybody(found, read)
    elif (name.isascii() and name.isdigit()) or (who is not None and who.resource == "root"):
        _whole(found, who.account if who is not None else name, read)
    elif who is None:
        found.say(
            f"{name} may assume it; AWS shows such an id when the user or role was deleted ({read.where})."
        )
    elif who.kind == "assumed-role":
        role, _, session = who.resource.removeprefix("assumed-role/").partition("/")
        _foreign(found, who.account, read)
        key = f"arn:{who.partition}:iam::{who.account}:role/{role}"
        # A role that is trusted as a whole and by session keeps the wider of the two.
        found.parties.setdefault(key, Party(key, f"only the session {session}, {read.where}", session))
    elif account_of(name) is None or "*" in name:
        if "*" in who.account:
            found.marks.add("open_trust")
        found.say(f"Whoever matches {name} may assume it ({read.where}).")
    else:
        _foreign(found, who.account, read)
        found.parties[name] = Party(name, read.where)


def _anybody(found: _Found, read: _Statement) -> None:
    """Principal “*”: everybody, unless the condition names an organisation, accounts or principals."""
    exact = [
        one for one in read.principals if account_of(one) is not None and "*" not in one and "?" not in one
    ]
    if read.narrows and exact:
        for one in exact:
            _foreign(found, account_of(one) or "", read)
            found.parties[one] = Party(one, read.where)
    if read.narrows:
        found.say(f"Whoever meets the condition may assume it, in any AWS account ({read.where}).")
    else:
        found.marks.add("open_trust")
        found.say(f"Anybody in any AWS account may assume it: its principal is “*” ({read.where}).")
    found.wholes.setdefault(found.own, Whole(found.own, read.where, read.principals))


def _whole(found: _Found, account: str, read: _Statement) -> None:
    _foreign(found, account, read)
    # Trusted twice, the wider counts.
    known = found.wholes.get(account)
    if known is None or (known.principals and not read.principals):
        found.wholes[account] = Whole(account, read.where, read.principals)
    found.say(
        f"Whoever account {account} lets assume roles may assume it: AWS asks for this trust and for a "
        f"permission ({read.where})."
        if account == found.own
        else f"Whoever account {account} lets assume roles may assume it, {read.external_id} ({read.where})."
    )


def _foreign(found: _Found, account: str, read: _Statement) -> None:
    if found.own and account != found.own:
        found.marks.add("external_trust")
        found.say(f"It trusts another AWS account, {account}, {read.external_id}.")
