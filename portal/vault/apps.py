"""The vault app."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Bytes by digest."""

    name = "portal.vault"
    label = "vault"
