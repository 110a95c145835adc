"""AWS IAM: account authorization details, and the credential report, through signed requests.

The reader needs `iam:GetAccountAuthorizationDetails` and `iam:GetAccountSummary`, or for the report
`iam:GenerateCredentialReport` and `iam:GetCredentialReport`, and nothing else.
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from accounts.pulls.pull import (
    MIB,
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

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
KINDS = {
    "UserDetailList": "users",
    "GroupDetailList": "groups",
    "RoleDetailList": "roles",
    "Policies": "policies",
}
PAGE = 200  # users, groups, roles and policies together
SERVICE_ROLES = "/aws-service-role/"  # the path of roles that AWS services keep for themselves
FIELDS, NEEDED = ("region", "endpoint"), frozenset({"region"})
SECRETS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
REGION = re.compile(r"[a-z]{2,3}(-[a-z]{2,12}){1,3}-\d{1,2}")
SECONDS_BETWEEN, ASKED_AT_MOST = 2.0, 60  # until a report is made
NOT_ACCEPTED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def check(settings: Mapping[str, str], reach: Reach) -> None:
    """Whether the settings could work. Addresses of AWS itself need no leave: they follow from the region."""
    settled(settings, FIELDS, NEEDED)
    if not REGION.fullmatch(settings["region"]):
        raise PullRefused("wrong_region", "The region is one of AWS, such as eu-central-1.")
    if settings.get("endpoint"):
        address(settings["endpoint"], reach, {"https": 443})


def read_authorization(request: Request, sink: Sink) -> Taken:
    """Everything in one file, as `aws iam get-account-authorization-details` writes it."""
    paper, pieces = Paper(request, sink), {name: list[bytes]() for name in LISTS}
    size, service_roles, is_whole = 0, 0, True
    with _asking(request, "iam:GetAccountAuthorizationDetails") as client:
        summary = _summary(client, request)
        pages = client.get_paginator("get_account_authorization_details")
        for answer in pages.paginate(PaginationConfig={"PageSize": PAGE}):
            paper.on_time()
            for name in LISTS:
                written = [_json(one) for one in answer.get(name, ())]
                pieces[name] += written
                size += sum(map(len, written))
            service_roles += sum(_is_service_role(one) for one in answer.get("RoleDetailList", ()))
            if size > paper.left:
                raise PullRefused(
                    "too_large", f"The account holds more than {paper.left // MIB:,} MiB of rights."
                )
            if request.limits.is_trial:
                is_whole = not answer.get("IsTruncated")
                break
    for number, name in enumerate(LISTS):
        paper.write(f'{"{" if not number else ","}\n "{name}": ['.encode())
        paper.write(b",".join(b"\n  " + piece for piece in pieces[name]) + b"\n ]")
    paper.write(b",\n" + f' "IsTruncated": {json.dumps(not is_whole)}'.encode() + b"\n}\n")
    counts = {KINDS[name]: len(found) for name, found in pieces.items()}
    asked = f"iam:GetAccountAuthorizationDetails, all pages, no filter, region {request.settings['region']}"
    counted = _counted(summary, counts, service_roles) if is_whole else None
    return Taken("account-authorization-details.json", asked, counts, counted, is_whole)


def read_credential_report(request: Request, sink: Sink) -> Taken:
    """The report in the API's envelope, which says when it was made."""
    paper = Paper(request, sink)
    with _asking(request, "iam:GenerateCredentialReport and iam:GetCredentialReport") as client:
        for _ in range(ASKED_AT_MOST):
            if client.generate_credential_report().get("State") == "COMPLETE":
                break
            paper.on_time()
            request.pause(SECONDS_BETWEEN)
        else:
            raise PullRefused("no_report", "AWS is still making the credential report. Read it again later.")
        answer = client.get_credential_report()
    content: bytes = answer["Content"]
    told = {
        "Content": base64.b64encode(content).decode(),
        "ReportFormat": answer.get("ReportFormat", "text/csv"),
        "GeneratedTime": _plain(answer["GeneratedTime"]),
    }
    paper.write((json.dumps(told, indent=1) + "\n").encode())
    asked = f"iam:GetCredentialReport, region {request.settings['region']}"
    return Taken("credential-report.json", asked, {"users": max(len(content.splitlines()) - 1, 0)})


