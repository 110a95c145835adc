"""One file an aggregate; QuerySets stand directly above their model."""

from accounts.models.account import Account, Membership
from accounts.models.application import Application
from accounts.models.correlation import CorrelationRefusal, CorrelationRule
from accounts.models.credential import Credential
from accounts.models.entitlement import Entitlement, Grant, GrantUse, Inclusion
from accounts.models.identity import Engagement, Identity, Ownership
from accounts.models.imports import ImportRun, Reject, Source
from accounts.models.offboarding import CaseLine, OffboardingCase
from accounts.models.ownership import OwnerProposal, OwnershipClaim
from accounts.models.person_change import PersonChange
from accounts.models.revocation import Revocation, RevocationCause
from accounts.models.saved_view import SavedView
from accounts.models.system import System, SystemShare

__all__ = [
    "Account",
    "Application",
    "CaseLine",
    "CorrelationRefusal",
    "CorrelationRule",
    "Credential",
    "Engagement",
    "Entitlement",
    "Grant",
    "GrantUse",
    "Identity",
    "ImportRun",
    "Inclusion",
    "Membership",
    "OffboardingCase",
    "OwnerProposal",
    "Ownership",
    "OwnershipClaim",
    "PersonChange",
    "Reject",
    "Revocation",
    "RevocationCause",
    "SavedView",
    "Source",
    "System",
    "SystemShare",
]
