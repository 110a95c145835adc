"""The app `accounts`."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Identities, accounts on systems, grants, credentials, imports, offboarding."""

    name = "accounts"

    def ready(self) -> None:
        import_module("accounts.answers")
