"""Over the wire: TLS before a name is said, with a certificate that is trusted and names the host."""

from io import BytesIO
from pathlib import Path

import pytest

from accounts.pulls import ldap
from accounts.pulls.pull import Limits, PullRefused, Reach, Request
from tests.pulls.ldap_server import directory
from tests.pulls.servers import certificate_in

PASSWORD = "reader-Secret-1"


def request(port: int, scheme: str, authority: str, password: str = PASSWORD) -> Request:
    return Request(
        settings={"url": f"{scheme}://127.0.0.1:{port}", "base": "dc=test"},
        secrets={"USER": "cn=reader,dc=test", "PASSWORD": password, "CA": authority},
        reach=Reach(frozenset({"127.0.0.1"})),
        limits=Limits(timeout=5),
        prefix="PORTAL_PULL_DIR_",
    )


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_the_directory_is_read_over_tls(tmp_path: Path, scheme: str) -> None:
    certificate, authority = certificate_in(tmp_path)
    out = BytesIO()
    with directory(certificate, password=PASSWORD, begins_plain=scheme == "ldap") as (port, seen):
        told = ldap.read(request(port, scheme, authority), out.write)
    assert told.counts == {"entries": 1}
    assert b"dn: uid=ann,dc=test\nobjectClass: person\n" in out.getvalue()
    assert seen == (["start tls"] if scheme == "ldap" else []) + ["bind", "search"]


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
@pytest.mark.parametrize("wrong", ["authority", "host"])
def test_a_certificate_that_does_not_fit_ends_it_before_anything_is_said(
    tmp_path: Path, scheme: str, wrong: str
) -> None:
    certificate, authority = certificate_in(tmp_path, address="127.0.0.9" if wrong == "host" else "127.0.0.1")
    if wrong == "authority":
        other = tmp_path / "other"
        other.mkdir()
        authority = certificate_in(other)[1]
    with (
        directory(certificate, password=PASSWORD, begins_plain=scheme == "ldap") as (port, seen),
        pytest.raises(PullRefused) as refusal,
    ):
        ldap.read(request(port, scheme, authority), BytesIO().write)
    assert "bind" not in seen
    assert PASSWORD not in str(refusal.value)


def test_a_wrong_password_is_said_without_it(tmp_path: Path) -> None:
    certificate, authority = certificate_in(tmp_path)
    with (
        directory(certificate, password="another", begins_plain=False) as (port, _seen),
        pytest.raises(PullRefused, match="name and password") as refusal,
    ):
        ldap.read(request(port, "ldaps", authority), BytesIO().write)
    assert PASSWORD not in str(refusal.value)
