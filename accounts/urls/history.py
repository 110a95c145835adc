"""Who had what on which day, and what happened to whom."""

from django.urls import path

from accounts.views import as_of, identity_panels

urlpatterns = [
    path("as-of/", as_of.as_of, name="as_of"),
    path("identities/<uuid:pk>/timeline/", identity_panels.identity_timeline, name="identity_timeline"),
    path("identities/<uuid:pk>/graph/", identity_panels.identity_graph, name="identity_graph"),
]
