"""The format: what is read, rejected and refused, and no secret in what is kept."""

import base64
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from accounts.connectors.admission import admit
from accounts.connectors.ldif import CONNECTOR
from accounts.connectors.ldif.names import canonical, first_value
from accounts.connectors.records import Grant, Unreadable
from tests.connectors.ldif_reading import SAMPLES, Done, ldif, person, refusal

Read = Callable[[str], bytes]
GUID = "6b3f1c5e-9d41-4a7e-8d24-0000000000"
UUID = "0f1c2d3e-0000-4000-8000-00000000000"


# --- the format


def test_the_forms_of_rfc_2849() -> None:
    done = Done(
        b"version: 1\r\n"
        b"# a remark\r\n  that goes on\r\n"
        b"dn:: dWlkPcO8LGRjPXg=\r\n"
        b"objectclass: person\r\n"
        b"objectClass: inetOrgPerson\r\n"
        b"cn;lang-ja:: 44Ot44OJ44OL44O8\r\n"
        b"cn: Folded\r\n  Name\r\n"
        b"description:\r\n"
        b"employeenumber:17\r\n"
        b"\r\n\r\n"
        b"dn: uid=last,dc=x\r\nobjectClass: person\r\nuid: last"
    )
    first, last = done.accounts.values()
    assert (first.external_id, first.display_name, first.employee_number) == (
        "uid=ü,dc=x",
        "Folded Name",
        "17",
    )
    assert (first.line, last.name, last.line) == (4, "last", 14)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uid=a,dc=x", "UID=A, DC=X"),
        ("cn=Kova\\C4\\8D\\2C Ana,dc=x", "CN=Kovač\\, Ana,dc=x"),
        ('cn="Doe, Jo",dc=x', "cn=Doe\\, Jo,dc=x"),
        ("cn=a+uid=b,dc=x", "uid=B + cn=A,dc=x"),
        ("cn=two  spaces,dc=x", "cn=two spaces,dc=x"),
        ("cn=end\\20,dc=x", "cn=end,dc=x"),
        ("2.5.4.3=a;dc=x", "OID.2.5.4.3=a,dc=x"),
        ("cn=a\\=b\\+c,dc=x", "cn=a\\3Db\\2bc,dc=x"),
    ],
)
def test_names_are_compared_as_rfc_4514_says(one: str, other: str) -> None:
    assert canonical(one) == canonical(other) is not None


def test_names_that_differ_stay_apart() -> None:
    names = ["cn=a\\,b,dc=x", "cn=a,b=,dc=x", "cn=a,dc=x", "cn=a+b=c,dc=x", "cn=\\#a,dc=x"]
    assert len({canonical(name) for name in names}) == len(names)
    assert first_value("CN=Kovač\\, Ana,OU=x") == "Kovač, Ana"


@pytest.mark.parametrize(
    "dn", ["no name", "cn", "=x", "cn=a\\", "cn=\\ff\\fe,dc=x", "cn=a\\00b,dc=x", 'cn="open']
)
def test_what_is_no_name_is_rejected_by_its_line(dn: str) -> None:
    done = Done(ldif(person("a"), f"dn: {dn}\nobjectClass: person"))
    assert list(done.accounts) == ["a"]
    assert done.rejected == [(5, "bad_dn")]


