"""The groups that Kubernetes has by itself: who is in them, and what they are for."""

from dataclasses import dataclass

from accounts.connectors.kubernetes.kinds import ACCOUNT_PREFIX
from accounts.connectors.kubernetes.rules import Judgement

# Groups that nobody is put into: they hold everybody of a sort, by the way they sign in.
BUILT_IN = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})
_IN_NAMESPACE = "system:serviceaccounts:"
_WORDS = {
    "system:masters": "May do everything; the cluster asks no further. Members come by their certificates.",
    "system:authenticated": "Everybody who signs in, people and service accounts alike.",
    "system:unauthenticated": "Everybody who reaches the cluster without signing in.",
    "system:serviceaccounts": "Every service account of the cluster.",
    "system:nodes": "The kubelets of the nodes.",
    "system:monitoring": "Whoever watches the cluster's own health.",
}


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    judgement: Judgement


MASTERS = _Known(
    "system:masters",
    Judgement(
        True,
        "Its members may do everything in the whole cluster: the API server asks no role for them, so taking "
        "a binding away takes nothing from them.",
        ("admin", "wildcard"),
        "exec",
    ),
)


def group_words(name: str) -> str:
    """What a group is, for somebody who does not know Kubernetes."""
    if name.startswith(_IN_NAMESPACE):
        return f"Every service account of the namespace {name.removeprefix(_IN_NAMESPACE)}."
    if name in _WORDS:
        return _WORDS[name]
    return "A group of the cluster's sign-in, which knows its members; it brings the roles bound to it."


def built_in_groups(account: str) -> tuple[str, ...]:
    """The groups that this account is in because of what it is."""
    if account == "system:anonymous":
        return ("system:unauthenticated",)
    if account.startswith(ACCOUNT_PREFIX):
        namespace = account.removeprefix(ACCOUNT_PREFIX).partition(":")[0]
        return ("system:authenticated", "system:serviceaccounts", f"{_IN_NAMESPACE}{namespace}")
    return ("system:authenticated",)
