"""The Kubernetes objects that tell about access, as far as they do."""

from dataclasses import dataclass
from datetime import datetime

from accounts.connectors.kubernetes.rules import Rule

ACCOUNT_PREFIX = "system:serviceaccount:"  # before namespace:name: how the cluster calls the account
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class Named:
    """What every object has. The namespace is empty for objects of the whole cluster."""

    name: str
    namespace: str
    line: int
    created_at: datetime | None
    marks: dict[str, str]  # labels, and annotations, which win


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account of a workload."""

    at: Named
    hints: tuple[tuple[str, str], ...]
    secrets: tuple[str, ...]
    pull_secrets: tuple[str, ...]
    automount: bool | None
    acts_elsewhere: str | None  # the identity of a cloud that it is annotated with


@dataclass(frozen=True, slots=True)
class Selector:
    """Labels that a ClusterRole must have to be put into another."""

    labels: tuple[tuple[str, str], ...]
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...]  # key, operator, values

    def matches(self, labels: dict[str, str]) -> bool:
        """True if all of it holds; an empty selector takes every role."""
        return all(labels.get(key) == value for key, value in self.labels) and all(
            _holds(labels, *one) for one in self.expressions
        )


@dataclass(frozen=True, slots=True)
class Role:
    """A Role, or a ClusterRole if it has no namespace."""

    at: Named
    rules: tuple[Rule, ...]
    labels: dict[str, str]
    selectors: tuple[Selector, ...] | None  # of a ClusterRole that is put together from others


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a role is bound to."""

    kind: str  # User, Group or ServiceAccount
    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding, or a ClusterRoleBinding if it has no namespace."""

    at: Named
    is_cluster_role: bool
    role: str
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A token of a service account that is kept as a Secret and never ends."""

    at: Named
    uid: str | None
    account: str
    last_used_at: datetime | None
    is_invalid: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A User object of OpenShift."""

    at: Named
    full_name: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """A Group object of OpenShift, with its members by name."""

    at: Named
    members: tuple[str, ...]


Read = ServiceAccount | Role | Binding | TokenSecret | Person | Group


def _holds(labels: dict[str, str], key: str, operator: str, values: tuple[str, ...]) -> bool:
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    return (labels.get(key) in values) == (operator == "In")


def service_account_of(user: str) -> tuple[str, str] | None:
    """Namespace and name, if this is how the cluster calls a service account as a user."""
    namespace, colon, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
    if not user.startswith(ACCOUNT_PREFIX) or not (namespace and colon and name) or ":" in name:
        return None
    return namespace, name
