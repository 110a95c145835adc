"""What the rules of a Kubernetes role let its holder do, and whether that is privileged, with reasons.

Follows the risks that the Kubernetes documentation names (RBAC good practices). A rule that is limited to
named objects is weighed by what the names open; limits by admission are not known and not weighed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.connectors.kubernetes.dangers import CLUSTER_RESOURCES, DANGERS, Danger
from accounts.connectors.records import Mark, Reach

_MOST_REASONS, _MOST_NAMES, _MOST_VERBS, _MOST_RULES = 4, 3, 8, 4
_READS = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role; `number` counts from 1, `of` names the role if it came through another."""

    number: int
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    is_readable: bool = False
    of: str = ""

    def has(self, group: str, resource: str) -> bool:
        """True if the rule is about this resource; `pods` says nothing of `pods/exec`, `*` says all."""
        if group not in self.groups and "*" not in self.groups:
            return False
        _, slash, sub = resource.partition("/")
        return (
            resource in self.resources
            or "*" in self.resources
            or bool(slash and f"*/{sub}" in self.resources)
        )

    @property
    def label(self) -> str:
        """How a reason names it."""
        return f"rule {self.number} of {self.of}" if self.of else f"rule {self.number}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Privileged or not, or unknown; why, in words; and how it opens sessions, if it does."""

    is_privileged: bool | None
    because: str
    marks: tuple[Mark, ...] = ()
    reach: Reach | None = None


@dataclass(frozen=True, slots=True)
class _Reason:
    weight: int
    text: str
    label: str
    marks: tuple[Mark, ...]
    reach: Reach | None = None
    is_weak: bool = False  # true of named objects only, or too little to count


def judge(rules: tuple[Rule, ...], namespace: str) -> Judgement:
    """Judge rules that hold in a namespace, or with an empty one in the whole cluster."""
    reasons = sorted((one for rule in rules for one in _reasons(rule, namespace)), key=lambda one: one.weight)
    strong = [one for one in reasons if not one.is_weak]
    marks = tuple(dict.fromkeys(mark for one in reasons for mark in one.marks))
    unreadable = [rule.label for rule in rules if not rule.is_readable]
    if strong:
        because = f"Its holder {_sentence(strong)}."
        if unreadable:
            because += f" What {_listed(tuple(unreadable))} allows could not be read."
        reach = next((one.reach for one in strong if one.reach is not None), None)
        return Judgement(True, because, marks, reach)
    if unreadable:
        return Judgement(None, f"What {_listed(tuple(unreadable))} allows could not be read.", marks)
    return Judgement(False, _harmless(rules, reasons), marks)


def judge_missing(name: str, kind: str, namespace: str) -> Judgement:
    """Judge a role that is bound and not in the file: three of Kubernetes' own are known by their names."""
    where = _where(namespace)
    known = "Its rules are not in the file; it is Kubernetes' own and known by its name."
    if kind == "ClusterRole" and name == "cluster-admin":
        return Judgement(
            True,
            f"Its holder may do everything with everything{where}. {known}",
            ("admin", "wildcard"),
            "exec",
        )
    if kind == "ClusterRole" and name in ("admin", "edit"):
        may = f"reads secrets, starts containers and runs commands in them{where}"
        more: tuple[Mark, ...] = ("iam_write",) if name == "admin" else ()
        return Judgement(
            True,
            f"Its holder {may}. {known}",
            ("secrets_read", "exec", "escalate", "impersonate", *more),
            "exec",
        )
    return Judgement(
        None,
        f"The {kind} is not in the file, so nobody knows what it allows, or whether it still exists. Export "
        "roles and bindings together.",
    )


def in_words(rules: tuple[Rule, ...], namespace: str) -> str:
    """What the rules allow, for somebody who does not know Kubernetes."""
    if not rules:
        return "Allows nothing."
    said = [_rule_in_words(rule) for rule in rules[:_MOST_RULES]]
    more = f"; and {len(rules) - _MOST_RULES} more rules" if len(rules) > _MOST_RULES else ""
    where = f"In the namespace {namespace}" if namespace else "In the whole cluster"
    return f"{where}: {'; '.join(said)}{more}."


