"""LDAP: one search, page by page, over TLS, written as the LDIF of `ldapsearch`.

Only the attributes that tell about access are asked for, by name: never all of them, never one that may hold
a secret. Referrals are written down and not followed; the connection refuses to write.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from accounts.connectors.ldif import accounts as of_accounts
from accounts.connectors.ldif import credentials as of_credentials
from accounts.connectors.ldif import groups as of_groups
from accounts.connectors.ldif.secrets import SECRET, TELLS
from accounts.connectors.ldif.survey import BACKWARDS, MEMBERS
from accounts.connectors.secret_names import is_secret_name
from accounts.pulls.ldif import Ldif
from accounts.pulls.pull import (
    MIB,
    Address,
    Paper,
    Pull,
    PullRefused,
    Reach,
    Request,
    Sink,
    Taken,
    address,
    library,
    settled,
)
from accounts.pulls.web import trusted

EVERYTHING = "(objectClass=*)"
FIELDS, NEEDED = ("url", "base", "filter"), frozenset({"url", "base"})
PORTS = {"ldaps": 636, "ldap": 389}
PAGE, MOST_PAGES = 500, 100_000
PAGED = "1.2.840.113556.1.4.319"  # the control of RFC 2696
_ALSO = {
    *(
        "objectcategory",
        "gidnumber",
        "memberurl",
        "ds-privilege-name",
        "primarygroupid",
        "nsrole",
        "objectsid",
    ),
    *("objectguid", "entryuuid", "ipauniqueid", "nsuniqueid", "isdeleted"),
}
_TOLD = of_accounts.WANTED | of_groups.WANTED | of_credentials.WANTED | BACKWARDS | MEMBERS | _ALSO
ATTRIBUTES = tuple(
    sorted(name for name in _TOLD if name not in SECRET and (name in TELLS or not is_secret_name(name)))
)
Connect = Callable[[Request, Address], Any]


def check(settings: Mapping[str, str], reach: Reach) -> None:
    """Whether the settings could work."""
    _address(settings, reach)


def read(request: Request, sink: Sink, *, connect: Connect | None = None) -> Taken:
    """Every entry below the base. `connect` gives a bound connection of ldap3."""
    at = _address(request.settings, request.reach)
    base, wanted = _question(request.settings)
    errors = library("ldap3.core.exceptions")
    paper = Paper(request, sink)
    ldif = Ldif(paper)
    try:
        connection = (connect or _connect)(request, at)
        try:
            ldif.begin(base, wanted, ATTRIBUTES)
            is_whole = _search(connection, request, paper, ldif)
        finally:
            connection.unbind()
    except errors.LDAPInvalidFilterError:
        raise PullRefused(
            "wrong_filter", "The filter is none of LDAP, such as (objectClass=person)."
        ) from None
    except errors.LDAPExceptionError as error:
        raise PullRefused(
            "no_answer",
            f"{at.shown} does not answer as it should ({type(error).__name__}). Check the address, that its "
            f"certificate is trusted and names this host, and {request.prefix}CA if an authority of your own "
            "signed it.",
        ) from None
    ldif.end()
    asked = f"ldapsearch {at.shown} base <{base}> scope subtree filter {wanted}: {' '.join(ATTRIBUTES)}"
    return Taken("directory.ldif", asked, {"entries": ldif.entries}, is_whole=is_whole)


def _address(settings: Mapping[str, str], reach: Reach) -> Address:
    settled(settings, FIELDS, NEEDED)
    return address(settings["url"], reach, PORTS)


def _question(settings: Mapping[str, str]) -> tuple[str, str]:
    """Base and filter."""
    return settings["base"], settings.get("filter", "").strip() or EVERYTHING


def _search(connection: Any, request: Request, paper: Paper, ldif: Ldif) -> bool:
    """Write every page; False if it was a trial and there are more."""
    base, wanted = _question(request.settings)
    cookie: bytes | None = None
    for _ in range(MOST_PAGES):
        paper.on_time()
        connection.search(
            base,
            wanted,
            attributes=list(ATTRIBUTES),
            paged_size=PAGE,
            paged_criticality=True,
            paged_cookie=cookie,
        )
        result = connection.result
        _refuse_result(result)
        _write(connection.response or (), ldif)
        cookie = result.get("controls", {}).get(PAGED, {}).get("value", {}).get("cookie")
        if not cookie or request.limits.is_trial:
            return not cookie
    raise PullRefused("no_end", "The directory never ends its answer.")


def _write(response: Iterable[Mapping[str, Any]], ldif: Ldif) -> None:
    for one in response:
        if one["type"] == "searchResEntry":
            ldif.entry(one["dn"], one["raw_attributes"])
        elif one["type"] == "searchResRef":
            ldif.references([str(uri) for uri in one["uri"]])


def _refuse_result(result: Mapping[str, Any]) -> None:
    """A search that did not end well has shown a part, and a part is not handed over."""
    code, name = result["result"], result["description"]
    if code == 0:
        return
    what = {
        "invalidCredentials": "does not accept the name and password of the reader",
        "insufficientAccessRights": "does not let the reader search there",
        "noSuchObject": "has no entry of the name that is the base",
        "sizeLimitExceeded": "cuts the answer off. Raise the reader’s limit there",
        "timeLimitExceeded": "gives up before the end. Raise the reader’s limit there",
        "unavailableCriticalExtension": "can’t answer in pages",
    }.get(name, "refuses to answer")
    raise PullRefused("refused", f"The directory {what} ({name}).")


def _connect(request: Request, at: Address) -> Any:
    """Bound over TLS: from the start with ldaps://, before anything else is said with ldap://."""
    ldap3 = library("ldap3")
    user, secret = request.secret("USER"), request.secret("PASSWORD")
    authority = request.secrets.get("CA", "")
    trusted(authority, request.prefix)
    timeout = request.limits.timeout
    server = ldap3.Server(
        at.host,
        at.port,
        use_ssl=at.scheme == "ldaps",
        tls=ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_data=authority or None),
        get_info=ldap3.NONE,
        connect_timeout=timeout,
        allowed_referral_hosts=[],
    )
    connection = ldap3.Connection(
        server,
        user,
        secret,
        auto_bind=ldap3.AUTO_BIND_NONE,
        authentication=ldap3.SIMPLE,
        read_only=True,
        auto_referrals=False,
        receive_timeout=timeout,
        check_names=False,
        return_empty_attributes=False,
    )
    try:
        _enter(connection, at)
    except BaseException:
        connection.unbind()
        raise
    return connection


def _enter(connection: Any, at: Address) -> None:
    """TLS first, then who asks."""
    connection.open()
    if at.scheme == "ldap" and not connection.start_tls():
        raise PullRefused(
            "no_tls", f"{at.shown} does not begin TLS, and nothing is said without it. Use ldaps://."
        )
    if not connection.bind():
        _refuse_result(connection.result)
        raise PullRefused("refused", f"{at.shown} does not let the reader in.")


DIRECTORY = Pull(
    kind="ldap",
    label="LDAP search",
    fields=FIELDS,
    needed=NEEDED,
    secrets=("USER", "PASSWORD", "CA"),
    size=1024 * MIB,
    check=check,
    read=read,
)
