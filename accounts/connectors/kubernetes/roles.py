"""What the roles of a Kubernetes inventory are worth, where they hold, and what is put into them.

A ClusterRole that a RoleBinding binds holds in that binding's namespace only: an entitlement of its own
(`clusterrole/view@shop`). Names of roles hold no slash and no percent sign, so the ids are unambiguous.
"""

from collections import deque
from dataclasses import dataclass, replace

from accounts.connectors.kubernetes.kinds import Binding, Role
from accounts.connectors.kubernetes.rules import Judgement, Rule, in_words, judge, judge_missing
from accounts.connectors.records import Entitlement, Unreadable

PARTS = 300_000  # ClusterRoles put into others, and their rules, of the whole file
_DESCRIPTIONS = ("kubernetes.io/description", "openshift.io/description", "description")
_MOST_BINDINGS = 3
_SOME = "\0"  # some namespace: no text of a file holds this


@dataclass(frozen=True, slots=True)
class Bound:
    """A role where it holds: the namespace is empty for the whole cluster."""

    is_cluster_role: bool
    name: str
    namespace: str

    @property
    def key(self) -> str:
        """Its external id."""
        if not self.is_cluster_role:
            return f"role/{self.namespace}/{self.name}"
        # An @ of its own must not look like a namespace.
        name = self.name.replace("@", "%40")
        return f"clusterrole/{name}@{self.namespace}" if self.namespace else f"clusterrole/{name}"


class Roles:
    """The roles of a file and what is bound of them."""

    def __init__(self, roles: list[Role], bindings: list[Binding]) -> None:
        self.defined = {Bound(not one.at.namespace, one.at.name, one.at.namespace): one for one in roles}
        self._has_bindings = bool(bindings)
        self._by: dict[Bound, list[str]] = {}  # names of the bindings of a role
        for binding in bindings:
            self._by.setdefault(bound_by(binding), []).append(binding.at.name)
        self._judged: dict[Bound, Judgement] = {}
        self._put_in: dict[str, list[Role]] = {}
        self._filled_in: dict[str, tuple[Rule, ...]] = {}
        self._in_a_namespace: dict[str, Judgement] = {}
        self._parts_left = PARTS

    def definition(self, bound: Bound) -> Role | None:
        """The role's own object; a ClusterRole has none in a namespace."""
        return self.defined.get(replace(bound, namespace="") if bound.is_cluster_role else bound)

    def entitlement(self, bound: Bound, line: int) -> Entitlement:
        """The role as a right; `line` is where it is defined, or bound if the file does not have it."""
        judged, role = self.judgement(bound), self.definition(bound)
        kind = "ClusterRole" if bound.is_cluster_role else "Role"
        words = "" if role is None else in_words(self._rules(role), bound.namespace)
        said = next((role.at.marks[key] for key in _DESCRIPTIONS if key in role.at.marks), "") if role else ""
        return Entitlement(
            external_id=bound.key,
            name=f"{bound.name} (namespace {bound.namespace})" if bound.namespace else bound.name,
            kind="role",
            line=line,
            plain_words=" ".join(part for part in (said, words, self._given_by(bound, kind)) if part)[:4000],
            is_privileged=judged.is_privileged,
            because=judged.because,
            reach=judged.reach,
            marks=judged.marks,
        )

    def _given_by(self, bound: Bound, kind: str) -> str:
        names = self._by.get(bound, [])
        if not names:
            no_binding = f"No binding of the file gives this {kind} to anybody."
            return no_binding if self._has_bindings else ""
        what = "RoleBinding" if bound.namespace else "ClusterRoleBinding"
        more = f" and {len(names) - _MOST_BINDINGS} more" if len(names) > _MOST_BINDINGS else ""
        return (
            f"Given by the {what}{'s' if len(names) > 1 else ''} {', '.join(names[:_MOST_BINDINGS])}{more}."
        )

    def judgement(self, bound: Bound) -> Judgement:
        """What it is worth where it holds."""
        if bound not in self._judged:
            role = self.definition(bound)
            kind = "ClusterRole" if bound.is_cluster_role else "Role"
            self._judged[bound] = (
                judge_missing(bound.name, kind, bound.namespace)
                if role is None
                else self._judge_defined(role, bound.namespace)
            )
        return self._judged[bound]

    def _judge_defined(self, role: Role, namespace: str) -> Judgement:
        if not namespace or role.at.namespace:
            return self._weigh(role, namespace)
        # A ClusterRole is bound in many namespaces and worth the same in each.
        if role.at.name not in self._in_a_namespace:
            self._in_a_namespace[role.at.name] = self._weigh(role, _SOME)
        judged = self._in_a_namespace[role.at.name]
        return replace(judged, because=judged.because.replace(_SOME, namespace))

    def _weigh(self, role: Role, namespace: str) -> Judgement:
        judged = judge(self._rules(role), namespace)
        # A cluster fills in the rules of a role that it puts together; in a manifest they are missing.
        if role.selectors is not None and not role.rules and not judged.is_privileged:
            return Judgement(
                None,
                "It is put together from ClusterRoles with certain labels, of which the file "
                f"has {len(self.parts(role))}; the cluster may have more. Export it from the cluster, which "
                "fills in the rules.",
                judged.marks,
            )
        return judged

    def _rules(self, role: Role) -> tuple[Rule, ...]:
        """Its own rules, and those of the ClusterRoles that are put into it and not filled in."""
        if role.selectors is None or role.rules:
            return role.rules
        if role.at.name not in self._filled_in:
            rules: list[Rule] = []
            seen, waiting = {role.at.name}, deque(self.parts(role))
            while waiting:
                part = waiting.popleft()
                if part.at.name not in seen:
                    seen.add(part.at.name)
                    self._spend(len(part.rules), role)
                    rules.extend(replace(rule, of=part.at.name) for rule in part.rules)
                    further = [] if part.rules else self.parts(part)
                    waiting.extend(one for one in further if one.at.name not in seen)
            self._filled_in[role.at.name] = tuple(rules)
        return self._filled_in[role.at.name]

    def parts(self, role: Role) -> list[Role]:
        """The ClusterRoles of the file that the labels put into this one."""
        if not role.selectors:
            return []
        if role.at.name not in self._put_in:
            self._put_in[role.at.name] = [
                one
                for bound, one in self.defined.items()
                if bound.is_cluster_role
                and one is not role
                and any(selector.matches(one.labels) for selector in role.selectors)
            ]
            self._spend(len(self._put_in[role.at.name]), role)
        return self._put_in[role.at.name]

    def _spend(self, parts: int, role: Role) -> None:
        self._parts_left -= parts
        if self._parts_left < 0:
            raise Unreadable(
                "too_many_parts",
                f"The ClusterRole in line {role.at.line} and those before it are put together from more than "
                f"{PARTS:,} roles and rules. Check their aggregationRule.",
                role.at.line,
            )


def bound_by(binding: Binding) -> Bound:
    """The role that a binding gives, where it gives it."""
    return Bound(binding.is_cluster_role, binding.role, binding.at.namespace)
