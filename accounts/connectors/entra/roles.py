"""Directory roles of Entra ID: which are privileged, why, and what their scope says."""

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.connectors.api.values import flag, objects, text_of, texts
from accounts.connectors.records import Mark

# Template ids are the same in every tenant. Those that Microsoft labels privileged, and three that open all
# mail, all files or the devices of everybody, with what they allow.
_PRIVILEGED: dict[str, tuple[str, str, tuple[Mark, ...]]] = {
    "62e90394-69f5-4237-9190-012177145e10": (
        "Global Administrator",
        "manages everything in Entra ID and Microsoft 365, and can take over all Azure subscriptions",
        ("admin", "iam_write"),
    ),
    "e8611ab8-c189-46e8-94e1-60213ab1f814": (
        "Privileged Role Administrator",
        "assigns every role, Global Administrator too",
        ("admin", "iam_write", "escalate"),
    ),
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": (
        "Privileged Authentication Administrator",
        "resets the passwords and factors of everybody, Global Administrators too",
        ("escalate", "impersonate"),
    ),
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": (
        "Authentication Administrator",
        "resets the passwords and factors of people who are no administrators",
        ("impersonate",),
    ),
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": (
        "Application Administrator",
        "adds credentials to any application and so acts with its permissions",
        ("escalate", "impersonate"),
    ),
    "158c047a-c907-4556-b7ef-446551a6b5f7": (
        "Cloud Application Administrator",
        "adds credentials to any application and so acts with its permissions",
        ("escalate", "impersonate"),
    ),
    "cf1c38e5-3621-4004-a7cb-879624dced7c": (
        "Application Developer",
        "registers applications even where others may not",
        (),
    ),
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": (
        "Conditional Access Administrator",
        "decides under which conditions anybody may sign in",
        ("iam_write",),
    ),
    "194ae4cb-b126-40b2-bd5b-6091b380977d": (
        "Security Administrator",
        "changes the security settings of Entra ID and Microsoft 365",
        ("iam_write",),
    ),
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": (
        "Security Operator",
        "handles security events and the risk of accounts",
        (),
    ),
    "5d6b6bb7-de71-4623-b4af-96380a352509": (
        "Security Reader",
        "reads all security information and sign-ins",
        (),
    ),
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": (
        "Global Reader",
        "reads all that a Global Administrator can",
        (),
    ),
    "fe930be7-5e62-47db-91af-98c3a49a38b1": (
        "User Administrator",
        "creates people and groups and resets passwords",
        ("iam_write", "impersonate"),
    ),
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": (
        "Helpdesk Administrator",
        "resets the passwords of people who are no administrators",
        ("impersonate",),
    ),
    "966707d0-3269-4727-9be2-8c3a10f19b9d": (
        "Password Administrator",
        "resets the passwords of people who are no administrators",
        ("impersonate",),
    ),
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": (
        "Hybrid Identity Administrator",
        "changes synchronisation and federation, and so how everybody signs in",
        ("iam_write", "escalate"),
    ),
    "8329153b-31d0-4727-b945-745eb3bc5f31": (
        "Domain Name Administrator",
        "adds and federates domains, and so decides who vouches for their accounts",
        ("escalate",),
    ),
    "be2f45a1-457d-42af-a067-6ec1fa63bc45": (
        "External Identity Provider Administrator",
        "decides which other providers vouch for accounts",
        ("escalate",),
    ),
    "3a2c62db-5318-420d-8d74-23affee5d9d5": (
        "Intune Administrator",
        "runs scripts on every managed device",
        ("exec",),
    ),
    "7698a772-787b-4ac8-901f-60d6b08affd2": (
        "Cloud Device Administrator",
        "disables devices and reads their recovery keys",
        ("secrets_read",),
    ),
    "4ba39ca4-527c-499a-b93d-d9b492c50246": (
        "Partner Tier1 Support",
        "resets passwords for a partner; Microsoft says not to use it",
        ("impersonate",),
    ),
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8": (
        "Partner Tier2 Support",
        "resets the passwords of everybody for a partner; Microsoft says not to use it",
        ("escalate", "impersonate"),
    ),
    "9360feb5-f418-4baa-8175-e2a00bac4301": (
        "Directory Writers",
        "writes to accounts and groups",
        ("iam_write",),
    ),
    "aaf43236-0c0d-4d5f-883a-6955382ac081": (
        "B2C IEF Keyset Administrator",
        "reads and changes the keys that sign customers in",
        ("secrets_read",),
    ),
    "25a516ed-2fa0-40ea-a2d0-12923a21473a": (
        "Authentication Extensibility Administrator",
        "puts own code into the way everybody signs in",
        ("escalate",),
    ),
    "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe": (
        "Attribute Provisioning Administrator",
        "changes how security attributes are provisioned",
        (),
    ),
    "422218e4-db15-4ef9-bbe0-8afb41546d79": (
        "Attribute Provisioning Reader",
        "reads how security attributes are provisioned",
        (),
    ),
    "59d46f88-662b-457b-bceb-5c3809e5908f": (
        "Lifecycle Workflows Administrator",
        "changes what happens by itself when people join, move or leave",
        ("iam_write",),
    ),
    "db506228-d27e-4b7d-95e5-295956d6615f": (
        "Agent ID Administrator",
        "manages every agent identity and its credentials",
        ("impersonate",),
    ),
    "29232cdf-9323-42fd-ade2-1d097af3e4de": (
        "Exchange Administrator",
        "opens every mailbox by giving itself access",
        ("escalate",),
    ),
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": (
        "SharePoint Administrator",
        "opens every site and file by giving itself access",
        ("escalate",),
    ),
    "d29b2b05-8046-44ba-8758-1e26182fcf32": (
        "Directory Synchronization Accounts",
        "writes accounts and their passwords on behalf of the synchronisation",
        ("iam_write", "impersonate"),
    ),
}
# What a role of the tenant's own making may hold to be privileged, and what follows from it.
_ACTIONS: tuple[tuple[str, str, Mark], ...] = (
    ("microsoft.directory/roleassignments/", "assigns roles", "iam_write"),
    ("microsoft.directory/roledefinitions/", "changes what roles allow", "iam_write"),
    ("/credentials/update", "adds credentials to applications", "escalate"),
    ("microsoft.directory/users/password/update", "resets passwords", "impersonate"),
    ("microsoft.directory/users/authenticationmethods/", "changes how people sign in", "impersonate"),
    ("approleassignedto/update", "gives permissions to applications", "iam_write"),
    ("/managepermissiongrants", "consents to permissions of applications", "iam_write"),
    ("microsoft.directory/conditionalaccesspolicies/", "changes the conditions of signing in", "iam_write"),
    ("microsoft.directory/groups.security.assignedmembership/members/update", "changes groups", "iam_write"),
    ("microsoft.directory/groups/members/update", "changes groups", "iam_write"),
)
_READS = ("/read", "/standard/read", "/basic/read")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something is privileged and why, in words."""

    is_privileged: bool | None
    because: str | None
    marks: tuple[Mark, ...] = ()


def role_name(template: str, definition: Mapping[str, object]) -> str:
    """What the file calls a role, else what Microsoft does, else its id."""
    known = _PRIVILEGED.get(template)
    return text_of(definition.get("displayName")) or (known[0] if known else template)


def judge_role(template: str, definition: Mapping[str, object]) -> Judgement:
    """By the id of a role that Microsoft made, by its actions for one that the tenant made."""
    if (known := _PRIVILEGED.get(template.lower())) is not None:
        _, allows, marks = known
        return Judgement(True, f"This role {allows}.", marks)
    if definition.get("isPrivileged") is True:
        return Judgement(True, "Microsoft labels this role privileged.")
    actions = _actions(definition)
    found = {(words, mark) for action in actions for part, words, mark in _ACTIONS if _gives(action, part)}
    if found:
        marks = tuple(sorted({mark for _, mark in found}))
        return Judgement(True, f"This role {', '.join(sorted({words for words, _ in found}))}.", marks)
    if flag(definition.get("isBuiltIn")) is True or definition.get("isPrivileged") is False:
        return Judgement(False, "Microsoft does not label this role privileged.")
    if actions:
        return Judgement(
            False, "No action of this role gives roles, credentials, passwords or conditions of signing in."
        )
    return Judgement(None, None)


def scope_words(scope: str | None, names: Mapping[str, str]) -> str | None:
    """What a role is limited to; None for the whole tenant."""
    if scope in (None, "", "/", "/tenant"):
        return None
    kind, _, key = (scope or "").strip("/").rpartition("/")
    name = names.get(key, key)
    if kind.lower() == "administrativeunits":
        return f"the administrative unit {name}"
    return f"the object {name}"


def _actions(definition: Mapping[str, object]) -> list[str]:
    return [
        action.lower()
        for permission in objects(definition.get("rolePermissions"))
        for action in texts(permission.get("allowedResourceActions"))
    ]


def _gives(action: str, part: str) -> bool:
    if action.endswith(_READS):
        return False
    return part in action or action in ("microsoft.directory/*", "*", "microsoft.directory/alltasks")
