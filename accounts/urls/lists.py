"""Lists of everything, the views that people keep of them, and the search box."""

from django.urls import path

from accounts.views import account_list, credential_list, grant_list, saved_views, search

urlpatterns = [
    path("accounts/", account_list.account_list, name="account_list"),
    path("grants/", grant_list.grant_list, name="grant_list"),
    path("credentials/", credential_list.credential_list, name="credential_list"),
    path("search/", search.search, name="search"),
    path("saved-views/", saved_views.saved_view_new, name="saved_view_new"),
    path("saved-views/<uuid:pk>/delete/", saved_views.saved_view_delete, name="saved_view_delete"),
]
