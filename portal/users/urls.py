"""The screens of portal users, and allauth's for coming in."""

from importlib import import_module

from django.db import transaction
from django.urls import URLPattern, URLResolver, include, path

from portal.users import views


def whole_or_not(patterns: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """The same pages, each in a transaction: a change and its line in the log stand or fall together."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            whole_or_not(pattern.url_patterns)
        else:
            pattern.callback = transaction.atomic(pattern.callback)
    return patterns


sign_in = whole_or_not(import_module("allauth.urls").urlpatterns)

urlpatterns = [
    # Before allauth's page of that address: what somebody is known by is not theirs to change.
    path("sign-in/email/", views.no_such_page),
    path("sign-in/", include(sign_in)),
    path("users/", views.user_list, name="user_list"),
    path("users/new/", views.user_new, name="user_new"),
    path("users/<uuid:pk>/", views.user, name="user"),
    path("users/<uuid:pk>/end/", views.user_end, name="user_end"),
    path("tokens/", views.token_list, name="token_list"),
    path("tokens/<uuid:pk>/revoke/", views.token_revoke, name="token_revoke"),
    path("approvals/", views.approval_list, name="approval_list"),
    path("approvals/<uuid:pk>/answer/", views.approval_answer, name="approval_answer"),
]
