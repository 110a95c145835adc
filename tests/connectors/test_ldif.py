"""LDIF exports of real directories: accounts, groups, memberships and credentials."""

import base64
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from accounts.connectors.connector import Cut
from accounts.connectors.records import Account
from tests.connectors.ldif_reading import DATA, Done

Read = Callable[[str], bytes]
GUID = "6b3f1c5e-9d41-4a7e-8d24-0000000000"
UUID = "0f1c2d3e-0000-4000-8000-00000000000"


@pytest.fixture
def windows() -> Done:
    return Done((DATA / "active-directory.ldf").read_bytes())


@pytest.fixture
def openldap() -> Done:
    return Done((DATA / "openldap-search.ldif").read_bytes())


# --- the samples, by facts read off them by hand


def test_the_opendj_sample(sample: Read) -> None:
    done = Done(sample("ldif/opendj-example.ldif"))
    # 10 entries: a domain, 3 organizational units, 4 people below People, idm, and 1 group.
    assert done.admitted.rows == 10
    assert {name: (one.line, one.email) for name, one in done.accounts.items()} == {
        "jbond": (34, "jbond@example.com"),
        "cptjack": (53, "jack@example.com"),
        "will": (71, "will@example.com"),
        "barbossa": (89, "captain.barbossa@example.com"),
        "idm": (128, None),
    }
    assert done.accounts["jbond"].external_id == "uid=jbond,ou=people,dc=example,dc=com"
    # “Special LDAP acccount used by the IDM” says what idm is; the others are people by their class.
    assert Counter(one.identity_kind for one in done.accounts.values()) == {"human": 4, "service": 1}
    assert [(one.name, one.kind) for one in done.rights.values()] == [("Pirates", "group")]
    assert done.grants == [("cptjack", "Pirates"), ("will", "Pirates")]
    assert done.rejected == []
    assert done.header.system_reference == "dc=example,dc=com"
    assert not done.header.is_full


@pytest.mark.parametrize("secret", ["supersecret", "d3adM3nT3llN0Tal3s", "elizAb3th"])
def test_no_password_of_the_opendj_sample_is_kept(sample: Read, secret: str) -> None:
    done = Done(sample("ldif/opendj-example.ldif"))
    assert secret not in done.everything()
    # 4 people spell it userpassword, idm userPassword: one attribute.
    assert Cut("userpassword", "secret_name", 5) in done.admitted.cut


def test_the_openldap_sample(sample: Read) -> None:
    done = Done(sample("ldif/openldap-test-ordered.ldif"))
    # 19 entries: 5 of the tree, 3 groups, 10 of class OpenLDAPperson, and cn=Manager.
    assert done.admitted.rows == 19
    assert Counter(one.kind for one in done.accounts.values()) == {"personal": 11}
    assert Counter(group for _, group in done.grants) == {
        "All Staff": 11,
        "Alumni Assoc Staff": 7,
        "ITD Staff": 4,
    }
    # OU=Information Technology Division in capitals, over two lines, is the same place.
    assert ("bjorn", "ITD Staff") in done.grants
    assert {one.owner for one in done.rights.values()} == {"Manager"}
    assert done.accounts["bjensen"].display_name == "Barbara Jensen"
    assert done.rejected == []
    assert Cut("userpassword", "secret_name", 4) in done.admitted.cut  # bjensen, bjorn, jaj, Manager
    for secret in ("YmplbnNlbg==", "Ympvcm4=", "amFq", "c2VjcmV0"):
        assert secret.encode() not in done.data


def test_a_file_of_sudo_rules_is_noted(sample: Read) -> None:
    done = Done(sample("ldif/sudoers-sample.ldif"))
    assert done.records == []
    assert any("23" in note and "sudoers" in note for note in done.header.notes)


# --- Active Directory


