"""The style guide, which `portal.urls` includes in development and tests only."""

from django.urls import path

from portal.ui import styleguide

app_name = "ui"

urlpatterns = [
    path("styleguide/", styleguide.parts, name="styleguide"),
    path("styleguide/review/", styleguide.review, name="styleguide-review"),
    path("styleguide/<str:name>/", styleguide.wrong, name="styleguide-wrong"),
]
