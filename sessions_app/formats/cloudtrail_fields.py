"""Values out of an event of CloudTrail: on what it acted, whether it was allowed, which parameters are kept.

Parameters may hold secrets (user data of machines, environments of functions, passwords of databases), so
only names of things are kept, by a list.
"""

import re
from typing import Any

from sessions_app.formats.calls import known, mapping, word, words

# In the order in which they name what a call is about.
_NAMES = (
    *("target", "roleArn", "roleName", "userName", "groupName", "bucketName", "key", "policyArn"),
    *("policyName", "instanceId", "instanceIds", "documentName", "secretId", "functionName", "keyId"),
    *("instanceProfileName", "dBInstanceIdentifier", "dBClusterIdentifier", "clusterName", "cluster"),
    *("stackName", "tableName", "topicArn", "queueUrl", "trailName", "name", "groupId", "volumeId"),
    *("snapshotId", "imageId", "accountId", "accessKeyId", "serialNumber", "sAMLProviderArn", "principalArn"),
    *("permissionSetArn", "principalId", "principalType", "targetId", "sessionId"),
)
_OTHERS = ("roleSessionName", "sourceIdentity", "durationSeconds", "reason", "status", "providerId")
_REFUSED = re.compile(
    r"(?:Client\.)?(?:AccessDenied|Unauthorized|Forbidden|AuthorizationError|NotAuthorized|AuthFailure"
    r"|UnauthorizedOperation|InvalidClientTokenId|ExpiredToken|SignatureDoesNotMatch|MissingAuthenticationToken)"
    r"\w*(?:Exception)?",
    re.IGNORECASE,
)


def kept_parameters(event: dict[str, Any]) -> dict[str, str]:
    """The parameters that may be kept, by their own names."""
    parameters = mapping(event.get("requestParameters"))
    kept = known((name, words(parameters.get(name))) for name in (*_NAMES, *_OTHERS))
    machines = mapping(parameters.get("instancesSet")).get("items")
    if "instanceIds" not in kept and isinstance(machines, list):
        kept |= known([("instanceIds", words([mapping(one).get("instanceId") for one in machines]))])
    answer = mapping(event.get("responseElements"))
    if "sessionId" not in kept and event.get("eventName") in ("StartSession", "ResumeSession"):
        kept |= known([("sessionId", word(answer.get("sessionId")))])
    made = mapping(answer.get("accessKey"))
    if "accessKeyId" not in kept:
        kept |= known([("accessKeyId", word(made.get("accessKeyId")))])
    return kept


def target(event: dict[str, Any], parameters: dict[str, str]) -> str | None:
    """What a call acted on: a parameter that names it, else the first resource."""
    bucket, key = parameters.get("bucketName"), parameters.get("key")
    if bucket and key:
        return f"{bucket}/{key}"
    for name in _NAMES:
        if name in parameters:
            return parameters[name]
    resources = event.get("resources")
    first = mapping(resources[0]) if isinstance(resources, list) and resources else {}
    return word(first.get("ARN")) or word(first.get("arn"))


def is_allowed(event: dict[str, Any]) -> bool | None:
    """False where AWS refused, True where it answered, None where the call failed for another reason."""
    if mapping(event.get("responseElements")).get("ConsoleLogin") == "Failure":
        return False
    code = event.get("errorCode")
    if code is None:
        return None if event.get("errorMessage") else True
    return False if isinstance(code, str) and _REFUSED.fullmatch(code[:200]) else None


def outcome(event: dict[str, Any]) -> str | None:
    """The code of the error, or how a sign-in at the console ended."""
    return word(event.get("errorCode")) or word(
        mapping(event.get("responseElements")).get("ConsoleLogin"), 40
    )
