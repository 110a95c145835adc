"""Permissions of applications: what they are called, whether they are privileged, and why."""

import re

from accounts.connectors.entra.roles import Judgement
from accounts.connectors.records import Mark

GRAPH = "00000003-0000-0000-c000-000000000000"
NO_ROLE = "00000000-0000-0000-0000-000000000000"  # assigned to the application, without a role in it
# Ids of application permissions are the same in every tenant, so they are named without their resource too.
_IDS = {
    "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8": "RoleManagement.ReadWrite.Directory",
    "06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
    "19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
    "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
    "18a4783c-866b-4cc7-a460-3d5e5662c884": "Application.ReadWrite.OwnedBy",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send",
    "75359482-378d-4052-8f01-80520e7db3cd": "Files.ReadWrite.All",
    "a82116e5-55eb-4c41-a434-62fe8a61c773": "Sites.FullControl.All",
    "9492366f-7969-46a4-8d15-ed1a20078fff": "Sites.ReadWrite.All",
    "332a536c-c7ef-4017-ab91-336970924f0d": "Sites.Read.All",
    "741f803b-c850-494e-b5df-cde7c675a1ca": "User.ReadWrite.All",
    "df021288-bdef-4463-88db-98f22de89214": "User.Read.All",
    "7ab1d382-f21e-4acd-a863-ba3e13f7da61": "Directory.Read.All",
    "62a82d76-70ea-41e2-9197-370581804d09": "Group.ReadWrite.All",
    "5b567255-7703-4780-807c-7be8301ae99b": "Group.Read.All",
    "dbaae8cf-10b5-4b86-a4a1-f871c94c6695": "GroupMember.ReadWrite.All",
    "98830695-27a2-44f7-8c18-0c3ebc9698f6": "GroupMember.Read.All",
    "50483e42-d915-4231-9639-7fdb7fd190e5": "UserAuthenticationMethod.ReadWrite.All",
    "01c0a623-fc9b-48e9-b794-0756f8e8f067": "Policy.ReadWrite.ConditionalAccess",
    "dd199f4a-f148-40a4-a2ec-f0069cc799ec": "RoleAssignmentSchedule.ReadWrite.Directory",
    "fee28b28-e1f3-4841-818e-2704dc62245f": "RoleEligibilitySchedule.ReadWrite.Directory",
    "41202f2c-f7ab-45be-b001-85c9728b9d69": "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
    "2f6817f8-7b12-4f0f-bc18-eeaf60705a9e": "PrivilegedAccess.ReadWrite.AzureADGroup",
    "8e8e4742-1d95-4f68-9d56-6ee75648c72a": "DelegatedPermissionGrant.ReadWrite.All",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40": "full_access_as_app",
    "dc50a0fb-09a3-484d-be87-e023b12c6440": "Exchange.ManageAsApp",
}
_PRIVILEGED: dict[str, tuple[str, tuple[Mark, ...]]] = {
    "rolemanagement.readwrite.directory": (
        "gives every role, Global Administrator too",
        ("admin", "iam_write"),
    ),
    "approleassignment.readwrite.all": ("gives itself any other permission", ("iam_write", "escalate")),
    "directory.readwrite.all": ("changes accounts, groups and applications", ("iam_write",)),
    "application.readwrite.all": (
        "adds credentials to any application and so acts with its permissions",
        ("escalate", "impersonate"),
    ),
    "application.readwrite.ownedby": ("adds credentials to the applications that it owns", ("escalate",)),
    "delegatedpermissiongrant.readwrite.all": (
        "consents to permissions for everybody",
        ("iam_write", "escalate"),
    ),
    "roleassignmentschedule.readwrite.directory": ("gives roles for a time", ("iam_write", "escalate")),
    "roleeligibilityschedule.readwrite.directory": (
        "makes anybody eligible for roles",
        ("iam_write", "escalate"),
    ),
    "privilegedaccess.readwrite.azureadgroup": ("gives membership in privileged groups", ("iam_write",)),
    "privilegedassignmentschedule.readwrite.azureadgroup": (
        "gives membership in privileged groups",
        ("iam_write",),
    ),
    "userauthenticationmethod.readwrite.all": ("changes how anybody signs in", ("escalate", "impersonate")),
    "policy.readwrite.conditionalaccess": (
        "decides under which conditions anybody may sign in",
        ("iam_write",),
    ),
    "user.readwrite.all": ("changes every account", ("iam_write",)),
    "user-passwordprofile.readwrite.all": ("resets passwords", ("impersonate",)),
    "user.manageidentities.all": ("changes how anybody signs in", ("impersonate",)),
    "group.readwrite.all": ("changes every group and who is in it", ("iam_write",)),
    "groupmember.readwrite.all": ("changes who is in a group", ("iam_write",)),
    "domain.readwrite.all": ("federates domains and so decides who vouches for accounts", ("escalate",)),
    "mail.readwrite": ("reads and changes mail", ()),
    "mail.read": ("reads mail, with all that is sent by it", ()),
    "mail.send": ("sends mail in the name of others", ("impersonate",)),
    "full_access_as_app": ("opens every mailbox", ("impersonate",)),
    "exchange.manageasapp": ("administers Exchange", ("admin",)),
    "ews.accessasuser.all": ("opens mailboxes as their owners", ("impersonate",)),
    "files.readwrite.all": ("reads and changes every file", ()),
    "sites.fullcontrol.all": ("reads and changes every site and who may open it", ("iam_write",)),
    "sites.readwrite.all": ("reads and changes every site", ()),
    "sites.manage.all": ("reads and changes every site", ()),
    "devicemanagementconfiguration.readwrite.all": ("changes what runs on every managed device", ("exec",)),
    "devicemanagementmanageddevices.privilegedoperations.all": ("wipes and locks devices", ("exec",)),
    "directory.accessasuser.all": ("uses the directory with all rights of who signed in", ("impersonate",)),
    "bitlockerkey.read.all": ("reads the recovery keys of devices", ("secrets_read",)),
}
# Resources where acting as whoever signed in opens more than their own data, by application id.
_IMPERSONATING = {
    "797f4846-ba00-4fd7-ba43-dac1f8f63013": "manages Azure resources as whoever signed in",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "opens key vaults as whoever signed in",
    "499b84ac-1321-427f-aa17-267ca6975798": "uses Azure DevOps as whoever signed in",
}
_HARMLESS = frozenset({"openid", "profile", "email", "offline_access"})
_READING = re.compile(r"[\w-]{1,100}\.Read(?:Basic)?(?:\.[\w-]{1,60}){0,2}", re.IGNORECASE)


def permission_name(permission: str) -> str | None:
    """The name of an application permission of Microsoft by its id."""
    return _IDS.get(permission.lower())


def judge_permission(name: str, resource_app: str | None) -> Judgement:
    """By name: a permission is called the same whether an application or a person uses it."""
    if (known := _PRIVILEGED.get(name.lower())) is not None:
        return Judgement(True, f"{name} {known[0]}.", known[1])
    if name.lower() == "user_impersonation" and (allows := _IMPERSONATING.get(resource_app or "")):
        return Judgement(True, f"It {allows}.", ("impersonate",))
    if name.lower() in _HARMLESS:
        return Judgement(False, "It only tells who signed in.")
    if _READING.fullmatch(name):
        return Judgement(False, f"{name} reads and changes nothing.")
    return Judgement(None, None)
