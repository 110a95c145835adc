"""One file an aggregate; QuerySets stand directly above their model."""

from accounts.models.account import Account, Membership
from accounts.models.credential import Credential
from accounts.models.entitlement import Entitlement, Grant, GrantUse, Revocation, RevocationCause
from accounts.models.identity import Engagement, Identity, Ownership
from accounts.models.imports import ImportRun, Reject, Source
from accounts.models.offboarding import CaseLine, OffboardingCase
from accounts.models.system import System, SystemShare

__all__ = [
    "Account",
    "CaseLine",
    "Credential",
    "Engagement",
    "Entitlement",
    "Grant",
    "GrantUse",
    "Identity",
    "ImportRun",
    "Membership",
    "OffboardingCase",
    "Ownership",
    "Reject",
    "Revocation",
    "RevocationCause",
    "Source",
    "System",
    "SystemShare",
]
