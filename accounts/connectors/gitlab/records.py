"""People, groups, projects, keys and tokens of GitLab as records, each before what names it."""

import re
from collections.abc import Iterator

from accounts.connectors.api.values import inner, objects, text_of
from accounts.connectors.gitlab.facts import Facts, Item, Place, Placed
from accounts.connectors.gitlab.machines import access_tokens, tokens_and_machines
from accounts.connectors.gitlab.rights import LEVELS, Rights, level_of, when
from accounts.connectors.records import Account, Credential, Entitlement, Grant, Inclusion, Record, Rejected

_NO_LIMIT = 10**6  # below a group its levels count as they are
_BOT = re.compile(
    r"(?:project|group)_\d+_bot(?:_?[0-9a-f]*)?|support-bot|alert-bot|ghost|security-policy-bot"
)
_OFF = frozenset({"blocked", "deactivated", "banned", "ldap_blocked", "blocked_pending_approval"})


class Telling:
    """The records of one file."""

    def __init__(self, found: Facts) -> None:
        self._found = found
        self._rights = Rights(found, accounts=set(found.users))
        self.explained = 0
        self.pending = 0
        self.ending_shares = 0

    def records(self) -> Iterator[Record]:
        """Everything; an entitlement or account is told right before the first that names it."""
        yield from self._found.rejected
        members = [(one, level_of(one), self._rights.place_of(one)) for one in self._found.of("members")]
        for one, level, place in members:
            if one.is_direct and level is not None and place is not None:
                self._rights.direct[place.kind, place.number, text_of(one.value.get("id")) or ""] = level
                self._rights.held.setdefault((place.kind, place.number), set()).add(level)
        for number, placed in self._found.users.items():
            yield from self._user(number, placed)
        for one, level, place in members:
            yield from self._membership(one, level, place)
        yield from access_tokens(self._rights)
        yield from self._inheritance()
        yield from tokens_and_machines(self._rights)

    def _user(self, number: str, placed: Placed) -> Iterator[Record]:
        value = placed.value
        name = text_of(value.get("username")) or number
        is_bot = value.get("bot") is True or _BOT.fullmatch(name) is not None
        state = text_of(value.get("state"))
        used = [
            at
            for key in ("last_activity_on", "current_sign_in_at", "last_sign_in_at")
            if (at := when(value.get(key))) is not None
        ]
        creator = text_of(inner(value.get("created_by")).get("username"))
        yield Account(
            external_id=number,
            name=name,
            line=placed.line,
            display_name=text_of(value.get("name")),
            kind="machine" if is_bot else "personal",
            identity_kind="bot" if is_bot else "human",
            identity_key=name if is_bot else None,
            email=None if is_bot else text_of(value.get("email")) or text_of(value.get("public_email")),
            is_enabled=True if state == "active" else False if state in _OFF else None,
            created_at=when(value.get("created_at")),
            last_used_at=max(used, default=None),
            last_used_source="GitLab last activity or sign-in" if used else None,
            hints=(("creator", creator),) if creator else (),
        )
        if value.get("is_admin") is True:
            yield from self._rights.instance(number, "admin", placed.line)
        if value.get("is_auditor") is True:
            yield from self._rights.instance(number, "auditor", placed.line)
        identities = objects(value.get("identities"))
        saml = inner(value.get("group_saml_identity"))
        for identity in [*identities, *([saml] if saml else [])]:
            subject, provider = text_of(identity.get("extern_uid")), text_of(identity.get("provider"))
            if subject and provider:
                yield Credential(number, "federated", f"{provider}: {subject}", placed.line)
        if value.get("two_factor_enabled") is False and not identities and not is_bot:
            yield Credential(
                number,
                "password",
                "password",
                placed.line,
                is_slot=True,
                weakness="Signs in without a second factor",
            )

    def _membership(self, one: Placed, level: int | None, place: Place | None) -> Iterator[Record]:
        number = text_of(one.value.get("id")) or ""
        if place is None or level is None:
            yield Rejected(
                one.line,
                "unknown_place",
                f"Nothing says which group or project {one.value.get('username')} is a member of, or at "
                "which level. Save the answers under the addresses they were asked for, or as a recording.",
            )
            return
        if one.value.get("membership_state") == "awaiting" or one.value.get("invite_email"):
            self.pending += 1
            return
        if not one.is_direct and self._is_inherited(place, number, level):
            self.explained += 1
            return
        own = inner(one.value.get("member_role"))
        role, own_name = text_of(own.get("id")), text_of(own.get("name"))
        if role and own_name:
            base = own.get("base_access_level")
            key = f"{place.kind}/{place.number}#role-{role}"
            yield from self._rights.once(
                Entitlement(
                    key,
                    f"{own_name} of {place.path}",
                    "role",
                    one.line,
                    plain_words=f"An own role on top of {LEVELS[level][0]}." if level in LEVELS else None,
                    is_privileged=True if isinstance(base, int) and base >= 40 else None,
                    because="What the role adds is not in the file.",
                )
            )
        else:
            key = f"{place.kind}/{place.number}#{level}"
            yield from self._rights.role(place, level, one.line)
        yield Grant(number, key, one.line, ends_at=when(one.value.get("expires_at")))

    def _is_inherited(self, place: Place, user: str, level: int) -> bool:
        """Whether a group above, in the file, gives this member the same or more."""
        seen: set[str] = set()
        above: Place | None = place
        while above is not None and above.number not in seen:
            if self._rights.direct.get((above.kind, above.number, user), -1) >= level:
                return True
            seen.add(above.number if above.kind == "group" else "")
            above = self._found.places.get(("group", above.parent)) if above.parent else None
        return False

    def _inheritance(self) -> Iterator[Record]:
        """What a level brings with it: the same in the groups and projects below a group, and where the group
        was invited the lower of it and of the invitation's level."""
        shares: list[_Share] = []
        for place in list(self._found.places.values()):
            for share in place.shares:
                if (made := self._share(place, share)) is not None:
                    shares.append(made)
                else:
                    yield Rejected(
                        place.line,
                        "broken_item",
                        f"A group invited to {place.path} lacks its number or level. Export it again.",
                    )
        reached = _reached(self._found, shares)
        # A group that was invited and whose members the file does not list brings what it was invited for.
        empty = [(invited, most) for invited, _, most in shares if invited.key not in self._rights.held]
        for invited, most in empty:
            yield from self._rights.role(invited, most, invited.line)
        waiting = [
            (self._found.places[key], level) for key, levels in self._rights.held.items() for level in levels
        ]
        done = {(place.key, level) for place, level in waiting}
        while waiting:
            place, level = waiting.pop()
            for child, most in reached.get(place.key, ()):
                gained = min(level, most)
                yield from self._rights.role(child, gained, child.line)
                yield Inclusion(
                    f"{place.kind}/{place.number}#{level}",
                    f"{child.kind}/{child.number}#{gained}",
                    child.line,
                )
                if (child.key, gained) not in done:
                    done.add((child.key, gained))
                    waiting.append((child, gained))

    def _share(self, place: Place, share: Item) -> "_Share | None":
        """The invited group, the place it was invited to, and the most that it brings."""
        number, most = text_of(share.get("group_id")), share.get("group_access_level")
        if number is None or isinstance(most, bool) or not isinstance(most, int):
            return None
        self.ending_shares += share.get("expires_at") is not None
        path = text_of(share.get("group_full_path")) or text_of(share.get("group_name")) or number
        invited = self._found.places.setdefault(("group", number), Place("group", number, path, place.line))
        return invited, place, most


_Share = tuple[Place, Place, int]


def _reached(found: Facts, shares: list[_Share]) -> dict[tuple[str, str], list[tuple[Place, int]]]:
    """For every group the places that its levels reach, and the most that counts there."""
    reached: dict[tuple[str, str], list[tuple[Place, int]]] = {}
    for place in found.places.values():
        if place.parent:
            reached.setdefault(("group", place.parent), []).append((place, _NO_LIMIT))
    for invited, place, most in shares:
        reached.setdefault(invited.key, []).append((place, most))
    return reached
