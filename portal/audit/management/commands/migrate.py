"""`manage.py migrate`, signed in as the owner: the runtime role has no right to change tables."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Django's command with `--database owner` as its default."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        """Let `default` mean the same connection meanwhile.

        Some packages' migrations forget which database they run on. As the runtime role, on a second
        connection, they would wait for ever for the tables that the owner's transaction holds.
        """
        aside = connections["default"]
        connections["default"] = connections[options["database"]]
        try:
            super().handle(*args, **options)
        finally:
            connections["default"] = aside
