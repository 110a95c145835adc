"""What the command line of AWS answers for the payments account on a day of the story."""

import csv
import json
from io import StringIO
from typing import Any

from portal.demo import staff, tables
from portal.demo.calendar import Calendar

Json = dict[str, Any]
_TAKEN = "05:10:00+00:00"


def details(calendar: Calendar, day: int) -> bytes:
    """`aws iam get-account-authorization-details`."""
    said = tables.document("aws")
    names = _Names(said["account"])
    answer = {
        "UserDetailList": [_user(calendar, day, names, user) for user in said["users"]],
        "GroupDetailList": [
            {
                "Path": "/",
                "GroupName": name,
                "GroupId": _id("AGPA", name),
                "Arn": names.arn("group", name),
                "CreateDate": "2019-01-28T09:00:00+00:00",
                "GroupPolicyList": [],
                "AttachedManagedPolicies": [names.attached(policy) for policy in policies],
            }
            for name, policies in said["groups"].items()
        ],
        "RoleDetailList": [_role(calendar, day, names, role) for role in said["roles"]],
        "Policies": [_policy(names, name, policy) for name, policy in said["policies"].items()],
        "IsTruncated": False,
    }
    return json.dumps(answer, indent=4).encode()


def credential_report(calendar: Calendar, day: int) -> bytes:
    """The CSV inside `aws iam get-credential-report`."""
    said = tables.document("aws")
    names = _Names(said["account"])
    since = {user["name"]: user["since"] for user in said["users"]}
    out = StringIO()
    writer = csv.DictWriter(
        out, tables.document("columns")["credential report"], restval="N/A", lineterminator="\n"
    )
    writer.writeheader()
    for row in tables.rows("aws_keys"):
        name, is_root = row["user"], row["user"].startswith("<")
        begun = "2018-11-05" if is_root else since[name]
        has_password = bool(row["password_changed"])
        writer.writerow(
            {
                "user": name,
                "arn": f"arn:aws:iam::{said['account']}:root" if is_root else names.arn("user", name),
                "user_creation_time": _time(calendar, begun),
                "password_enabled": "not_supported" if is_root else str(has_password).lower(),
                "password_last_used": _time(calendar, tables.used(row, day, "password_used"))
                or "no_information",
                "password_last_changed": _changed(calendar, row["password_changed"], begun, day) or "N/A",
                "mfa_active": row["mfa"],
                **_key(calendar, day, row, 1, begun),
                **_key(calendar, day, row, 2, begun),
                "cert_1_active": "false",
                "cert_2_active": "false",
            }
        )
    return out.getvalue().encode()


class _Names:
    """ARNs of one account."""

    def __init__(self, account: str) -> None:
        self.account = account

    def arn(self, kind: str, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:iam::{self.account}:{kind}/{name}"

    def attached(self, policy: str) -> Json:
        return {"PolicyName": policy.rpartition("/")[2], "PolicyArn": self.arn("policy", policy)}


def _user(calendar: Calendar, day: int, names: _Names, user: Json) -> Json:
    return {
        "Path": "/",
        "UserName": user["name"],
        "UserId": _id("AIDA", user["name"]),
        "Arn": names.arn("user", user["name"]),
        "CreateDate": _time(calendar, user["since"]),
        "UserPolicyList": [_everything()] if user.get("wildcard") else [],
        "GroupList": [name for group in user.get("groups", []) if (name := _group_on(group, day))],
        "AttachedManagedPolicies": [names.attached(policy) for policy in user.get("policies", [])],
        "Tags": _tags(user),
    }


def _group_on(group: str | list[Any], day: int) -> str | None:
    """A membership for good, or `[name, first day, first day without]`."""
    if isinstance(group, str):
        return group
    name, begins, ends = group
    is_there = (begins is None or begins <= day) and (ends is None or day < ends)
    return str(name) if is_there else None


def _role(calendar: Calendar, day: int, names: _Names, role: Json) -> Json:
    return {
        "Path": "/",
        "RoleName": role["name"],
        "RoleId": _id("AROA", role["name"]),
        "Arn": names.arn("role", role["name"]),
        "CreateDate": _time(calendar, role["since"]),
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [_trust(names, role)],
        },
        "InstanceProfileList": [],
        "RolePolicyList": [],
        "AttachedManagedPolicies": [names.attached(policy) for policy in role["policies"]],
        "Tags": _tags(role),
        "RoleLastUsed": {
            "LastUsedDate": _time(calendar, tables.used({"used": str(role["used"])}, day)),
            "Region": "eu-north-1",
        },
    }