def test_people_and_machines_of_active_directory(windows: Done) -> None:
    ana = windows.accounts["akovac"]
    assert ana == Account(
        external_id=f"{GUID}01",
        name="akovac",
        line=16,
        display_name="Ana Kovač",
        kind="personal",
        identity_kind="human",
        employee_number="1001",
        email="ana.kovac@corp.example",
        is_enabled=True,
        created_at=datetime(2023, 1, 10, 8, 30, tzinfo=UTC),
        last_used_at=datetime(2026, 9, 20, 8, tzinfo=UTC),
        last_used_source="AD lastLogonTimestamp, 9-14 days late",
    )
    bo = windows.accounts["blind"]
    assert (bo.is_enabled, bo.expires_at, bo.last_used_at) == (
        False,
        datetime(2026, 6, 30, 8, tzinfo=UTC),
        None,
    )
    assert (bo.email, bo.employee_number) == ("bo.lind@corp.example", "1002")
    kinds = {name: (one.kind, one.identity_kind, one.identity_key) for name, one in windows.accounts.items()}
    assert kinds["svc-backup"] == ("machine", "service", "svc-backup")
    assert kinds["gmsa-web$"] == ("machine", "service", "gmsa-web$")
    assert kinds["krbtgt"] == ("machine", "service", "krbtgt")
    assert kinds["Administrator"] == (None, None, None)
    assert "CORE01$" not in kinds
    assert "Press Office" not in kinds
    assert windows.accounts["svc-backup"].hints == (
        ("owner", "Kovač, Ana"),
        ("purpose", "nightly backup"),
        ("environment", "production"),
    )
    notes = " ".join(windows.header.notes)
    assert "Computers are left out, and their memberships with them: 1." in notes
    assert "Contacts (addresses without an account) are left out: 1." in notes


@pytest.mark.parametrize(
    ("name", "is_privileged", "marks", "words"),
    [
        ("Domain Admins", True, ("admin",), "every computer"),
        ("Backup Operators", True, ("secrets_read",), "password hashes"),
        ("DnsAdmins", True, ("escalate",), "DNS service"),
        ("Tier1 Admins", None, (), "adminCount is 1"),
        ("Domänen-Benutzer", None, (), None),
        ("Remote Desk", None, (), None),
    ],
)
def test_groups_of_active_directory(
    windows: Done, name: str, is_privileged: bool | None, marks: tuple[str, ...], words: str | None
) -> None:
    group = windows.rights[name]
    assert (group.is_privileged, group.marks) == (is_privileged, marks)
    assert words is None or words in (group.because or "")


def test_who_is_in_what_in_active_directory(windows: Done) -> None:
    everybody = "Domänen-Benutzer"  # the primary group, which neither member nor memberOf names
    assert Counter(windows.grants) == Counter(
        [
            ("Administrator", "Domain Admins"),
            ("akovac", "Tier1 Admins"),  # once, though both sides tell it
            ("svc-backup", "Backup Operators"),
            ("S-1-5-21-7-7-7-1601", "Backup Operators"),
            ("blind", "Everybody"),
            ("blind", "Remote Desk"),
            *((name, everybody) for name in ("akovac", "blind", "svc-backup", "Administrator", "krbtgt")),
        ]
    )
    assert windows.inclusions == [
        ("Tier1 Admins", "Domain Admins"),
        ("Domain Admins", "Tier1 Admins"),  # each in the other: told as it is
        ("Authenticated Users (S-1-5-11)", "Pre-Windows 2000 Compatible Access"),
    ]
    assert windows.rejected == [(260, "unknown_member")]


def test_credentials_of_active_directory(windows: Done) -> None:
    names = {one.external_id: one.name for one in windows.accounts.values()}
    passwords = {
        names[one.account]: (one.rotated_at, one.weakness, one.is_active)
        for one in windows.credentials
        if one.kind == "password"
    }
    never = "never expires (DONT_EXPIRE_PASSWORD)"
    assert passwords == {
        "akovac": (datetime(2026, 5, 4, 8, tzinfo=UTC), None, None),
        "blind": (None, never, False),
        "svc-backup": (datetime(2019, 2, 3, 8, tzinfo=UTC), never, None),
        "gmsa-web$": (datetime(2026, 9, 10, 8, tzinfo=UTC), None, None),
        "Administrator": (datetime(2021, 1, 2, 8, tzinfo=UTC), None, None),
    }
    assert all(one.is_slot for one in windows.credentials if one.kind == "password")
    (certificate,) = [one for one in windows.credentials if one.kind == "certificate"]
    assert (
        certificate.fingerprint == "SHA256:a79bbdb7e8b864b7329b3f596b016f9176ee50a3bb06ae90dbf4cde8c236c0d7"
    )
    assert certificate.created_at == datetime(2024, 3, 1, tzinfo=UTC)
    assert certificate.expires_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert certificate.weakness == "RSA 1024"


