"""The site map: one include a room."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from portal.home import home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("", include("portal.users.urls")),
    path("", include("accounts.urls")),
    path("", include("sessions_app.urls")),
    path("", include("reviews.urls")),
]

if settings.DEBUG or settings.TESTING:
    urlpatterns.append(path("", include("portal.ui.urls")))

handler400 = "portal.ui.errors.bad_request"
handler403 = "portal.ui.errors.forbidden"
handler404 = "portal.ui.errors.not_found"
handler500 = "portal.ui.errors.server_error"
