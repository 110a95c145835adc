"""What rights mean: the list, one of them, and the catalogue."""

from django.urls import path

from accounts.views import catalogue, rights

urlpatterns = [
    path("rights/", rights.right_list, name="right_list"),
    path("rights/coverage/", catalogue.right_coverage, name="right_coverage"),
    path("rights/catalogue/", catalogue.catalogue_new, name="catalogue_new"),
    path("rights/catalogue/take-over/", catalogue.catalogue_take_over, name="catalogue_take_over"),
    path("rights/suggest/", catalogue.right_suggest, name="right_suggest"),
    path("rights/settle/", catalogue.right_settle, name="right_settle"),
    path("rights/<int:pk>/", rights.right, name="right"),
]
