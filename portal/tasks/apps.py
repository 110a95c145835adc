"""The tasks app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class TasksConfig(AppConfig):
    """Work that happens later: jobs, progress and the clock."""

    name = "portal.tasks"
    label = "tasks"

    def ready(self) -> None:
        """Find what the hour asks for: `clock.py` of every app."""
        autodiscover_modules("clock")
