"""Who is who: what HR readings say differently, and identities merged and split."""

from django.urls import path

from accounts.views import hr_changes, merging

urlpatterns = [
    path("identities/<uuid:pk>/merge/", merging.identity_merge, name="identity_merge"),
    path("identities/<uuid:pk>/split/", merging.identity_split, name="identity_split"),
    path("leavers/", hr_changes.leaver_list, name="leaver_list"),
    path("leavers/<uuid:pk>/dismiss/", hr_changes.leaver_dismiss, name="leaver_dismiss"),
    path("sources/<uuid:pk>/changes/", hr_changes.hr_changes, name="hr_changes"),
]
