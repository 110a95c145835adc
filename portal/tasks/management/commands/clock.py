"""`manage.py clock`: what the hour asks for, on every engine."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.tasks.ticking import Clock


class Command(BaseCommand):
    """Several may run; one acts, the others stand by."""

    help = "Run everything registered with @every, until stopped."
    requires_system_checks: list[str] = []  # pages and URLs are the web process\'s business

    def add_arguments(self, parser: CommandParser) -> None:
        """How often, or once for a cron of one's own."""
        parser.add_argument("--every", type=float, default=10, help="seconds between ticks")
        parser.add_argument("--once", action="store_true", help="tick once and end")

    def handle(self, *, every: float, once: bool, **_options: Any) -> None:
        """Tick."""
        clock = Clock(pause=every)
        clock.stop.on_signals()
        clock.run(once=once)
