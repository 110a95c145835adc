"""Applications that people of a Google Workspace let in, domain-wide delegations, and app passwords."""

from dataclasses import dataclass

from accounts.connectors.api.values import since_epoch, text_of, texts
from accounts.connectors.google_workspace.objects import Found, Value
from accounts.connectors.google_workspace.rights import Rights
from accounts.connectors.google_workspace.scopes import judge_scope
from accounts.connectors.records import Account, Credential, Entitlement
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

APP, SCOPE = "app:", "scope:"


@dataclass(slots=True)
class Apps:
    """Adds to the rights of a file what has access besides its users."""

    rights: Rights

    def read(self) -> None:
        """Applications by their tokens and delegations, and app passwords."""
        self._tokens()
        self._delegations()
        self._app_passwords()

    def _tokens(self) -> None:
        """Whoever lets an application in hands it rights in their own name."""
        for part in self.rights.found.listed("token"):
            client = text_of(part.value.get("clientId"))
            user = self._owner(part)
            if client is None or user is None:
                self.rights.reject(
                    part,
                    "unknown_user",
                    "The token names no application, or a user who is not in the file. Export the users too.",
                )
                continue
            app = self._app(client, text_of(part.value.get("displayText")), part.line)
            self.rights.credential(
                Credential(user, "token", client[:KEY_LIMIT], part.line, is_active=True, is_slot=True)
            )
            self._scopes(app, part, "in the name of people who agreed")

    def _delegations(self) -> None:
        """Domain-wide delegation: the application acts as anybody, without asking."""
        for part in self.rights.found.listed("delegation"):
            client = text_of(part.value.get("clientId")) or text_of(part.value.get("clientID"))
            if client is None:
                self.rights.reject(part, "no_id", "The delegation names no clientId. Export it whole.")
                continue
            app = self._app(client, text_of(part.value.get("displayText")), part.line)
            self._scopes(app, part, "as anybody")

    def _app(self, client: str, name: str | None, line: int) -> str:
        key = f"{APP}{client}"[:KEY_LIMIT]
        if key not in self.rights.accounts:
            said = (name or client)[:KEY_LIMIT]
            self.rights.accounts[key] = Account(
                key,
                said,
                line,
                kind="machine",
                identity_kind="integration",
                identity_key=said if name is None or name == client else f"{name} ({client})"[:KEY_LIMIT],
            )
        return key

    def _scopes(self, app: str, part: Found, whom: str) -> None:
        for scope in dict.fromkeys(_scopes_of(part.value)):
            key = f"{SCOPE}{scope} {whom}"[:KEY_LIMIT]
            if key not in self.rights.entitlements:
                judged = judge_scope(scope, is_for_all=whom == "as anybody")
                self.rights.entitlements[key] = Entitlement(
                    external_id=key,
                    name=f"{judged.name} ({whom})"[:KEY_LIMIT],
                    kind="right",
                    line=part.line,
                    plain_words=f"May use {scope} {whom}."[:WORDS_LIMIT],
                    is_privileged=judged.is_privileged,
                    because=judged.because,
                    marks=judged.marks,
                )
            self.rights.grant(app, key, part)

    def _app_passwords(self) -> None:
        for part in self.rights.found.listed("asp"):
            user = self._owner(part)
            code = text_of(part.value.get("codeId"))
            if user is None or code is None:
                self.rights.reject(
                    part, "unknown_user", "The app password names no user of the file. Export users too."
                )
                continue
            self.rights.credential(
                Credential(
                    user,
                    "password",
                    f"app password {code}"[:KEY_LIMIT],
                    part.line,
                    is_active=True,
                    created_at=since_epoch(part.value.get("creationTime"), 1000),
                    last_used_at=since_epoch(part.value.get("lastTimeUsed"), 1000),
                    is_slot=True,
                    weakness="app password",
                )
            )

    def _owner(self, part: Found) -> str | None:
        said = text_of(part.value.get("userKey")) or self.rights.found.owners.get(id(part.value))
        return self.rights.users.get(said.casefold()) if said else None


def _scopes_of(value: Value) -> list[str]:
    scopes = value.get("scopes", value.get("scope"))
    return texts(scopes) if isinstance(scopes, list) else (text_of(scopes) or "").replace(",", " ").split()
