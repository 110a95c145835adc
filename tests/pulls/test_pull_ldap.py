"""LDAP is searched page by page and written as LDIF; the directory is the one that ldap3 plays in memory."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import ldap3
import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.records import Account, Grant, Inclusion
from accounts.pulls import ldap
from accounts.pulls.ldif import Ldif
from accounts.pulls.pull import Address, Limits, Paper, PullRefused, Reach, Request, Taken
from tests.pulls.servers import certificate_in, serving

BASE = "dc=nordhaven,dc=test"
PASSWORD = "reader-Secret-1"
ANN = f"uid=ann,ou=people,{BASE}"
SETTINGS = {"url": "ldaps://dir.nordhaven.test", "base": BASE}
REACH = Reach(frozenset({"dir.nordhaven.test"}))


def directory(people: int = 2) -> Callable[[Request, Address], Any]:
    """A directory with so many people, two groups, one inside the other, and secrets that nobody asks for."""

    def connect(request: Request, at: Address) -> Any:
        connection = ldap3.Connection(
            ldap3.Server("played"),
            user=f"cn=reader,{BASE}",
            password=PASSWORD,
            client_strategy=ldap3.MOCK_SYNC,
            read_only=True,
            check_names=False,
        )
        add = connection.strategy.add_entry
        add(
            f"cn=reader,{BASE}",
            {"userPassword": PASSWORD, "objectClass": "person", "cn": "reader", "sn": "r"},
        )
        for number in range(people):
            name = "ann" if number == 0 else f"person{number}"
            add(
                f"uid={name},ou=people,{BASE}",
                {
                    "objectClass": ["inetOrgPerson", "person"],
                    "uid": name,
                    "cn": "Ann Ågren" if number == 0 else name,
                    "sn": " leading",
                    "userPassword": "supersecret",
                    "ms-Mcs-AdmPwd": "supersecret",
                    "entryUUID": f"00000000-0000-0000-0000-{number:012d}",
                },
            )
        group = {"objectClass": "groupOfNames", "cn": "dba", "member": ANN}
        add(f"cn=dba,ou=groups,{BASE}", group)
        outer = {"objectClass": "groupOfNames", "cn": "admins", "member": f"cn=dba,ou=groups,{BASE}"}
        add(f"cn=admins,ou=groups,{BASE}", outer)
        assert connection.bind()
        return connection

    return connect


def request(**fields: Any) -> Request:
    values: dict[str, Any] = {
        "settings": SETTINGS,
        "secrets": {"USER": f"cn=reader,{BASE}", "PASSWORD": PASSWORD},
        "reach": REACH,
        "limits": Limits(timeout=5),
        "prefix": "PORTAL_PULL_DIR_",
    }
    return Request(**(values | fields))


def taken(people: int = 2, **fields: Any) -> tuple[Taken, str]:
    out = BytesIO()
    told = ldap.read(request(**fields), out.write, connect=directory(people))
    return told, out.getvalue().decode()


def test_the_ldif_is_read_by_the_connector_with_groups_inside_groups() -> None:
    told, text = taken()
    assert told.counts == {"entries": 5}
    header, records = REGISTRY["ldif"].read(BytesIO(text.encode()), {"complete": "yes"})
    found = list(records)
    assert (header.is_full, header.system_reference) == (True, BASE)
    assert {one.name for one in found if isinstance(one, Account)} >= {"ann", "person1"}
    assert any(isinstance(one, Grant) for one in found)
    assert any(isinstance(one, Inclusion) for one in found)


def test_secrets_are_not_even_asked_for() -> None:
    _told, text = taken()
    assert "supersecret" not in text
    assert PASSWORD not in text
    asked = {name.lower() for name in ldap.ATTRIBUTES}
    assert not asked & {"userpassword", "unicodepwd", "ms-mcs-admpwd", "*", "+", "krbprincipalkey"}


def test_many_people_come_in_pages_and_none_twice() -> None:
    told, text = taken(1_203)
    assert told.counts == {"entries": 1_206}
    assert text.count("\ndn:") == 1_206
    assert f"# numEntries: {told.counts['entries']}" in text
    again, part = taken(1_203, limits=Limits(timeout=5, is_trial=True))
    assert (again.counts, again.is_whole) == ({"entries": ldap.PAGE}, False)
    assert part.count("\ndn:") == ldap.PAGE


def test_a_filter_is_told_and_keeps_the_file_from_proving_anything() -> None:
    told, text = taken(settings={**SETTINGS, "filter": "(uid=ann)"})
    assert told.counts == {"entries": 1}
    assert "filter (uid=ann)" in told.filter_text
    header, _records = REGISTRY["ldif"].read(BytesIO(text.encode()), {"complete": "yes"})
    assert not header.is_full


@pytest.mark.parametrize("wrong", ["(uid=ann", "((", "uid=*)(x=y"])
def test_a_filter_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(PullRefused):
        taken(settings={**SETTINGS, "filter": wrong})


class Cut:
    """A connection whose answers don't end well."""

    response: list[dict[str, Any]] = []

    def __init__(self, name: str) -> None:
        self.result = {"result": 4, "description": name}

    def search(self, *args: Any, **kwargs: Any) -> bool:
        return False

    def unbind(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("name", ["sizeLimitExceeded", "timeLimitExceeded", "noSuchObject", "busy"])
def test_an_answer_that_is_cut_off_is_no_reading(name: str) -> None:
    with pytest.raises(PullRefused, match=name):
        ldap.read(request(), BytesIO().write, connect=lambda _request, _at: Cut(name))


def test_the_connection_refuses_to_write() -> None:
    connection = directory()(request(), Address("ldaps", "played", 636))
    with pytest.raises(ldap3.core.exceptions.LDAPConnectionIsReadOnlyError):
        connection.delete(ANN)


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ldaps://elsewhere.test", "base": BASE},
        {"url": "ldaps://dir.nordhaven.test"},
        {"url": "http://dir.nordhaven.test", "base": BASE},
        {"url": "ldaps://dir.nordhaven.test/cn=x??sub", "base": BASE},
        {"url": "ldaps://dir.nordhaven.test", "base": f"{BASE}\ndn: cn=x"},
    ],
)
def test_settings_that_lead_elsewhere_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(PullRefused):
        ldap.check(settings, REACH)


