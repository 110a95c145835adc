"""A group or role is as privileged as what it brings; the reason names the way."""

from collections.abc import Iterable
from dataclasses import replace

from accounts.connectors.records import Entitlement
from accounts.connectors.values import WORDS_LIMIT


def spread(entitlements: dict[str, Entitlement], brings: Iterable[tuple[str, str]]) -> None:
    """Mark everything that brings something privileged, also through others; circles end by themselves."""
    above: dict[str, list[str]] = {}
    for parent, child in brings:
        above.setdefault(child, []).append(parent)
    waiting = [key for key, one in entitlements.items() if one.is_privileged]
    while waiting:
        right = entitlements[waiting.pop()]
        for parent in above.get(right.external_id, ()):
            one = entitlements.get(parent)
            if one is not None and not one.is_privileged:
                because = f"Through {right.name}: {right.because}"[:WORDS_LIMIT]
                entitlements[parent] = replace(one, is_privileged=True, because=because)
                waiting.append(parent)
