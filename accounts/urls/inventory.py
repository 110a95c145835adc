"""Identities, systems, accounts and grants."""

from django.urls import path

from accounts.views import identities, systems

urlpatterns = [
    path("identities/", identities.identity_list, name="identity_list"),
    path("identities/new/", identities.identity_new, name="identity_new"),
    path("identities/<uuid:pk>/", identities.identity, name="identity"),
    path("identities/<uuid:pk>/edit/", identities.identity_edit, name="identity_edit"),
    path("identities/<uuid:pk>/owner/", identities.identity_owner, name="identity_owner"),
    path("identities/<uuid:pk>/accept/", identities.identity_accept, name="identity_accept"),
    path("unowned/", identities.unowned_list, name="unowned_list"),
    path("my-machines/", identities.my_machines, name="my_machines"),
    path("orphans/", systems.orphan_list, name="orphan_list"),
    path("systems/", systems.system_list, name="system_list"),
    path("systems/<str:code>/", systems.system, name="system"),
    path("systems/<str:code>/edit/", systems.system_edit, name="system_edit"),
    path("systems/<str:code>/share/", systems.system_share, name="system_share"),
    path("accounts/<int:pk>/", systems.account, name="account"),
    path("accounts/<int:pk>/members/", systems.account_member_add, name="account_member_add"),
    path(
        "accounts/<int:pk>/members/<int:member>/end/", systems.account_member_end, name="account_member_end"
    ),
    path("accounts/<int:pk>/unlink/", systems.account_unlink, name="account_unlink"),
    path("grants/<int:pk>/", systems.grant, name="grant"),
]