@pytest.mark.parametrize("missing", ["USER", "PASSWORD"])
def test_nobody_searches_without_a_name_and_a_password(missing: str) -> None:
    secrets = {"USER": f"cn=reader,{BASE}", "PASSWORD": PASSWORD}
    with pytest.raises(PullRefused, match=f"PORTAL_PULL_DIR_{missing}"):
        ldap.read(request(secrets={**secrets, missing: ""}), BytesIO().write)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_nothing_is_said_to_a_server_without_trusted_tls(tmp_path: Path, scheme: str) -> None:
    """Not even a name: a server with a certificate of its own, and one that speaks no TLS at all."""
    certificate, _authority = certificate_in(tmp_path)
    with serving(lambda _asked: (200, {}, b""), certificate=certificate if scheme == "ldaps" else None) as (
        url,
        asked,
    ):
        at = f"{scheme}://{url.partition('//')[2]}"
        with pytest.raises(PullRefused) as refusal:
            ldap.read(
                request(
                    settings={"url": at, "base": BASE},
                    reach=Reach(frozenset({"127.0.0.1"})),
                    limits=Limits(timeout=1),
                ),
                BytesIO().write,
            )
        assert asked == []
    assert PASSWORD not in str(refusal.value)


def test_values_that_ldif_can_not_hold_are_encoded_and_long_ones_folded() -> None:
    out = BytesIO()
    ldif = Ldif(Paper(request(), out.write))
    ldif.entry(
        "cn=Å",
        {"a": [b" x", b"x ", b":x", b"<x", b"x\ny", b"\xff", b"", b"plain"], "b": [b"y" * 200]},
    )
    lines = out.getvalue().decode().split("\n")
    assert lines[0] == "dn:: Y249w4U="
    assert lines[1:9] == [
        "a:: IHg=",
        "a:: eCA=",
        "a:: Ong=",
        "a:: PHg=",
        "a:: eAp5",
        "a:: /w==",
        "a:",
        "a: plain",
    ]
    assert max(map(len, lines)) == 76
    assert "".join(line.removeprefix(" ") for line in lines[9:]) == "b: " + "y" * 200


def test_a_name_that_would_break_out_of_its_line_stops_the_reading() -> None:
    ldif = Ldif(Paper(request(), BytesIO().write))
    with pytest.raises(PullRefused):
        ldif.entry("cn=x", {"a\ndn": [b"x"]})
