"""The face of the portal: presentation only, no models."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Template tags, rendering of pages and fragments, pages for what went wrong."""

    name = "portal.ui"
    label = "ui"
