"""What a role of Teleport lets in where: labels in words, names and the templates that stand for names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.connectors.api.values import inner, text_of

_TEMPLATE = re.compile(r"\{\{.*\}\}", re.DOTALL)
_TRAIT = re.compile(
    r"\{\{\s*(?:internal|external)(?:\.([\w-]{1,100})|\[[\"']([^\"'\]]{1,100})[\"']\])\s*\}\}"
)
_HOST_LABELS = ("hostname", "host", "teleport.internal/hostname")
_MOST = 4


@dataclass(frozen=True, slots=True)
class Selector:
    """Which servers, clusters or databases a role reaches."""

    words: str  # at most 200 characters
    is_everything: bool
    is_nothing: bool


def selector_of(side: Mapping[str, object], what: str, plural: str) -> Selector:
    """`node_labels` and `node_labels_expression`, or those of another kind of resource, in words."""
    labels = inner(side.get(f"{what}_labels"))
    expression = text_of(side.get(f"{what}_labels_expression"))
    if not labels and expression is None:
        return Selector(f"no {plural}", False, True)
    if _is_any(labels) and expression is None:
        return Selector(f"all {plural}", True, False)
    for key in _HOST_LABELS:
        values = names(labels.get(key))
        if len(labels) == 1 and expression is None and len(values) == 1 and not _is_pattern(values[0]):
            return Selector(values[0][:200], False, False)
    parts = [f"{key}={'|'.join(names(value)[:_MOST])}" for key, value in labels.items()]
    more = f" and {len(parts) - _MOST} more labels" if len(parts) > _MOST else ""
    said = ", ".join(parts[:_MOST]) + more
    if expression is not None:
        said = f"{said}, where {expression}" if said else f"where {expression}"
    return Selector(f"{plural} {said}"[:200], False, False)


def names(value: object) -> list[str]:
    """Teleport writes one text or a list of them."""
    if isinstance(value, list):
        return [said for part in value if (said := text_of(part))]
    said = text_of(value)
    return [said] if said else []


def is_template(name: str) -> bool:
    """`{{internal.logins}}`: it stands for what each user brings."""
    return _TEMPLATE.search(name) is not None


def trait_of(name: str) -> str | None:
    """The trait, if nothing but one stands there."""
    found = _TRAIT.fullmatch(name.strip())
    return (found[1] or found[2]) if found else None


def matches(name: str, patterns: list[str]) -> bool:
    """Names with `*`, or regular expressions between ^ and $, of which only plain ones are understood."""
    for pattern in patterns:
        body = pattern[1:-1] if pattern.startswith("^") and pattern.endswith("$") else None
        if body is not None:
            if body in (".*", ".+") or (re.fullmatch(r"[\w.-]*\.\*", body) and name.startswith(body[:-2])):
                return True
            if body == name:
                return True
        elif pattern == name or _star(pattern, name):
            return True
    return False


def _star(pattern: str, name: str) -> bool:
    first, *middle, last = pattern.split("*") if "*" in pattern else (pattern, "")
    if "*" not in pattern or len(name) < len(first) + len(last):
        return False
    if not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _is_any(labels: Mapping[str, object]) -> bool:
    return "*" in labels and "*" in names(labels["*"])


def _is_pattern(value: str) -> bool:
    return "*" in value or value.startswith("^") or is_template(value)