def test_secrets_of_active_directory_are_cut_and_named(windows: Done) -> None:
    assert windows.admitted.cut == (
        Cut("thumbnailPhoto", "unmapped", 1),
        Cut("description", "secret_value", 1),
        Cut("unicodePwd", "secret_name", 1),
        Cut("ms-Mcs-AdmPwd", "secret_name", 1),
        Cut("msLAPS-Password", "secret_name", 1),
    )
    for secret in ("Summer2024", "k3!Vq9", base64.b64encode('"Summer'.encode("utf-16-le")).decode()[:10]):
        assert secret not in windows.everything()
    # Lines stay where they were, and so do their ends.
    assert windows.data.count(b"\r\n") == (DATA / "active-directory.ldf").read_bytes().count(b"\r\n")


def test_what_ldifde_wrote_as_if_to_be_added_is_an_export(windows: Done) -> None:
    assert any("ldifde" in note and "19" in note for note in windows.header.notes)


# --- OpenLDAP


def test_people_and_machines_of_openldap(openldap: Done) -> None:
    ada = openldap.accounts["ada"]
    assert (ada.external_id, ada.display_name, ada.employee_number) == (f"{UUID}2", "Ada Example", "77")
    assert (ada.last_used_at, ada.last_used_source) == (
        datetime(2026, 9, 30, 7, 8, 9, tzinfo=UTC),
        "LDAP authTimestamp",
    )
    assert (ada.is_enabled, ada.created_at) == (None, datetime(2020, 1, 1, tzinfo=UTC))
    ben, mailer, plain = (openldap.accounts[name] for name in ("ben", "mailer", "plain"))
    assert (ben.is_enabled, ben.expires_at) == (
        False,
        datetime(2024, 10, 4, tzinfo=UTC),
    )  # day 20,000 since 1970
    assert (mailer.identity_kind, mailer.hints) == (
        "service",
        (("owner", "ada"), ("purpose", "Sends the newsletters")),
    )
    assert mailer.is_enabled is None  # locked at a moment, which may be over
    assert plain.identity_kind is None  # a Unix account that says of nobody whose it is
    assert "nologin" in " ".join(openldap.header.notes)


def test_who_is_in_what_in_openldap(openldap: Done) -> None:
    assert Counter(openldap.grants) == Counter(
        [
            ("ada", "wheel"),  # listed twice, in two spellings
            ("ben", "on-call"),
            ("ada", "staff"),  # by memberUid and by her gidNumber
            ("ben", "staff"),  # by his gidNumber
            ("plain", "staff"),
        ]
    )
    assert openldap.inclusions == [("staff", "wheel")]
    assert openldap.rights["on-call"].kind == "role"
    assert openldap.rejected == [
        (63, "url_value"),
        (87, "bad_time"),
        (96, "unknown_member"),
    ]
    assert any("memberURL" in note for note in openldap.header.notes)


def test_ssh_keys_by_fingerprint_and_weakness(openldap: Done) -> None:
    assert [(one.fingerprint, one.weakness) for one in openldap.credentials if one.kind == "ssh_key"] == [
        ("SHA256:04qQPM17jIpkD6mSv+dcoMq7sHPsaG4EPx5XROSkLbA", None),
        ("SHA256:y+oB1aIKuJ86Sw92aHxS99Vh/WK3FZFrKebm4xGNNCs", "RSA 1024"),
    ]


def test_secrets_of_openldap_are_cut_in_base64_and_remarks_too(openldap: Done) -> None:
    assert "sesame" not in openldap.everything()
    for coded in ("e1NTSEF9", "cGFzc3dvcmQ6"):
        assert coded not in openldap.everything()
    assert Cut("description", "secret_value", 1) in openldap.admitted.cut


def test_what_ldapsearch_says_of_itself(openldap: Done) -> None:
    assert (openldap.admitted.rows, openldap.admitted.control_total) == (10, 10)
    assert openldap.header.control_total == 10
    data = (DATA / "openldap-search.ldif").read_bytes()
    clean = data.replace(b"jpegPhoto:< file:///etc/passwd\n", b"")
    assert Done(clean, {"complete": "yes"}).header.is_full
    for old, new, words in (
        (b"numEntries: 10", b"numEntries: 12", "12 entries and holds 10"),
        (b"result: 0 Success", b"result: 4 Size limit exceeded", "Size limit exceeded"),
        (b"(objectclass=*)", b"(uid=a*)", "filter"),
        (b"search: 2\nresult: 0 Success\n", b"", "no end"),
        (
            b"# search result\n",
            b"# search reference\nref: ldap://other.example/dc=z\n\n# search result\n",
            "other servers",
        ),
    ):
        header = Done(clean.replace(old, new), {"complete": "yes"}).header
        assert not header.is_full
        assert words in " ".join(header.notes)
