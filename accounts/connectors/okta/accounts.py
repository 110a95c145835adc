"""Users and service applications of Okta as accounts, and what is public about how they sign in."""

from collections.abc import Iterator

from accounts.connectors.api.values import inner, moment, objects, text_of, texts
from accounts.connectors.okta.objects import Found, Org, Value
from accounts.connectors.records import Account, Credential, IdentityKind
from accounts.connectors.values import KEY_LIMIT, WORDS_LIMIT

# Whether a user may sign in, by its status.
_ENABLED = {
    "ACTIVE": True, "RECOVERY": True, "PASSWORD_EXPIRED": True, "LOCKED_OUT": True, "PROVISIONED": True,
    "STAGED": False, "SUSPENDED": False, "DEPROVISIONED": False,
}  # fmt: skip
_MACHINE_WORDS = ("service account", "service", "bot", "system", "robot", "technical")


def user_account(key: str, one: Found) -> Account | None:
    """A user, by its id if it has no name yet; None if its name is too long to be one."""
    value, profile = one.value, inner(one.value.get("profile"))
    name = text_of(profile.get("login")) or text_of(profile.get("email")) or key
    if len(name) > KEY_LIMIT:
        return None
    kind = _kind(profile)
    email = text_of(profile.get("email"))
    both = [part for part in (text_of(profile.get("firstName")), text_of(profile.get("lastName"))) if part]
    used_at = moment(value.get("lastLogin"))
    purpose = text_of(profile.get("description"))
    return Account(
        external_id=key,
        name=name,
        line=one.line,
        display_name=text_of(profile.get("displayName")) or " ".join(both) or None,
        kind="personal" if kind == "human" else "machine" if kind else None,
        identity_kind=kind,
        identity_key=name if kind not in (None, "human") else None,
        employee_number=text_of(profile.get("employeeNumber")),
        email=email if email and "@" in email else None,
        is_enabled=_ENABLED.get(str(value.get("status"))),
        created_at=moment(value.get("created")),
        last_used_at=used_at,
        last_used_source="Okta lastLogin" if used_at else None,
        hints=(("purpose", purpose[:WORDS_LIMIT]),) if purpose and kind == "service" else (),
    )


def password_source(one: Found) -> str | None:
    """Who vouches for the user: Okta, an import, Active Directory …"""
    provider = inner(inner(one.value.get("credentials")).get("provider"))
    return text_of(provider.get("type"))


def app_name(key: str, value: Value) -> str:
    """What an application is called."""
    names = (text_of(value.get(name)) for name in ("label", "client_name", "name"))
    return next((said for said in names if said), key)[:KEY_LIMIT]


def client_of(value: Value) -> Value:
    """How an application signs in, written in the settings of an app or on the client itself."""
    own = {name: value[name] for name in ("grant_types", "application_type", "jwks") if name in value}
    return {**inner(inner(value.get("settings")).get("oauthClient")), **own}


def flows(value: Value) -> frozenset[str]:
    """The ways in which tokens are got (grant types of OAuth)."""
    return frozenset(texts(client_of(value).get("grant_types")))


def is_service(value: Value) -> bool:
    """Whether the application signs in for itself, without a person."""
    return text_of(client_of(value).get("application_type")) == "service" or "client_credentials" in flows(
        value
    )


def service_account(key: str, one: Found) -> Account:
    """An application that signs in for itself."""
    name = app_name(key, one.value)
    status = text_of(one.value.get("status"))
    purpose = text_of(inner(one.value.get("notes")).get("admin"))
    return Account(
        external_id=key,
        name=name,
        line=one.line,
        kind="machine",
        identity_kind="service",
        identity_key=name,
        is_enabled=None if status is None else status == "ACTIVE",
        created_at=moment(one.value.get("created")),
        hints=(("purpose", purpose[:WORDS_LIMIT]),) if purpose else (),
    )


def client_credentials(key: str, one: Found, found: Org) -> Iterator[Credential | Found]:
    """Keys and secrets of a client; a Found is a key that can't be told apart."""
    keys = [Found(jwk, one.line) for jwk in objects(inner(client_of(one.value).get("jwks")).get("keys"))]
    for part in (*keys, *found.related.get("app_keys", {}).get(key, [])):
        kid = text_of(part.value.get("kid")) or text_of(part.value.get("id"))
        if kid is None:
            yield part
        else:
            yield Credential(
                key,
                "certificate",
                kid[:KEY_LIMIT],
                part.line,
                is_active=_is_active(part.value),
                created_at=moment(part.value.get("created")),
            )
    listed = found.related.get("app_secrets", {}).get(key, [])
    for part in listed:
        if secret := text_of(part.value.get("id")):
            yield Credential(
                key,
                "secret",
                secret[:KEY_LIMIT],
                part.line,
                is_active=_is_active(part.value),
                created_at=moment(part.value.get("created")),
            )
    oauth = inner(inner(one.value.get("credentials")).get("oauthClient"))
    method = text_of(oauth.get("token_endpoint_auth_method")) or text_of(
        one.value.get("token_endpoint_auth_method")
    )
    if not listed and method is not None and method.startswith("client_secret"):
        yield Credential(key, "secret", "client secret", one.line, is_slot=True)


def _is_active(value: Value) -> bool | None:
    status = text_of(value.get("status"))
    return None if status is None else status == "ACTIVE"


def _kind(profile: Value) -> IdentityKind | None:
    """A person has a number or a first and a last name; the type of a user may say otherwise."""
    said = (text_of(profile.get("userType")) or "").casefold()
    if any(word == said or word in said.split() for word in _MACHINE_WORDS):
        return "service"
    if text_of(profile.get("employeeNumber")):
        return "human"
    return "human" if text_of(profile.get("firstName")) and text_of(profile.get("lastName")) else None