def _rule_in_words(rule: Rule) -> str:
    if not rule.is_readable:
        return "something that could not be read"
    verbs = "do everything with" if "*" in rule.verbs else _listed(rule.verbs, _MOST_VERBS)
    if rule.urls:
        return f"{verbs} addresses {_listed(rule.urls)}"
    resources = "all resources" if "*" in rule.resources else _listed(rule.resources)
    groups = tuple(group for group in rule.groups if group)
    of = "" if not groups or "*" in groups or "" in rule.groups else f" of {_listed(groups)}"
    named = f" named {_listed(rule.names)}" if rule.names else ""
    return f"{verbs} {resources}{of}{named}"


def _reasons(rule: Rule, namespace: str) -> Iterator[_Reason]:
    if rule.urls:
        if "*" in rule.urls and not namespace and rule.verbs:
            yield _Reason(
                30, "may use every address of the API server besides its resources", rule.label, ("wildcard",)
            )
        return
    every_verb, every_resource = "*" in rule.verbs, "*" in rule.resources
    if every_verb and every_resource and "*" in rule.groups and not rule.names:
        text = f"may do everything with everything{_where(namespace)}"
        yield _Reason(0, text, rule.label, ("admin", "wildcard"), "exec")
        return
    yield from _wildcards(rule, namespace)
    for danger in DANGERS:
        yield from _danger(danger, rule, namespace)


def _wildcards(rule: Rule, namespace: str) -> Iterator[_Reason]:
    every_verb, every_resource = "*" in rule.verbs, "*" in rule.resources
    if not (every_verb or every_resource or "*" in rule.groups) or not (rule.verbs and rule.resources):
        return
    if namespace and all(one in CLUSTER_RESOURCES for one in rule.resources):
        return
    writes = every_verb or not _READS.issuperset(rule.verbs)
    is_weak = bool(rule.names) or not (every_verb or (every_resource and writes))
    text = f"may {_rule_in_words(rule)}{_where(namespace)}"
    yield _Reason(20, text, rule.label, ("wildcard",), is_weak=is_weak)


def _danger(danger: Danger, rule: Rule, namespace: str) -> Iterator[_Reason]:
    resources = tuple(
        resource
        for group, resource in danger.resources
        if rule.has(group, resource) and not (namespace and resource in danger.cluster_only)
    )
    verbs = tuple(verb for verb in danger.verbs if verb in rule.verbs or "*" in rule.verbs)
    # A name is not known before an object is made, so a rule with names makes none.
    if rule.names and not danger.is_of_existing:
        verbs = tuple(verb for verb in verbs if verb != "create")
    if not resources or not verbs:
        return
    is_weak = bool(rule.names) and not danger.counts_for(rule.names)
    objects = (
        f"{danger.noun} named {_listed(rule.names)}"
        if rule.names
        else f"all {danger.noun}{_where(namespace)}"
    )
    text = danger.text.format(
        objects=objects,
        where=_where(namespace),
        verbs=_listed(verbs, _MOST_VERBS),
        resources=_listed(tuple(dict.fromkeys(resources))),
    )
    marks = () if is_weak else danger.marks
    yield _Reason(danger.weight, text, rule.label, marks, None if is_weak else danger.reach, is_weak)


def _sentence(reasons: list[_Reason]) -> str:
    labels: dict[str, list[str]] = {}
    for one in reasons:
        labels.setdefault(one.text, []).append(one.label)
    said = [f"{text} ({_listed(tuple(where))})" for text, where in labels.items()]
    more = f"; and {len(said) - _MOST_REASONS} more reasons" if len(said) > _MOST_REASONS else ""
    return "; ".join(said[:_MOST_REASONS]) + more


def _harmless(rules: tuple[Rule, ...], weak: list[_Reason]) -> str:
    if not rules:
        return "It has no rules, so it allows nothing."
    because = (
        "Its rules open no secrets and no containers, start nothing, change no rights and borrow none, and "
        "none holds for everything."
    )
    return f"{because} Its holder {_sentence(weak)}." if weak else because


def _where(namespace: str) -> str:
    return f" in the namespace {namespace}" if namespace else " in the whole cluster"


def _listed(names: tuple[str, ...], most: int = _MOST_NAMES) -> str:
    shown = [name[:80] for name in names[:most]]
    if len(names) > most:
        return ", ".join(shown) + f" and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
