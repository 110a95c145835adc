"""What a permission of GitHub lets its holder do, and why it is privileged or not."""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from accounts.connectors.records import Mark

LEVELS = ("admin", "maintain", "push", "triage", "pull")  # strongest first
_SAME = {"write": "push", "read": "pull", "admin": "admin", "maintain": "maintain", "triage": "triage"}
# Two names of these on one scale: who may what on a repository.
_WORDS: dict[str, tuple[bool, str, str, tuple[Mark, ...]]] = {
    "admin": (
        True,
        "Everything on the repository: settings, secrets, deploy keys, who has access, deletion.",
        "May change who has access, add deploy keys and delete the repository.",
        ("admin", "iam_write"),
    ),
    "maintain": (
        True,
        "Manages the repository without its most sensitive settings, and pushes to protected branches.",
        "May push to protected branches, past the review they ask for.",
        ("escalate",),
    ),
    "push": (
        False,
        "Reads and pushes code, manages issues and pull requests.",
        "Changes code, but neither settings nor who has access.",
        (),
    ),
    "triage": (False, "Manages issues and pull requests without writing code.", "Changes no code.", ()),
    "pull": (False, "Reads the code.", "Only reads.", ()),
}
_STRONG: dict[str, tuple[str, tuple[Mark, ...]]] = {
    "administration": ("changes settings, access and deploy keys of repositories", ("admin", "iam_write")),
    "members": ("changes members and teams of the organisation", ("iam_write",)),
    "secrets": ("replaces the secrets that workflows use", ("secrets_read",)),
    "dependabot_secrets": ("replaces the secrets that updates use", ("secrets_read",)),
    "codespaces_secrets": ("replaces the secrets of codespaces", ("secrets_read",)),
    "environments": ("changes what guards a deployment, and its secrets", ("secrets_read",)),
    "workflows": ("changes workflows, which run with the repository's secrets", ("escalate", "exec")),
    "repository_hooks": ("sends what happens in repositories to any address", ()),
}


@dataclass(frozen=True, slots=True)
class Right:
    """What to say of a right."""

    is_privileged: bool | None
    plain_words: str
    because: str
    marks: tuple[Mark, ...] = ()


def level_of(permissions: object, role_name: object, permission: object = None) -> str | None:
    """The level in the words of LEVELS, or an organisation's own role; None if nothing says it."""
    for said in (role_name, permission):
        if isinstance(said, str) and said.strip():
            return _SAME.get(said.strip().casefold(), said.strip().casefold())
    if isinstance(permissions, dict):
        return next((level for level in LEVELS if permissions.get(level) is True), None)
    return None


def on_repository(level: str) -> Right:
    """The meaning of a level; what an organisation's own role allows is not in these lists."""
    known = _WORDS.get(level)
    if known is None:
        return Right(
            None,
            f"The organisation's own repository role “{level}”.",
            "What this role allows is not in the file.",
        )
    return Right(known[0], known[1], known[2], known[3])


def of_app(permission: str, level: str, where: str) -> Right:
    """The meaning of a permission that an app holds on repositories or the organisation."""
    named = permission.replace("_", " ")
    words = f"The app may {level} “{named}” {where}."
    if level == "read":
        return Right(False, words, "Only reads.")
    if permission in _STRONG:
        why, marks = _STRONG[permission]
        return Right(True, words, f"With it the app {why}.", marks)
    if permission.startswith("organization_"):
        return Right(True, words, f"Changes {named} for the whole organisation.", ("iam_write",))
    if level == "admin":
        return Right(True, words, f"Full control of {named}.", ("admin",))
    return Right(False, words, "Changes neither settings nor who has access.")


def ssh_key(written: object) -> tuple[str, str | None] | None:
    """SHA-256 fingerprint as ssh-keygen prints it, and what is weak about the key; None if it is no key."""
    if not isinstance(written, str):
        return None
    parts = written.split()
    at = next((n for n, part in enumerate(parts[:-1]) if part.startswith(("ssh-", "ecdsa-", "sk-"))), None)
    if at is None:
        return None
    try:
        blob = base64.b64decode(parts[at + 1], validate=True)
    except (binascii.Error, ValueError):
        return None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}", _weakness(blob)


def _weakness(blob: bytes) -> str | None:
    fields = _fields(blob)
    if not fields:
        return None
    if fields[0] == b"ssh-dss":
        return "DSA"
    if fields[0] == b"ssh-rsa" and len(fields) >= 3:
        bits = int.from_bytes(fields[2][:2048], "big").bit_length()
        return f"RSA {bits}" if bits < 2048 else None
    return None


def _fields(blob: bytes) -> list[bytes]:
    """The length-prefixed parts of a public key."""
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(blob) and len(found) < 6:
        (size,) = struct.unpack_from(">I", blob, at)
        if at + 4 + size > len(blob):
            return []
        found.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return found
