"""Who is in what, whose an account is, and whether it is switched on."""

from collections import Counter
from collections.abc import Callable

import pytest

from accounts.connectors.records import Account, Credential, Entitlement, Grant, Inclusion
from tests.connectors.ldif_reading import DATA, Done, ldif, person

Read = Callable[[str], bytes]
GUID = "6b3f1c5e-9d41-4a7e-8d24-0000000000"
UUID = "0f1c2d3e-0000-4000-8000-00000000000"


@pytest.fixture
def windows() -> Done:
    return Done((DATA / "active-directory.ldf").read_bytes())


@pytest.fixture
def openldap() -> Done:
    return Done((DATA / "openldap-search.ldif").read_bytes())


# --- who is in what


def test_a_group_of_the_file_is_believed_before_memberof() -> None:
    done = Done(
        ldif(
            person("a", "memberOf: cn=g,dc=x", "memberOf: cn=empty,dc=x", "memberOf: CN=Away,dc=x"),
            person("b", "memberOf: cn=away,DC=x"),
            "dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: g\nmember: uid=b,dc=x",
            "dn: cn=empty,dc=x\nobjectClass: groupOfNames\ncn: empty",
        )
    )
    assert Counter(done.grants) == Counter([("b", "g"), ("a", "empty"), ("a", "Away"), ("b", "Away")])


def test_a_cut_list_of_members_is_filled_from_memberof() -> None:
    done = Done(
        ldif(
            person("a", "memberOf: cn=g,dc=x"),
            person("b", "memberOf: cn=g,dc=x"),
            "dn: cn=g,dc=x\nobjectClass: group\ncn: g\nmember;range=0-0: uid=a,dc=x",
        )
    )
    assert sorted(done.grants) == [("a", "g"), ("b", "g")]
    assert any("member;range=" in note for note in done.header.notes)


def test_a_cut_list_without_memberof_proves_nothing() -> None:
    data = ldif(person("a"), "dn: cn=g,dc=x\nobjectClass: group\ncn: g\nmember;range=0-0: uid=a,dc=x")
    assert not Done(data, {"complete": "yes"}).header.is_full
    assert Done(data.replace(b";range=0-0", b""), {"complete": "yes"}).header.is_full


def test_a_unique_member_may_carry_bits() -> None:
    group = "dn: cn=g,dc=x\nobjectClass: groupOfUniqueNames\ncn: g\nuniqueMember: uid=a,dc=x#'0101'B"
    assert Done(ldif(person("a"), group)).grants == [("a", "g")]


def test_a_login_name_of_two_accounts_is_rejected() -> None:
    other = "dn: uid=a,ou=z,dc=x\nobjectClass: posixAccount\nuid: a"
    group = "dn: cn=g,dc=x\nobjectClass: posixGroup\ncn: g\ngidNumber: 1\nmemberUid: a"
    done = Done(ldif(person("a"), other, group))
    assert done.grants == []
    assert done.rejected == [(13, "ambiguous_member")]


def test_two_entries_with_one_id_are_not_one_account() -> None:
    same = "entryUUID: 0f1c2d3e-0000-4000-8000-000000000001"
    done = Done(ldif(person("a", same), person("b", same)))
    assert list(done.accounts) == ["a"]
    assert done.rejected == [(6, "duplicate_entry")]


def test_everything_named_was_handed_over_before(windows: Done, openldap: Done) -> None:
    for done in (windows, openldap):
        known: set[str] = set()
        for one in done.records:
            if isinstance(one, Account | Entitlement):
                assert one.external_id not in known
                known.add(one.external_id)
            elif isinstance(one, Grant):
                assert {one.account, one.entitlement} <= known
            elif isinstance(one, Inclusion):
                assert {one.parent, one.child} <= known
            elif isinstance(one, Credential):
                assert one.account in known


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("objectClass: user\nservicePrincipalName: a/b", "service"),
        ("objectClass: applicationProcess", "service"),
        ("objectClass: account", "service"),
        ("objectClass: inetOrgPerson\ndescription: Dienstkonto Backup", "service"),
        ("objectClass: inetOrgPerson\ndescription: Key account manager", "human"),
        ("objectClass: inetOrgPerson\nemployeeType: service", "service"),
        ("objectClass: posixAccount\ngivenName: A", "human"),
        ("objectClass: posixAccount", None),
        ("objectClass: account\nobjectClass: posixAccount", None),
    ],
)
def test_whose_account_it_is(lines: str, expected: str | None) -> None:
    (found,) = Done(ldif(f"dn: cn=a,dc=x\ncn: a\n{lines}")).accounts.values()
    assert found.identity_kind == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("nsAccountLock: TRUE", False),
        ("nsAccountLock: false", True),
        ("ds-pwp-account-disabled: true", False),
        ("pwdAccountLockedTime: 000001010000Z", False),
        ("userAccountControl: 514", False),
        ("userAccountControl: 512\nnsAccountLock: TRUE", False),
        ("userAccountControl: many", True),
        ("loginShell: /sbin/nologin", None),
    ],
)
def test_whether_it_is_switched_on(lines: str, expected: bool | None) -> None:
    assert Done(ldif(person("a", lines))).accounts["a"].is_enabled is expected