@pytest.mark.parametrize(
    ("entry", "line", "code"),
    [
        ("objectClass: person\nuid: b", 5, "no_dn"),
        ("dn: uid=b,dc=x\nobjectClass: person\nuid: b\nlost its space", 8, "broken_line"),
        ("dn: uid=b,dc=x\nchangetype: modify\nadd: mail\nmail: b@x\n-", 6, "change_record"),
        ("dn: uid=b,dc=x\nchangetype: delete", 6, "change_record"),
        ("dn: uid=b,dc=x\nchangetype: add\nobjectClass: person\nuid: b", 6, "change_record"),
        ("dn:: !!!\nobjectClass: person", 5, "bad_dn"),
        ("dn:< file:///etc/passwd\nobjectClass: person", 5, "bad_dn"),
        ("dn: uid=A,dc=X\nobjectClass: person\nuid: b", 5, "duplicate_entry"),
        ("dn: uid=b," + "ou=x," * 200 + "dc=x\nobjectClass: person\nuid: b", 5, "too_long"),
    ],
)
def test_an_entry_that_cannot_be_read_is_rejected_and_the_next_is_read(
    entry: str, line: int, code: str
) -> None:
    done = Done(ldif(person("a"), entry, person("c")))
    assert list(done.accounts) == ["a", "c"]
    assert done.rejected == [(line, code)]
    assert not done.header.is_full


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("mail:< file:///etc/passwd", "url_value"),
        ("jpegphoto:< http://127.0.0.1/secret.jpg", "url_value"),
        ("mail:: not base64 at all", "bad_base64"),
        ("sshPublicKey: ssh-rsa nothing", "bad_ssh_key"),
        ("whenCreated: 2023-01-01", "bad_time"),
        ("memberOf: cn=a,dc=x", None),
    ],
)
def test_a_value_that_cannot_be_read_leaves_the_entry(value: str, code: str | None) -> None:
    done = Done(ldif(person("a", value)))
    assert list(done.accounts) == ["a"]
    assert done.accounts["a"].email is None
    assert done.rejected == ([(4, code)] if code else [])


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"", "empty", 1),
        (b"a,b,c\n1,2,3\n", "not_ldif", 1),
        (b'\n\n{"a": 1}', "not_ldif", 3),
        (b"apiVersion: v1\nkind: Role\n", "no_entries", 1),
        (b"# only a remark\n", "no_entries", 1),
        (b"dn: dc=x\nchangetype: modify\nreplace: dc\ndc: y\n", "change_record", 2),
        (b"version: 1\n\ndn: dc=x\nchangetype: add\nobjectClass: domain\n", "change_record", 4),
        (b"dn: dc=x\nobjectClass: domain\ndc: \xff\n", "wrong_encoding", 3),
        (b"dn: dc=x\nobjectClass: \0\n", "nul", 2),
        (b"dn: dc=x\ndescription: " + b"x" * 2**20 + b"\n", "line_too_long", 2),
        (b"\x1f\x8b\x08", "not_text", 1),
    ],
)
def test_what_is_no_ldif_is_refused(data: bytes, code: str, line: int) -> None:
    error = refusal(data)
    assert (error.code, error.line) == (code, line)
    assert len(str(error)) > 20


def test_another_version_is_refused() -> None:
    with pytest.raises(Unreadable) as refused:
        CONNECTOR.read(BytesIO(b"version: 2\ndn: dc=x\n"), {})
    assert (refused.value.code, refused.value.line) == ("unknown_version", 1)


def test_a_value_folded_without_end_is_refused() -> None:
    def endless() -> Iterator[bytes]:
        yield b"dn: dc=x\ndescription: a\n"
        while True:
            yield b" " + b"x" * 65_000 + b"\n"

    class Stream:
        pieces = endless()

        def read(self, size: int, /) -> bytes:
            return next(self.pieces)

    with pytest.raises(Unreadable) as refused:
        admit(Stream(), CONNECTOR, {}, lambda _: None)
    assert (refused.value.code, refused.value.line) == ("value_too_long", 2)


def test_a_clean_file_is_kept_byte_for_byte() -> None:
    data = ldif(person("a", "cn: A\n  folded", "description:: w7w="), person("b"))
    done = Done(data)
    assert done.data == data
    assert done.admitted.cut == ()


