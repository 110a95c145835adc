"""Identities, systems, accounts and grants."""

from django.urls import path

from accounts.views import account_page, grant_page, identities, identity_page, systems

urlpatterns = [
    path("identities/", identities.identity_list, name="identity_list"),
    path("identities/<uuid:pk>/", identity_page.identity, name="identity"),
    path("systems/", systems.system_list, name="system_list"),
    path("systems/<str:code>/", systems.system, name="system"),
    path("systems/<str:code>/edit/", systems.system_edit, name="system_edit"),
    path("systems/<str:code>/share/", systems.system_share, name="system_share"),
    path("accounts/<int:pk>/", account_page.account, name="account"),
    path("accounts/<int:pk>/members/", account_page.account_member_add, name="account_member_add"),
    path(
        "accounts/<int:pk>/members/<int:member>/end/",
        account_page.account_member_end,
        name="account_member_end",
    ),
    path("accounts/<int:pk>/unlink/", account_page.account_unlink, name="account_unlink"),
    path("grants/<int:pk>/", grant_page.grant, name="grant"),
]
