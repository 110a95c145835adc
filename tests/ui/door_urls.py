"""Addresses for the tests of the sign-in pages."""

from django.urls import include, path

from tests.ui.urls import workbench

handler404 = "portal.ui.errors.not_found"

urlpatterns = [path("sign-in/", include("allauth.urls")), path("", workbench, name="home")]
