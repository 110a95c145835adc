"""AWS is read through its query protocol; a local server answers with the XML of the real one."""

import base64
import json
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest

from accounts.connectors import REGISTRY
from accounts.connectors.records import Account, Grant, Inclusion
from accounts.pulls import aws
from accounts.pulls.pull import Limits, PullRefused, Reach, Request, Taken
from tests.pulls.servers import Answer, Asked, serving

NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
ADMIN = quote('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')
TRUST = quote(
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"AWS":"arn:aws:iam::730214905518:user/ann"}}]}'
)


def of(act: str, result: str) -> Answer:
    body = f'<{act}Response xmlns="{NAMESPACE}"><{act}Result>{result}</{act}Result></{act}Response>'
    return 200, {"Content-Type": "text/xml"}, body.encode()


def refused(status: int, code: str) -> Answer:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
    body = f"<ErrorResponse xmlns='{NAMESPACE}'>{error}<RequestId>r</RequestId></ErrorResponse>"
    return status, {"Content-Type": "text/xml"}, body.encode()


def summary(**figures: int) -> Answer:
    entries = "".join(
        f"<entry><key>{key}</key><value>{value}</value></entry>" for key, value in figures.items()
    )
    return of("GetAccountSummary", f"<SummaryMap>{entries}</SummaryMap>")


def user(name: str) -> str:
    return (
        f"<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name.upper()}</UserId>"
        f"<Arn>arn:aws:iam::730214905518:user/{name}</Arn><CreateDate>2025-03-01T08:00:00Z</CreateDate>"
        "<GroupList><member>admins</member></GroupList><AttachedManagedPolicies/></member>"
    )


def role(name: str, path: str = "/") -> str:
    return (
        f"<member><Path>{path}</Path><RoleName>{name}</RoleName><RoleId>AROA{name.upper()}</RoleId>"
        f"<Arn>arn:aws:iam::730214905518:role{path}{name}</Arn><CreateDate>2025-03-01T08:00:00Z</CreateDate>"
        f"<AssumeRolePolicyDocument>{TRUST}</AssumeRolePolicyDocument><InstanceProfileList/>"
        "<RolePolicyList/><AttachedManagedPolicies/></member>"
    )


GROUP = (
    "<member><Path>/</Path><GroupName>admins</GroupName><GroupId>AGPA1</GroupId>"
    "<Arn>arn:aws:iam::730214905518:group/admins</Arn><CreateDate>2025-03-01T08:00:00Z</CreateDate>"
    f"<GroupPolicyList><member><PolicyName>all</PolicyName><PolicyDocument>{ADMIN}</PolicyDocument></member>"
    "</GroupPolicyList><AttachedManagedPolicies/></member>"
)
PAGES = {
    None: f"<UserDetailList>{user('ann')}</UserDetailList><GroupDetailList>{GROUP}</GroupDetailList>"
    "<RoleDetailList/><Policies/><IsTruncated>true</IsTruncated><Marker>two</Marker>",
    "two": f"<UserDetailList>{user('bob')}</UserDetailList><GroupDetailList/>"
    f"<RoleDetailList>{role('deploy')}{role('AWSServiceRoleForSupport', '/aws-service-role/support.aws/')}"
    "</RoleDetailList><Policies/><IsTruncated>false</IsTruncated>",
}


def account(asked: Asked) -> Answer:
    """An account with two users, one group and two roles, told on two pages."""
    if asked.form["Action"] == "GetAccountSummary":
        return summary(Users=2, Groups=1, Roles=2)
    return of("GetAccountAuthorizationDetails", PAGES[asked.form.get("Marker")])