def _counted(summary: Mapping[str, int] | None, counts: Mapping[str, int], service_roles: int) -> int | None:
    """Users and roles as AWS counts them; its figure for roles may or may not take in those of services."""
    if summary is None or not {"Users", "Roles"} <= summary.keys():
        return None
    users, roles = summary["Users"], summary["Roles"]
    if roles == counts["roles"] - service_roles:
        roles += service_roles
    return users + roles


def _summary(client: Any, request: Request) -> Mapping[str, int] | None:
    """What the account counts itself, if the reader may ask for that too."""
    if request.limits.is_trial:
        return None
    try:
        found: Mapping[str, int] = client.get_account_summary()["SummaryMap"]
    except library("botocore.exceptions").ClientError:
        return None
    return found


@contextmanager
def _asking(request: Request, acts: str) -> Iterator[Any]:
    """A client of IAM; what goes wrong with it is said without what was sent."""
    check(request.settings, request.reach)
    errors, parsers = library("botocore.exceptions"), library("botocore.parsers")
    client = _client(request)
    try:
        yield client
    except errors.ClientError as error:
        raise _refused(str(error.response.get("Error", {}).get("Code", "")), acts) from None
    except errors.NoCredentialsError:
        raise PullRefused(
            "secret_missing",
            f"There are no credentials of AWS. Set {request.prefix}ACCESS_KEY_ID and "
            f"{request.prefix}SECRET_ACCESS_KEY, or give the machine a role.",
        ) from None
    except (errors.BotoCoreError, parsers.ResponseParserError, KeyError) as error:
        raise PullRefused(
            "no_answer",
            f"AWS does not answer as it should ({type(error).__name__}). Check the region, the way there, "
            "and the endpoint if one is set.",
        ) from None
    finally:
        client.close()


def _client(request: Request) -> Any:
    session = library("botocore.session").Session()
    # Credentials come from the environment or the machine's role, never from somebody's files.
    session.set_config_variable("credentials_file", os.devnull)
    session.set_config_variable("config_file", os.devnull)
    key, secret = (request.secrets.get(name, "").strip() for name in SECRETS[:2])
    if key or secret:
        request.secret("ACCESS_KEY_ID")
        request.secret("SECRET_ACCESS_KEY")
        session.set_credentials(key, secret, request.secrets.get("SESSION_TOKEN", "").strip() or None)
    limits = request.limits
    config = library("botocore.config").Config(
        connect_timeout=limits.timeout,
        read_timeout=limits.timeout,
        retries={"mode": "standard", "total_max_attempts": limits.attempts},
        user_agent_extra="governance-portal",
    )
    return session.create_client(
        "iam",
        region_name=request.settings["region"],
        endpoint_url=request.settings.get("endpoint") or None,
        config=config,
    )


def _refused(code: str, acts: str) -> PullRefused:
    if code.startswith("AccessDenied") or code == "UnauthorizedOperation":
        return PullRefused(
            "not_allowed", f"AWS does not allow it ({code}). Allow {acts} to the reader's role."
        )
    if code in NOT_ACCEPTED:
        return PullRefused(
            "not_accepted", f"AWS does not accept the credentials ({code}). Renew them in the environment."
        )
    shown = code if re.fullmatch(r"[A-Za-z.]{1,60}", code) else "unknown error"
    return PullRefused("no_answer", f"AWS refuses to answer ({shown}). Read it again later.")


def _is_service_role(role: Mapping[str, Any]) -> bool:
    return str(role.get("Path", "")).startswith(SERVICE_ROLES)


def _json(value: object) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> str:
    """A moment as AWS's command line writes it; nothing else needs help."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


AUTHORIZATION = Pull(
    kind="aws",
    label="AWS IAM API",
    fields=FIELDS,
    needed=NEEDED,
    secrets=SECRETS,
    size=256 * MIB,
    check=check,
    read=read_authorization,
)
CREDENTIAL_REPORT = Pull(
    kind="aws",
    label="AWS IAM API",
    fields=FIELDS,
    needed=NEEDED,
    secrets=SECRETS,
    size=64 * MIB,
    check=check,
    read=read_credential_report,
)
