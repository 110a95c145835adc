"""Offboarding."""

from django.urls import path

from accounts.views import offboarding, offboarding_lines

urlpatterns = [
    path("offboarding/", offboarding.offboarding_list, name="offboarding_list"),
    path("offboarding/new/", offboarding.offboarding_new, name="offboarding_new"),
    path("offboarding/<str:code>/", offboarding.offboarding_case, name="offboarding"),
    path("offboarding/<str:code>/hour/", offboarding.offboarding_hour, name="offboarding_hour"),
    path("offboarding/<str:code>/cancel/", offboarding.offboarding_cancel, name="offboarding_cancel"),
    path("offboarding/<str:code>/close/", offboarding.offboarding_close, name="offboarding_close"),
    path(
        "offboarding/<str:code>/lines/<int:pk>/except/",
        offboarding_lines.offboarding_except,
        name="offboarding_except",
    ),
    path(
        "offboarding/<str:code>/lines/<int:pk>/ask/",
        offboarding_lines.offboarding_insist,
        name="offboarding_insist",
    ),
    path(
        "offboarding/<str:code>/lines/<int:pk>/hand-over/",
        offboarding_lines.offboarding_hand_over,
        name="offboarding_hand_over",
    ),
]
