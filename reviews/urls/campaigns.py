"""Campaigns, for compliance and for those with whom one is shared."""

from django.urls import path

from reviews.views import campaigns

urlpatterns = [
    path("campaigns/", campaigns.campaign_list, name="campaign_list"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign_new"),
    path("campaigns/<str:code>/", campaigns.campaign, name="campaign"),
    path("campaigns/<str:code>/edit/", campaigns.campaign_edit, name="campaign_edit"),
    path("campaigns/<str:code>/population/", campaigns.campaign_preview, name="campaign_preview"),
    path("campaigns/<str:code>/items/", campaigns.campaign_items, name="campaign_items"),
    path("campaigns/<str:code>/launch/", campaigns.campaign_launch, name="campaign_launch"),
    path("campaigns/<str:code>/chase/", campaigns.campaign_chase, name="campaign_chase"),
    path("campaigns/<str:code>/share/", campaigns.campaign_share, name="campaign_share"),
    path("campaigns/<str:code>/unshare/", campaigns.campaign_unshare, name="campaign_unshare"),
    path("campaigns/<str:code>/close/", campaigns.campaign_close, name="campaign_close"),
]
