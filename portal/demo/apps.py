"""The demonstration organisation as an app, so that its command is found."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Nordhaven Bank, built by running the main job through the services."""

    name = "portal.demo"
    label = "demo"
