"""The app `sessions_app`."""

from importlib import import_module

from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Recordings of privileged sessions as evidence."""

    name = "sessions_app"

    def ready(self) -> None:
        import_module("sessions_app.answers")
