"""Panels of reviews on pages of other rooms."""

from django.urls import path

from reviews.views import session_panel

urlpatterns = [
    path("sessions/<str:code>/decisions/", session_panel.session_decisions, name="session_decisions"),
]
