"""Ready commands for removing a right, to read and to run by hand. The portal never runs them.

One function a connector, in `COMMANDS`; a format without one gets a sentence instead. Everything that comes
from outside is quoted for a POSIX shell, and nothing is offered for names that hold control characters.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from types import MappingProxyType
from typing import Literal

from accounts.connectors.aws import authorization as aws_authorization
from accounts.connectors.aws import credential_report as aws_credential_report
from accounts.connectors.aws import names as aws_names


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to go, in the words of the system it is on; empty where it does not apply."""

    act: Literal["remove", "rotate", "limit", "disable"]
    what: Literal["grant", "credential", "account"]
    account: str  # external id
    entitlement: str = ""  # external id
    via: str = ""  # external id of the group or role it comes through
    credential_kind: str = ""
    fingerprint: str = ""


def commands_for(connector: str, removal: Removal) -> list[str]:
    """The lines to run for this removal on systems read by `connector`; none where none is known."""
    write = COMMANDS.get(connector)
    if write is None or any(not character.isprintable() for part in astuple(removal) for character in part):
        return []
    return write(removal)


def _aws(removal: Removal) -> list[str]:
    """AWS command line, version 2."""
    holder = aws_names.arn(removal.account)
    if holder is None or holder.kind not in ("user", "role"):
        return []
    if removal.act == "remove" and removal.what == "grant":
        return _aws_grant(holder, removal)
    if removal.act == "remove" and removal.what == "credential" and holder.kind == "user":
        return _aws_credential(holder.name, removal)
    if removal.act == "disable" and removal.what == "account" and holder.kind == "user":
        return [
            _line("aws iam delete-login-profile", user_name=holder.name),
            _line("aws iam list-access-keys", user_name=holder.name),
            _line("aws iam list-signing-certificates", user_name=holder.name),
        ]
    return []


def _aws_grant(holder: aws_names.Arn, removal: Removal) -> list[str]:
    group = aws_names.arn(removal.via or removal.entitlement)
    if group is not None and group.kind == "group" and holder.kind == "user":
        return [_line("aws iam remove-user-from-group", group_name=group.name, user_name=holder.name)]
    if removal.via:
        return []
    whose = {f"{holder.kind}_name": holder.name}
    _owner, is_inline, name = removal.entitlement.partition(aws_authorization.INLINE)
    if is_inline:
        return [_line(f"aws iam delete-{holder.kind}-policy", **whose, policy_name=name)]
    policy = aws_names.arn(removal.entitlement)
    if policy is not None and policy.kind == "policy":
        return [_line(f"aws iam detach-{holder.kind}-policy", **whose, policy_arn=removal.entitlement)]
    return []


def _aws_credential(user: str, removal: Removal) -> list[str]:
    kind, key = removal.credential_kind, removal.fingerprint
    if kind == "password":
        return [_line("aws iam delete-login-profile", user_name=user)]
    if kind == "access_key" and key.startswith(("AKIA", "ASIA")):
        return [_line("aws iam delete-access-key", user_name=user, access_key_id=key)]
    # The credential report names slots, not ids: list them first, then delete the one that is meant.
    listing = {
        "access_key": "access-keys",
        "certificate": "signing-certificates",
        "ssh_key": "ssh-public-keys",
    }
    return [_line(f"aws iam list-{listing[kind]}", user_name=user)] if kind in listing else []


def _line(command: str, **options: str) -> str:
    parts = (f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, value in options.items())
    return " ".join([command, *parts])


COMMANDS: Mapping[str, Callable[[Removal], list[str]]] = MappingProxyType(
    {aws_authorization.KEY: _aws, aws_credential_report.KEY: _aws}
)
