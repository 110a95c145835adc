"""An access list of Teleport as a group: who owns it, how often it is reviewed, what membership asks for."""

from collections.abc import Iterator

from accounts.connectors.api.values import inner, objects, text_of
from accounts.connectors.records import Entitlement
from accounts.connectors.teleport.conditions import names
from accounts.connectors.teleport.files import Resource

LIST, OWNERS = "list:", "#owners"
_OF_LISTS = frozenset({"2", "membership_kind_list", "list"})


def is_list(membership_kind: object) -> bool:
    """Whether a member or owner is itself an access list."""
    return (text_of(membership_kind) or "").casefold() in _OF_LISTS


def owners_of(one: Resource) -> list[tuple[str, bool]]:
    """Names of the owners, and whether each is an access list."""
    found = [(text_of(owner.get("name")), owner) for owner in objects(one.spec.get("owners"))]
    return [(name, is_list(owner.get("membership_kind"))) for name, owner in found if name]


def list_entitlements(one: Resource) -> Iterator[Entitlement]:
    """Membership; and ownership, if that brings roles of its own."""
    title = text_of(one.spec.get("title")) or text_of(one.spec.get("name")) or one.name
    owners = [name for name, _ in owners_of(one)]
    yield Entitlement(
        external_id=f"{LIST}{one.name}",
        name=title[:256],
        kind="group",
        line=one.line,
        plain_words=" ".join(_words(one, title)),
        owner=", ".join(owners)[:200] or None,
    )
    if names(inner(one.spec.get("owner_grants")).get("roles")):
        yield Entitlement(
            external_id=f"{LIST}{one.name}{OWNERS}",
            name=f"owner of {title}"[:256],
            kind="group",
            line=one.line,
            plain_words=f"Owns the access list {title}: decides who is in it, and has roles of its own.",
            is_privileged=True,
            because="Decides who is a member.",
            marks=("iam_write",),
        )


def _words(one: Resource, title: str) -> Iterator[str]:
    yield f"Member of the access list {title}, which hands on its roles."
    if said := text_of(one.spec.get("description")) or text_of(one.metadata.get("description")):
        yield said[:1000]
    grants = inner(one.spec.get("grants"))
    if traits := _traits(grants.get("traits")):
        yield f"Brings the traits {', '.join(traits)[:300]}; what roles make of them is not told here."
    if objects(grants.get("scoped_roles")):
        yield "Brings roles in scopes, which are not told here."
    if needed := names(inner(one.spec.get("membership_requires")).get("roles")):
        yield f"Counts only for members who have the roles {', '.join(needed)[:300]}."
    if inner(one.spec.get("membership_requires")).get("traits"):
        yield "Counts only for members with certain traits."
    audit = inner(one.spec.get("audit"))
    if following := text_of(audit.get("next_audit_date")):
        yield f"Its next review is on {following[:10]}."


def _traits(value: object) -> list[str]:
    """A mapping, or a list of keys and values."""
    if isinstance(value, dict):
        return [str(key) for key in value]
    return [str(one.get("key")) for one in objects(value)]
