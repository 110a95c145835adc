"""Federated sign-in to an AWS role: does the trust name which workload or person, or anybody of a provider?

Every workload of a provider (any repository of GitHub, any pod of a cluster) gets a token from it. Only the
subject in the token tells them apart, so a role that does not ask for it lets all of them in.
"""

import re
from collections.abc import Iterator

from accounts.connectors.aws.policies import texts

# What tells the callers of a provider apart, where it is not the subject; the audience of Cognito is a pool.
_SUBJECTS = {
    "cognito-identity.amazonaws.com": (":sub", ":aud"),
    "graph.facebook.com": (":sub", ":id"),
    "www.amazon.com": (":sub", ":user_id"),
}
_PROVIDER = ":oidc-provider/"
_APART = re.compile(r"[:/]")
# Words in a subject that say what follows and name nobody themselves.
_KEYS = frozenset(
    {
        *("repo", "repository", "repository_owner", "project_path", "namespace_path", "organization", "org"),
        *("system", "serviceaccount", "workspace", "project", "group", "user"),
    }
)


def provider_of(name: str) -> str | None:
    """The OIDC provider of a federated principal; None for SAML and anything else."""
    if _PROVIDER in name:
        return name.partition(_PROVIDER)[2]
    return name if not name.startswith("arn:") and "." in name else None


def names_nobody(provider: str, condition: object) -> str | None:
    """Why the condition lets in whoever the provider knows; None if it says who."""
    wanted = _SUBJECTS.get(provider, (":sub",))
    asked = list(_subjects(condition, wanted))
    if not asked:
        return "no condition on its subject (sub), so whoever the provider knows gets in"
    # Conditions are all to hold, values of one are alternatives: one narrow condition is enough.
    wide = [next((one for one in values if _is_wide(one, is_pattern)), None) for is_pattern, values in asked]
    if all(one is not None for one in wide):
        return f"the condition on its subject is as wide as “{str(wide[0])[:80]}”"
    return None


def _subjects(condition: object, wanted: tuple[str, ...]) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """(wildcards count, values) of every test that asks for a certain subject."""
    if not isinstance(condition, dict):
        return
    for test, keys in condition.items():
        plain = str(test).rpartition(":")[2].removesuffix("IfExists").lower()
        if plain not in ("stringequals", "stringequalsignorecase", "stringlike") or not isinstance(
            keys, dict
        ):
            continue
        for key, values in keys.items():
            if str(key).lower().endswith(wanted):
                yield plain == "stringlike", texts(values)


def _is_wide(subject: str, is_pattern: bool) -> bool:
    """`*`, `repo:*`, `repo:acme*`: the first part that names somebody is open, or there is none."""
    if not subject.strip("*? "):
        return True
    if not is_pattern:
        return False
    named = next((part for part in _APART.split(subject) if part.lower() not in _KEYS), "")
    return not named or "*" in named or "?" in named
