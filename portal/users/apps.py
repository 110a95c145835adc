"""The app of those who sign in to the portal; accounts *on systems* live in the app `accounts`."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Portal users, their roles, tokens and four-eyes approvals."""

    name = "portal.users"
    label = "users"
