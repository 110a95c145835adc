"""`manage.py demo`: Nordhaven Bank, the demonstration organisation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo import build
from portal.demo import sign_ins as cast
from portal.demo.scene import Torn
from portal.users.models import User


class Command(BaseCommand):
    """Builds by running the main job on input files, under a simulated clock that production refuses."""

    help = "Build the demonstration organisation; a building that was interrupted goes on where it stopped."
    requires_system_checks: list[str] = []  # pages and URLs are the web process's business

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and when not to."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--if-empty", action="store_true", help="do nothing where there are users already"
        )
        choice.add_argument("--sign-ins", action="store_true", help="print who may sign in, and what for")

    def handle(self, *, if_empty: bool, sign_ins: bool, **_options: Any) -> None:
        """One of the three."""
        try:
            build.refuse_unless_demo()
            if sign_ins:
                self._print_sign_ins()
            elif if_empty and build.stand() is None and User.objects.exists():
                self.stdout.write("there are users already: the demonstration is not built here")
            elif not build.build(self.stdout.write):
                self.stdout.write("the demonstration is whole")
        except (build.Refused, Torn) as refusal:
            raise CommandError(str(refusal)) from None

    def _print_sign_ins(self) -> None:
        there = set(User.objects.values_list("email", flat=True))
        shown = [persona for persona in cast.printed() if persona.address in there]
        if not shown:
            self.stdout.write("nobody of the demonstration is here; build it with: manage.py demo")
            return
        self.stdout.write(f"everybody's password: {cast.PASSWORD}")
        width = max(len(persona.address) for persona in shown)
        for persona in shown:
            self.stdout.write(f"{persona.name:16} {persona.address:{width}}  {persona.what_for}")