def _trust(names: _Names, role: Json) -> Json:
    """Who may use a role: a service of AWS, a pipeline that signs in elsewhere, users and roles."""
    said: Json = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    if "service" in role:
        return {**said, "Principal": {"Service": f"{role['service']}.amazonaws.com"}}
    if "pipeline" in role:
        provider = role["pipeline"]
        return {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": names.arn("oidc-provider", provider)},
            # Whoever set it up asked for the audience and forgot the repository.
            "Condition": {"StringEquals": {f"{provider}:aud": "sts.amazonaws.com"}},
        }
    users = [names.arn("user", name) for name in role["trusts"]]
    roles = [names.arn("role", name) for name in role.get("trusts_roles", [])]
    return {**said, "Principal": {"AWS": [*users, *roles]}}


def _tags(holder: Json) -> list[Json]:
    """Who or what it belongs to, as the cloud team tags everything."""
    tags: dict[str, str] = {}
    if person := holder.get("person"):
        known = next(one for one in staff.on(0) if one.name == person and one.is_running)
        tags = {"employee-number": known.number, "email": known.email}
    if kind := holder.get("machine"):
        about = next(row for row in tables.rows("machines") if row["name"] == holder["name"])
        tags = {"identity": holder["name"], "identity-kind": kind, "environment": about["environment"]}
        tags |= {"account-kind": "machine"} if "pipeline" in holder else {}
        said = {
            "purpose": about["purpose"][:256],
            "owner": about["named"],
            "application": about["application"] or holder.get("application", ""),
        }
        tags |= {key: value for key, value in said.items() if value}
    if kind := holder.get("kind"):
        tags = {"account-kind": kind}
    return [{"Key": f"nordhaven:{key}", "Value": value} for key, value in tags.items()]


def _policy(names: _Names, name: str, policy: Json) -> Json:
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": where} for actions, where in policy["allow"]
    ]
    version = {
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "CreateDate": "2021-01-04T09:00:00+00:00",
        "Document": {"Version": "2012-10-17", "Statement": statements},
    }
    return {
        "PolicyName": name,
        "PolicyId": _id("ANPA", name),
        "Arn": names.arn("policy", name),
        "Path": "/",
        "DefaultVersionId": "v1",
        "IsAttachable": True,
        "Description": policy["words"],
        "PolicyVersionList": [version],
    }


def _everything() -> Json:
    """What somebody added in a hurry in 2021."""
    statement = {"Sid": "TemporaryFix", "Effect": "Allow", "Action": "*", "Resource": "*"}
    return {
        "PolicyName": "tmp-deploy-fix",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _key(calendar: Calendar, day: int, row: dict[str, str], number: int, begun: str) -> Json:
    slot, made = f"access_key_{number}", row[f"key{number}_rotated"]
    if not made:
        return {f"{slot}_active": "false"}
    is_old = number == 2  # the second slot holds the key before the last rotation, switched off
    return {
        f"{slot}_active": "false" if is_old else row["key1_active"],
        f"{slot}_last_rotated": _changed(calendar, made, begun, day),
        f"{slot}_last_used_date": _time(calendar, tables.used(row, day, f"key{number}_used")) or "N/A",
        f"{slot}_last_used_region": "eu-north-1",
        f"{slot}_last_used_service": "sts",
    }


def _changed(calendar: Calendar, written: str, begun: str, day: int) -> str:
    """When it was changed last; before that day, it was as old as the user."""
    return _time(calendar, written if not written or int(written) <= day else begun)


def _time(calendar: Calendar, written: str) -> str:
    found = calendar.date(written)
    return f"{found}T{_TAKEN}" if found else ""


def _id(prefix: str, name: str) -> str:
    """A made-up id in the shape of AWS's, always the same for a name."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    number = sum(ord(letter) * 31**place for place, letter in enumerate(name))
    digits = []
    for _ in range(17):
        number, rest = divmod(number, 32)
        digits.append(letters[rest])
    return prefix + "".join(digits)
