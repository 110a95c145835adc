"""Removals."""

from django.urls import path

from accounts.views import revocations

urlpatterns = [
    path("revocations/", revocations.revocation_list, name="revocation_list"),
    path("revocations/work-list.csv", revocations.revocation_csv, name="revocation_csv"),
    path("revocations/done/", revocations.revocation_done, name="revocation_done"),
    path("revocations/<uuid:pk>/", revocations.revocation, name="revocation"),
    path(
        "revocations/<uuid:pk>/impossible/", revocations.revocation_impossible, name="revocation_impossible"
    ),
    path("revocations/<uuid:pk>/again/", revocations.revocation_again, name="revocation_again"),
]
