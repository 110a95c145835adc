"""Evidence packs and the audit trail."""

from django.urls import path

from reviews.views import packs, trail

urlpatterns = [
    path("packs/", packs.pack_list, name="pack_list"),
    path("campaigns/<str:code>/packs/new/", packs.pack_new, name="pack_new"),
    path("packs/<str:code>/", packs.pack, name="pack"),
    path("packs/<str:code>/release/", packs.pack_release, name="pack_release"),
    path("packs/<str:code>/again/", packs.pack_again, name="pack_again"),
    path("packs/<str:code>/share/", packs.pack_share, name="pack_share"),
    path("packs/<str:code>/file/", packs.pack_file, name="pack_file"),
    path("trail/", trail.trail, name="trail"),
    path("trail/<uuid:uid>/", trail.event, name="trail_event"),
]