@pytest.mark.parametrize(
    "line",
    [
        "userPassword: sesame-1",
        "userpassword;x-new: sesame-1",
        "userPassword:: c2VzYW1lLTE=",
        "userPassword:: c2VzYW1l\n LTE=",
        "userPassword:: sesame-1 is no base64",
        "authPassword: SHA1$sesame-1",
        "sambaNTPassword: sesame-1",
        "krbPrincipalKey:: c2VzYW1lLTE=",
        "userPKCS12:: c2VzYW1lLTE=",
        "pwdHistory: x#sesame-1",
        "legacyAppPwd: sesame-1",
        "apiToken: sesame-1",
        "olcRootPW: sesame-1",
        "description: Password: sesame-1",
        "info: the pw is sesame-1",
        "description:: UGFzc3dvcnQ6IHNlc2FtZS0x",
        "comment: ldap://svc:sesame-1@host/",
        "x-unknown:: /3Nlc2FtZS0x",
        "userCertificate;binary:: c2VzYW1lLTE=",
        "# password sesame-1",
        "sesame-1 lost the space of its fold",
    ],
)
def test_secrets_are_cut_wherever_they_stand(line: str) -> None:
    done = Done(ldif(person("a", line), person("b")))
    assert "sesame-1" not in done.everything()
    for coded in ("c2VzYW1l", "UGFzc3dvcnQ6", "/3Nlc2Ft"):
        assert coded not in done.everything()
    assert done.admitted.cut
    assert done.data.count(b"\n") == ldif(person("a", line), person("b")).count(b"\n")
    assert "b" in done.accounts


@pytest.mark.parametrize(
    "line",
    [
        "pwdLastSet: 133600000000000000",
        "pwdChangedTime: 20260101000000Z",
        "ms-Mcs-AdmPwdExpirationTime: 133600000000000000",
        "description: Resets passwords for the help desk",
        "shadowLastChange: 19000",
        'aci: (targetattr="userPassword")(version 3.0; acl "a"; deny (all) userdn="ldap:///anyone";)',
    ],
)
def test_what_only_tells_about_a_secret_stays(line: str) -> None:
    assert Done(ldif(person("a", line))).admitted.cut == ()


# --- recognising, and size


def test_ldif_is_recognised_and_nothing_else() -> None:
    assert CONNECTOR.sniff(b"version: 1\n\ndn: dc=x\nobjectClass: domain\n", "x") == 1.0
    assert CONNECTOR.sniff(b"# c\ndn:: ZGM9eA==\n", "x") == 1.0
    assert CONNECTOR.sniff("dn: dc=x\n".encode("utf-16"), "x") == 1.0
    for other in (
        b"",
        b"\0",
        b"a,b\n1,2\n",
        b'{"dn": "x"}',
        b"dn: something\n",
        b"key: dn: dc=x\n",
        b"text\ndn: dc=x\n",
    ):
        assert CONNECTOR.sniff(other, "export.ldif") == 0.0


def test_only_ldif_of_the_samples_is_recognised() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    found = {
        path.relative_to(SAMPLES).as_posix(): sure
        for path in SAMPLES.rglob("*")
        if path.is_file() and (sure := CONNECTOR.sniff(path.read_bytes()[: 64 * 1024], path.name)) > 0
    }
    assert found == {
        "ldif/opendj-example.ldif": 1.0,
        "ldif/openldap-test-ordered.ldif": 1.0,
        "ldif/sudoers-sample.ldif": 0.6,
    }


def test_memory_does_not_grow_with_the_file() -> None:
    def size(entries: int) -> int:
        people = (person(str(n), "description: " + "x" * 2000) for n in range(entries))
        group = "dn: cn=g,dc=x\nobjectClass: groupOfNames\n" + "\n".join(
            f"member: uid={n},dc=x" for n in range(entries)
        )
        stream = BytesIO(ldif(*people, group))
        tracemalloc.start()
        admit(stream, CONNECTOR, {}, lambda _: None)
        stream.seek(0)
        grants = sum(isinstance(one, Grant) for one in CONNECTOR.read(stream, {})[1])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert grants == entries
        return peak

    small, large = size(500), size(4000)
    # An entry takes 2,100 bytes in the file; what grows here are the few thousand names that are remembered.
    assert large < small + 3500 * 600


def test_hostile_values_are_data() -> None:
    done = Done(
        ldif(
            person(
                "a",
                "cn:: " + base64.b64encode("e\u202evil\x1b[31m".encode()).decode(),
                "employeeNumber: " + "9" * 5000,
            ),
            "dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: g\nmember: cn=g,dc=x\n"
            + "member: uid=a,dc=x\n" * 5000,
            person("z", "cn:: AGE="),
        )
    )
    assert done.accounts["a"].display_name == "e\u202evil\x1b[31m"
    assert done.grants == [("a", "g")]
    assert done.inclusions == []
    assert done.accounts["z"].display_name is None  # text with NUL is none
