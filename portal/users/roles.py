"""Every role and what it holds, on one page. Reviewers, owners and deputies need no role: what they may do
follows from the rows they answer for."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from portal.users.permissions import Perm


class Role(StrEnum):
    """A hat somebody wears in the portal."""

    COMPLIANCE = "compliance"
    HR = "hr"
    IAM = "iam"
    CARRIER = "carrier"
    SECURITY = "security"
    AUDITOR = "auditor"
    RECORDER = "recorder"


LABELS = {
    Role.COMPLIANCE: _("Compliance"),
    Role.HR: _("Human resources"),
    Role.IAM: _("IAM administrator"),
    Role.CARRIER: _("System administrator"),
    Role.SECURITY: _("Security"),
    Role.AUDITOR: _("Auditor"),
    Role.RECORDER: _("Recorder"),
}

HOLDS: dict[Role, frozenset[Perm]] = {
    Role.COMPLIANCE: frozenset(
        {
            Perm.APPROVAL_DECIDE,
            Perm.AUDIT_VIEW,
            Perm.CAMPAIGN_MANAGE,
            Perm.CAMPAIGN_VIEW,
            Perm.FINDING_ACCEPT,
            Perm.IMPORT_CONFIRM,
            Perm.INVENTORY_VIEW,
            Perm.OFFBOARDING_EXCEPT,
            Perm.OFFBOARDING_VIEW,
            Perm.PACK_BUILD,
            Perm.PACK_VIEW,
            Perm.PERSON_VIEW,
            Perm.REVOCATION_VIEW,
            Perm.RULE_MANAGE,
            Perm.SESSION_VIEW,
        }
    ),
    # HR sees people, states and counts: never rights, credentials or recordings.
    Role.HR: frozenset({Perm.OFFBOARDING_MANAGE, Perm.OFFBOARDING_VIEW, Perm.PERSON_VIEW}),
    # Keeps the portal fed and decides nothing (no ITEM_DECIDE by role, no CAMPAIGN_MANAGE).
    Role.IAM: frozenset(
        {
            Perm.INVENTORY_IMPORT,
            Perm.INVENTORY_MANAGE,
            Perm.INVENTORY_VIEW,
            Perm.OWNER_NAME,
            Perm.PERSON_VIEW,
            Perm.RECORDER_MANAGE,
            Perm.RECORDING_UPLOAD,
            Perm.REVOCATION_VIEW,
            Perm.SESSION_VIEW,
            Perm.TOKEN_MANAGE,
            Perm.USER_MANAGE,
        }
    ),
    # Sees the removals of the systems they carry out for (by reason, not by role): what to remove, not why.
    Role.CARRIER: frozenset({Perm.IMPORT_CONFIRM, Perm.REVOCATION_CARRY_OUT}),
    Role.SECURITY: frozenset(
        {
            Perm.APPROVAL_DECIDE,
            Perm.FINDING_ACCEPT,
            Perm.INVENTORY_VIEW,
            Perm.PERSON_VIEW,
            Perm.RECORDING_RELEASE,
            Perm.RECORDING_UPLOAD,
            Perm.RECORDING_WATCH,
            Perm.SESSION_VIEW,
        }
    ),
    # Sees what is shared with them, nothing by role.
    Role.AUDITOR: frozenset(),
    Role.RECORDER: frozenset({Perm.RECORDING_UPLOAD}),
}


def permissions_of(roles: list[str]) -> frozenset[Perm]:
    """What a list of roles holds together; an unknown role holds nothing."""
    known = {role.value: role for role in Role}
    return frozenset().union(*(HOLDS[known[role]] for role in roles if role in known))
