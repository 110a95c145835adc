"""Inspection as an app, so that its command is found."""

from django.apps import AppConfig


class InspectionConfig(AppConfig):
    """`manage.py inspect`."""

    name = "portal.inspection"
    label = "inspection"
