"""One file an aggregate; QuerySets stand directly above their model."""

from reviews.models.campaign import (
    Assignment,
    Campaign,
    CampaignShare,
    Exclusion,
    PopulationSource,
    ReviewItem,
)
from reviews.models.decision import Decision, EvidenceLink, Shown, SignOff
from reviews.models.finding import Acceptance, Evaluation, Finding, RuleSetting, RuleVersion, Severity
from reviews.models.pack import EvidencePack, PackShare

__all__ = [
    "Acceptance",
    "Assignment",
    "Campaign",
    "CampaignShare",
    "Decision",
    "Evaluation",
    "EvidenceLink",
    "EvidencePack",
    "Exclusion",
    "Finding",
    "PackShare",
    "PopulationSource",
    "ReviewItem",
    "RuleSetting",
    "RuleVersion",
    "Severity",
    "Shown",
    "SignOff",
]