def request(endpoint: str, **fields: Any) -> Request:
    values: dict[str, Any] = {
        "settings": {"region": "eu-central-1", "endpoint": endpoint},
        "secrets": {"ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "SECRET_ACCESS_KEY": SECRET},
        "reach": Reach(frozenset({"127.0.0.1"}), allows_http=True),
        "limits": Limits(attempts=1, timeout=5),
        "pause": lambda _seconds: None,
    }
    return Request(**(values | fields))


def taken(
    answers: Any, read: Any = aws.read_authorization, **fields: Any
) -> tuple[Taken, bytes, list[Asked]]:
    out = BytesIO()
    with serving(answers) as (endpoint, asked):
        told = read(request(endpoint, **fields), out.write)
    return told, out.getvalue(), asked


def test_all_pages_become_one_file_that_the_connector_reads_in_full() -> None:
    told, data, asked = taken(account)
    assert told.counts == {"users": 2, "groups": 1, "roles": 2, "policies": 0}
    assert (told.source_count, told.is_whole) == (4, True)
    assert [one.form.get("Marker") for one in asked] == [None, None, "two"]
    header, records = REGISTRY["aws_authorization"].read(BytesIO(data), {})
    found = list(records)
    assert (header.is_full, header.system_reference) == (True, "730214905518")
    assert {one.name for one in found if isinstance(one, Account)} == {
        "ann",
        "bob",
        "deploy",
        "AWSServiceRoleForSupport",
    }
    assert sum(isinstance(one, Inclusion) for one in found) >= 1
    arns = {(one.account, one.entitlement) for one in found if isinstance(one, Grant)}
    mine = "arn:aws:iam::730214905518:"
    assert (f"{mine}user/ann", f"{mine}group/admins") in arns
    assert (f"{mine}user/ann", f"{mine}role/deploy#act-as") in arns


def test_requests_are_signed_and_carry_no_secret() -> None:
    _told, data, asked = taken(account, secrets={
        "ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "SECRET_ACCESS_KEY": SECRET, "SESSION_TOKEN": "session-1",
    })  # fmt: skip
    for one in asked:
        assert one.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
        assert one.headers["x-amz-security-token"] == "session-1"
        assert SECRET not in str(one)
    assert SECRET.encode() not in data


@pytest.mark.parametrize(
    ("figures", "counted"),
    [
        ({"Users": 2, "Roles": 2}, 4),
        ({"Users": 2, "Roles": 1}, 4),  # roles of services left out
        ({"Users": 5, "Roles": 2}, 7),  # three users are missing in the file
    ],
)
def test_what_the_account_counts_itself_is_told(figures: dict[str, int], counted: int) -> None:
    def answers(asked: Asked) -> Answer:
        return summary(**figures) if asked.form["Action"] == "GetAccountSummary" else account(asked)

    assert taken(answers)[0].source_count == counted


def test_without_leave_to_count_nothing_is_counted() -> None:
    def answers(asked: Asked) -> Answer:
        is_summary = asked.form["Action"] == "GetAccountSummary"
        return refused(403, "AccessDenied") if is_summary else account(asked)

    assert taken(answers)[0].source_count is None


def test_a_trial_reads_the_first_page_and_says_that_there_is_more() -> None:
    told, data, asked = taken(account, limits=Limits(attempts=1, timeout=5, is_trial=True))
    assert (len(asked), told.is_whole, told.counts["users"]) == (1, False, 1)
    assert json.loads(data)["IsTruncated"] is True


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "iam:GetAccountAuthorizationDetails"),
        (403, "ExpiredToken", "Renew them"),
        (403, "SignatureDoesNotMatch", "Renew them"),
        (503, "ServiceUnavailable", "later"),
        (400, "<b>odd</b>", "unknown error"),
    ],
)
def test_refusals_say_what_to_do_and_no_secret(status: int, code: str, words: str) -> None:
    shown = code.replace("<", "&lt;").replace(">", "&gt;")

    def answers(asked: Asked) -> Answer:
        return refused(status, shown)

    with pytest.raises(PullRefused) as refusal:
        taken(answers)
    assert words in str(refusal.value)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"<a><b></a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"]
)
def test_an_answer_of_something_else_is_refused(body: bytes) -> None:
    with pytest.raises(PullRefused):
        taken(lambda _asked: (200, {"Content-Type": "text/xml"}, body))


def test_redirects_are_not_followed() -> None:
    def away(asked: Asked) -> Answer:
        return 307, {"Location": "/elsewhere"}, b""

    with serving(away) as (endpoint, asked):
        with pytest.raises(PullRefused):
            aws.read_authorization(request(endpoint), BytesIO().write)
        assert {one.path for one in asked} == {"/"}


def test_a_file_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(PullRefused, match="more than") as refusal:
        taken(account, limits=Limits(size=500, attempts=1, timeout=5))
    assert refusal.value.code == "too_large"


def test_a_reading_that_takes_too_long_ends() -> None:
    ticks = iter(range(0, 10_000, 100))
    with pytest.raises(PullRefused) as refusal:
        taken(account, limits=Limits(seconds=150, attempts=1, timeout=5), clock=lambda: float(next(ticks)))
    assert refusal.value.code == "too_slow"


def test_the_credential_report_is_waited_for_and_dated() -> None:
    states = iter(["STARTED", "INPROGRESS", "COMPLETE"])
    report = (
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
        "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
        "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
        "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
        "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,"
        "cert_2_active,cert_2_last_rotated\n"
        "ann,arn:aws:iam::730214905518:user/ann,2025-03-01T08:00:00+00:00,true,no_information,"
        "2025-03-01T08:00:00+00:00,N/A,true,true,2025-03-01T08:00:00+00:00,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,"
        "false,N/A,false,N/A\n"
    )

    def answers(asked: Asked) -> Answer:
        if asked.form["Action"] == "GenerateCredentialReport":
            return of("GenerateCredentialReport", f"<State>{next(states)}</State>")
        encoded = base64.b64encode(report.encode()).decode()
        return of(
            "GetCredentialReport",
            f"<Content>{encoded}</Content><ReportFormat>text/csv</ReportFormat>"
            "<GeneratedTime>2026-03-02T06:00:00Z</GeneratedTime>",
        )

    told, data, asked = taken(answers, aws.read_credential_report)
    assert (len(asked), told.counts) == (4, {"users": 1})
    header, records = REGISTRY["aws_credential_report"].read(BytesIO(data), {})
    assert header.taken_at is not None
    assert header.taken_at.isoformat() == "2026-03-02T06:00:00+00:00"
    assert [one.name for one in records if isinstance(one, Account)] == ["ann"]


def test_a_report_that_is_never_made_is_given_up() -> None:
    with pytest.raises(PullRefused) as refusal:
        taken(
            lambda _asked: of("GenerateCredentialReport", "<State>INPROGRESS</State>"),
            aws.read_credential_report,
        )
    assert refusal.value.code == "no_report"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"region": "nowhere"},
        {"region": "eu-central-1.evil.example"},
        {"region": "eu-central-1", "endpoint": "http://169.254.169.254/"},
        {"region": "eu-central-1", "endpoint": "https://evil.example"},
        {"region": "eu-central-1", "endpoint": "file:///etc/passwd"},
    ],
)
def test_settings_that_lead_elsewhere_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(PullRefused):
        aws.check(settings, Reach())


def test_half_a_key_is_named() -> None:
    with pytest.raises(PullRefused, match="PORTAL_PULL_PAY_SECRET_ACCESS_KEY"):
        taken(account, secrets={"ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, prefix="PORTAL_PULL_PAY_")


def test_without_credentials_it_says_where_they_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(PullRefused, match="PORTAL_PULL_PAY_ACCESS_KEY_ID"):
        taken(account, secrets={}, prefix="PORTAL_PULL_PAY_")
