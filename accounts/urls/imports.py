"""Sources and their readings, for people and for machines."""

from django.urls import path

from accounts import api
from accounts.views import imports, sources

urlpatterns = [
    path("sources/", sources.source_list, name="source_list"),
    path("sources/<uuid:pk>/", sources.source, name="source"),
    path("sources/<uuid:pk>/edit/", sources.source_edit, name="source_edit"),
    path("sources/<uuid:pk>/release/", sources.source_release, name="source_release"),
    path("imports/new/", imports.import_new, name="import_new"),
    path("imports/<uuid:pk>/", imports.import_run, name="import_run"),
    path("imports/<uuid:pk>/apply/", imports.import_apply, name="import_apply"),
    path("imports/<uuid:pk>/release/", imports.import_release, name="import_release"),
    path("imports/<uuid:pk>/discard/", imports.import_discard, name="import_discard"),
    path("imports/<uuid:pk>/confirm/", imports.import_confirm, name="import_confirm"),
    path("api/imports/", api.import_file, name="import_api"),
    path("api/imports/<uuid:pk>/", api.import_state, name="import_state_api"),
]
