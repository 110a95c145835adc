"""Who may enter."""

from django.urls import path

from accounts.views import reach

urlpatterns = [
    path("reach/", reach.reach_search, name="reach_search"),
    path("reach/panel/", reach.reach_panel, name="reach_panel"),
    path("systems/<str:code>/reach/", reach.system_reach, name="reach"),
    path("systems/<str:code>/reach.csv", reach.system_reach_file, {"kind": "csv"}, name="reach_csv"),
    path("systems/<str:code>/reach.xlsx", reach.system_reach_file, {"kind": "xlsx"}, name="reach_xlsx"),
]
