"""Groups, roles and permissions of Entra ID, and who holds them, as the directory asserts it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from accounts.connectors.api.privilege import spread
from accounts.connectors.api.values import excerpt, inner, moment, objects, text_of, texts
from accounts.connectors.entra.directory import Directory, Found, Value, each_with_owner, plain
from accounts.connectors.entra.permissions import NO_ROLE, judge_permission, permission_name
from accounts.connectors.entra.roles import Judgement, judge_role, role_name, scope_words
from accounts.connectors.records import Account, Entitlement, Grant, Inclusion, Record, Rejected
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

OWNER = "#owner"
_UNSIGNED = ("device", "orgcontact")  # members that neither sign in nor hold rights
_ON_PREMISES = "on-premises Active Directory"


@dataclass(slots=True)
class Rights:
    """Collects entitlements first and what names them second."""

    directory: Directory
    accounts: set[str]  # external ids that the file has
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    strangers: dict[str, Account] = field(default_factory=dict)  # named by their kind, but not listed
    grants: dict[tuple[str, str, bool], Grant] = field(default_factory=dict)
    inclusions: dict[tuple[str, str], Inclusion] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)

    def read(self) -> None:
        """Everything in the order in which later records need earlier ones."""
        self._groups()
        self._members()
        self._owners()
        self._roles()
        self._permissions()
        spread(self.entitlements, self.inclusions)

    def records(self) -> Iterator[Record]:
        """Accounts that only these lists name, entitlements, then who holds what."""
        yield from self.rejected
        yield from self.strangers.values()
        yield from self.entitlements.values()
        yield from self.inclusions.values()
        yield from self.grants.values()

    def _groups(self) -> None:
        for key, found in self.directory.of("group").items():
            self.entitlements[key] = self._group(key, found)

    def _group(self, key: str, found: Found) -> Entitlement:
        value = found.value
        name = (text_of(value.get("displayName")) or key)[:KEY_LIMIT]
        rule = text_of(value.get("membershipRule"))
        is_dynamic = "DynamicMembership" in texts(value.get("groupTypes")) or rule is not None
        said = text_of(value.get("description")) or f"Member of the group {name}"
        words = [said if said.endswith((".", "!", "?")) else f"{said}."]
        removable = None
        if value.get("onPremisesSyncEnabled") is True:
            removable = _ON_PREMISES
        elif is_dynamic:
            removable = "membership rule of the group in Entra ID"
            words.append(f"Who is in it follows from a rule{f': {rule}' if rule else ''}.")
        if value.get("isAssignableToRole") is True:
            words.append("It may be given directory roles.")
        owners = self.directory.hanging("owners", key)
        names = (
            text_of(one.value.get("mail")) or self.directory.names.get(text_of(one.value.get("id")) or "")
            for one in owners
        )
        return Entitlement(
            external_id=key,
            name=name,
            kind="group",
            line=found.line,
            plain_words=" ".join(words)[:WORDS_LIMIT],
            removable_at=removable,
            owner=next((said for said in names if said), None),
        )

    def _members(self) -> None:
        for owner, part in each_with_owner(self.directory, "members"):
            if owner in self.directory.of("directory_role"):
                continue
            if owner not in self.entitlements:
                self._reject(
                    part, "unknown_group", f"The group {owner} is not in the file. Export the groups too."
                )
                continue
            self._hold(text_of(part.value.get("id")), part, owner)
        for key in ("group_assignment", "group_eligibility"):
            for found in self.directory.listed(key):
                self._group_schedule(found, is_eligible=key == "group_eligibility")

    def _owners(self) -> None:
        """Who owns a group that may be given roles decides who has them."""
        for key, found in self.directory.of("group").items():
            if found.value.get("isAssignableToRole") is True:
                for part in self.directory.hanging("owners", key):
                    self._hold(text_of(part.value.get("id")), part, self._ownership(key, found.line))

    def _ownership(self, group: str, line: int) -> str:
        key = f"{group}{OWNER}"
        name = self.entitlements[group].name
        self.entitlements.setdefault(
            key,
            Entitlement(
                external_id=key,
                name=f"{name} (owner)"[:KEY_LIMIT],
                kind="right",
                line=line,
                plain_words=f"Owns the group {name} and decides who is in it.",
            ),
        )
        return key

    def _group_schedule(self, found: Found, *, is_eligible: bool) -> None:
        group = text_of(found.value.get("groupId")) or ""
        if group not in self.entitlements:
            self._reject(
                found, "unknown_group", f"The group {group} is not in the file. Export the groups too."
            )
            return
        is_owner = str(found.value.get("accessId", "")).casefold() == "owner"
        target = self._ownership(group, found.line) if is_owner else group
        self._scheduled(found, target, is_eligible=is_eligible)

    def _roles(self) -> None:
        for key, found in self.directory.of("directory_role").items():
            template = text_of(found.value.get("roleTemplateId")) or key
            role = self._role(template, {**found.value, "isBuiltIn": True}, None, found.line)
            for part in self.directory.hanging("members", key):
                self._hold(text_of(part.value.get("id")), part, role)
        for kind in ("assignment", "eligibility"):
            for found in self.directory.listed(kind):
                self._assigned(found, is_eligible=kind == "eligibility")
        for key, found in self.directory.of("definition").items():
            self._role(text_of(found.value.get("templateId")) or key, found.value, None, found.line)

    def _assigned(self, found: Found, *, is_eligible: bool) -> None:
        value = found.value
        key = text_of(value.get("roleDefinitionId"))
        if key is None:
            self._reject(found, "no_role", "The assignment names no role. Export it with roleDefinitionId.")
            return
        known = self.directory.of("definition").get(key)
        definition = known.value if known else plain(inner(value.get("roleDefinition")))
        template = text_of(definition.get("templateId")) or key
        scope = text_of(value.get("directoryScopeId")) or text_of(value.get("appScopeId"))
        line = known.line if known else found.line
        self._scheduled(found, self._role(template, definition, scope, line), is_eligible=is_eligible)

    def _role(self, template: str, definition: Value, scope: str | None, line: int) -> str:
        limited = scope_words(scope, self.directory.names)
        key = template if limited is None else f"{template}@{scope}"
        if key in self.entitlements and self.entitlements[key].is_privileged is not None:
            return key
        judged = judge_role(template, definition)
        name = role_name(template, definition)
        because = judged.because
        if limited is not None:
            name = f"{name} (for {limited})"
            because = f"{because} Limited to {limited}." if because else None
        self.entitlements[key] = Entitlement(
            external_id=key,
            name=name[:KEY_LIMIT],
            kind="role",
            line=line,
            plain_words=(text_of(definition.get("description")) or f"Directory role {name}.")[:WORDS_LIMIT],
            is_privileged=judged.is_privileged,
            because=because,
            reach="console" if judged.is_privileged else None,
            marks=judged.marks,
        )
        return key

    def _scheduled(self, found: Found, target: str, *, is_eligible: bool) -> None:
        """An assignment with the times of its schedule; one that comes through a group follows by itself."""
        value = found.value
        if str(value.get("memberType", "Direct")).casefold() not in ("direct", ""):
            self._count("assignments that come through a group (memberType)")
            return
        schedule = inner(value.get("scheduleInfo"))
        expiration = inner(schedule.get("expiration"))
        starts = moment(value.get("startDateTime")) or moment(schedule.get("startDateTime"))
        ends = moment(value.get("endDateTime")) or moment(expiration.get("endDateTime"))
        principal = text_of(value.get("principalId"))
        expanded = {"principalId": principal, "entitlement": target, **plain(inner(value.get("principal")))}
        self._hold(principal, Found(expanded, found.line), target, starts, ends, is_eligible=is_eligible)

    def _permissions(self) -> None:
        for found in self.directory.listed("app_role"):
            value = found.value
            target = self._app_role(value, found.line)
            kind = str(value.get("principalType", "")).casefold()
            named = {
                "@odata.type": f"#microsoft.graph.{kind}",
                "displayName": value.get("principalDisplayName"),
            }
            principal = text_of(value.get("principalId"))
            self._hold(principal, Found(named, found.line), target, moment(value.get("createdDateTime")))
        for found in self.directory.listed("delegated"):
            self._delegated(found)

    def _app_role(self, value: Value, line: int) -> str:
        resource = text_of(value.get("resourceId")) or "unknown resource"
        role = text_of(value.get("appRoleId")) or NO_ROLE
        key = f"{resource}/{role}"
        if key in self.entitlements:
            return key
        known = self.directory.of("principal").get(resource)
        offered = objects(known.value.get("appRoles")) if known else []
        one = next((part for part in offered if text_of(part.get("id")) == role), {})
        where = text_of(value.get("resourceDisplayName")) or self.directory.names.get(resource) or resource
        name = text_of(one.get("value")) or permission_name(role) or text_of(one.get("displayName"))
        app = text_of(known.value.get("appId")) if known else None
        if role == NO_ROLE:
            judged = Judgement(False, "It lets in, without a role.")
            said, words = f"{where}: access", f"May use {where}."
        else:
            judged = judge_permission(name, app) if name else Judgement(None, None)
            said = f"{where}: {name or role}"
            words = text_of(one.get("description")) or text_of(one.get("displayName")) or f"May use {said}."
        self.entitlements[key] = _permission(key, said, words, judged, line)
        return key

    def _delegated(self, found: Found) -> None:
        value = found.value
        resource = text_of(value.get("resourceId")) or "unknown resource"
        known = self.directory.of("principal").get(resource)
        app = text_of(known.value.get("appId")) if known else None
        where = self.directory.names.get(resource) or resource
        is_for_all = str(value.get("consentType", "")).casefold() == "allprincipals"
        whom = "everybody" if is_for_all else "people who agreed"
        for scope in dict.fromkeys((text_of(value.get("scope")) or "").split()):
            key = f"{resource}/delegated/{scope}/{'all' if is_for_all else 'each'}"[:KEY_LIMIT]
            if key not in self.entitlements:
                judged = judge_permission(scope, app)
                if judged.is_privileged and judged.because:
                    judged = replace(judged, because=f"{judged.because} It does so in the name of {whom}.")
                words = f"May use {where} ({scope}) in the name of {whom}, within their own rights."
                said = f"{where}: {scope} (in the name of {whom})"
                self.entitlements[key] = _permission(key, said, words, judged, found.line)
            client = text_of(value.get("clientId"))
            self._hold(client, Found({"@odata.type": "#x.servicePrincipal"}, found.line), key)

    def _hold(
        self,
        principal: str | None,
        found: Found,
        target: str,
        starts: datetime | None = None,
        ends: datetime | None = None,
        *,
        is_eligible: bool = False,
    ) -> None:
        """A grant for an account, an inclusion for a group; whoever is neither is rejected."""
        kind = str(found.value.get("@odata.type", "")).rpartition(".")[2].casefold()
        if principal is None:
            self._reject(found, "no_principal", "It does not say who holds this. Export it with its ids.")
        elif kind in _UNSIGNED:
            self._count("devices and contacts in groups, which hold no rights")
        elif principal in self.directory.of("group") or (principal not in self.accounts and kind == "group"):
            self._include(principal, found, target, starts, ends, is_eligible=is_eligible)
        elif principal in self.accounts or self._stranger(principal, kind, found):
            grant = Grant(
                principal, target, found.line, is_eligible=is_eligible, starts_at=starts, ends_at=ends
            )
            self._grant(grant)
        else:
            self._reject(
                found,
                "unknown_principal",
                f"{principal} is not in the file, and it can't be told whether it is an account or a group. "
                "Export users, groups and service principals too.",
            )

    def _grant(self, grant: Grant) -> None:
        """The schedule of an assignment says more than the assignment itself."""
        key = (grant.account, grant.entitlement, grant.is_eligible)
        before = self.grants.get(key)
        if before is None or (before.starts_at is None and before.ends_at is None):
            self.grants[key] = grant

    def _include(
        self,
        group: str,
        found: Found,
        target: str,
        starts: datetime | None,
        ends: datetime | None,
        *,
        is_eligible: bool,
    ) -> None:
        if group not in self.entitlements:
            name = text_of(found.value.get("displayName")) or group
            self.entitlements[group] = Entitlement(
                group, name[:KEY_LIMIT], "group", found.line, plain_words=f"Member of the group {name}."
            )
        if not is_eligible:
            if ends is not None:
                self._count("rights that groups hold for a time only, shown without their end")
            self.inclusions.setdefault((group, target), Inclusion(group, target, found.line))
            return
        # An inclusion says that who has the one has the other; here they may only switch it on.
        everybody = self._everybody(group)
        if not everybody:
            self._count("eligible assignments of groups of which the file names no members")
        for account in everybody:
            key = (account, target, True)
            self.grants.setdefault(
                key,
                Grant(
                    account,
                    target,
                    found.line,
                    via=group,
                    is_eligible=True,
                    starts_at=starts,
                    ends_at=ends,
                ),
            )

    def _everybody(self, group: str) -> list[str]:
        """The accounts in a group, also through groups in it."""
        found: dict[str, None] = {}
        seen, waiting = {group}, [group]
        while waiting:
            for part in self.directory.hanging("members", waiting.pop()):
                key = text_of(part.value.get("id")) or ""
                if key in self.directory.of("group") and key not in seen:
                    seen.add(key)
                    waiting.append(key)
                elif key in self.accounts:
                    found[key] = None
        return list(found)

    def _stranger(self, principal: str, kind: str, found: Found) -> bool:
        """An account that is named with its kind, but not listed: it exists, and nothing else is known."""
        name = text_of(found.value.get("userPrincipalName")) or text_of(found.value.get("displayName"))
        is_user = kind in ("user", "agentuser") or "userPrincipalName" in found.value
        if not is_user and kind not in ("serviceprincipal", "agentidentity"):
            return False
        if principal not in self.strangers:
            self.strangers[principal] = Account(
                external_id=principal,
                name=(name or principal)[:KEY_LIMIT],
                line=found.line,
                kind=None if is_user else "machine",
            )
        return True

    def _count(self, what: str) -> None:
        self.notes[what] = self.notes.get(what, 0) + 1

    def _reject(self, found: Found, code: str, reason: str) -> None:
        self.rejected.append(Rejected(found.line, code, reason, excerpt(found.value)))


def _permission(key: str, name: str, words: str, judged: Judgement, line: int) -> Entitlement:
    return Entitlement(
        external_id=key,
        name=name[:KEY_LIMIT],
        kind="right",
        line=line,
        plain_words=words[:WORDS_LIMIT],
        is_privileged=judged.is_privileged,
        because=judged.because,
        marks=judged.marks,
    )
