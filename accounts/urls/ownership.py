"""Who answers for machines, systems and applications."""

from django.urls import path

from accounts.views import applications, claims, coverage, my_machines, ownership, unowned

urlpatterns = [
    path("identities/new/", ownership.identity_new, name="identity_new"),
    path("identities/<uuid:pk>/edit/", ownership.identity_edit, name="identity_edit"),
    path("identities/<uuid:pk>/owner/", ownership.identity_owner, name="identity_owner"),
    path("identities/<uuid:pk>/accept/", ownership.identity_accept, name="identity_accept"),
    path("my-machines/", my_machines.my_machines, name="my_machines"),
    path("unowned/", unowned.unowned_list, name="unowned_list"),
    path("unowned/name/", unowned.unowned_name, name="unowned_name"),
    path("unowned/name/do/", unowned.unowned_do, name="unowned_do"),
    path("claims/", claims.claim_list, name="claim_list"),
    path("claims/shut-down/", claims.shut_down_list, name="shut_down_list"),
    path("claims/shut-down/<uuid:pk>/", claims.claim_confirm, name="claim_confirm"),
    path("claims/<uuid:pk>/", claims.claim, name="claim"),
    path("applications/", applications.application_list, name="application_list"),
    path("applications/new/", applications.application_new, name="application_new"),
    path("applications/<uuid:pk>/", applications.application, name="application"),
    path("applications/<uuid:pk>/edit/", applications.application_edit, name="application_edit"),
    path("applications/<uuid:pk>/machines/", applications.application_assign, name="application_assign"),
    path("applications/<uuid:pk>/retire/", applications.application_retire, name="application_retire"),
    path("applications/<uuid:pk>/accept/", applications.application_accept, name="application_accept"),
    path("coverage/", coverage.coverage_list, name="coverage"),
    path("coverage/machines/", coverage.coverage_machines, name="coverage_machines"),
    path("systems/<str:code>/coverage/", coverage.system_coverage, name="system_coverage"),
]
