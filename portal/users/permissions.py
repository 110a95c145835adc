"""Every permission, on one page: `<scope>:<action>`. Keep the list alphabetical."""

from enum import StrEnum


class Perm(StrEnum):
    """What somebody may do. Seeing is decided by `visible_to`; these are for acts and whole rooms."""

    APPROVAL_DECIDE = "approval:decide"
    AUDIT_VIEW = "audit:view"
    CAMPAIGN_MANAGE = "campaign:manage"
    CAMPAIGN_VIEW = "campaign:view"
    FINDING_ACCEPT = "finding:accept"
    IMPORT_CONFIRM = "import:confirm"
    INVENTORY_IMPORT = "inventory:import"
    INVENTORY_MANAGE = "inventory:manage"
    INVENTORY_VIEW = "inventory:view"
    ITEM_DECIDE = "item:decide"
    OFFBOARDING_EXCEPT = "offboarding:except"
    OFFBOARDING_MANAGE = "offboarding:manage"
    OFFBOARDING_VIEW = "offboarding:view"
    OWNER_NAME = "owner:name"
    PACK_BUILD = "pack:build"
    PACK_VIEW = "pack:view"
    PERSON_VIEW = "person:view"
    RECORDER_MANAGE = "recorder:manage"
    RECORDING_RELEASE = "recording:release"
    RECORDING_UPLOAD = "recording:upload"
    RECORDING_WATCH = "recording:watch"
    REVOCATION_CARRY_OUT = "revocation:carry_out"
    REVOCATION_VIEW = "revocation:view"
    RULE_MANAGE = "rule:manage"
    SESSION_VIEW = "session:view"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 - the name of a permission
    USER_MANAGE = "user:manage"
