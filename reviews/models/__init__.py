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
from reviews.models.pack import EvidencePack, PackShare

__all__ = [
    "Assignment",
    "Campaign",
    "CampaignShare",
    "Decision",
    "EvidenceLink",
    "EvidencePack",
    "Exclusion",
    "PackShare",
    "PopulationSource",
    "ReviewItem",
    "Shown",
    "SignOff",
]
