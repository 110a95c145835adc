"""`manage.py first_user NAME EMAIL ROLE…`: the way in where nobody can make portal users yet, or any more."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from portal.audit.services import PORTAL
from portal.users import linking, services
from portal.users.models import User
from portal.users.permissions import Perm
from portal.users.roles import HOLDS, Role

# 16 letters and digits without look-alikes: 92 bits, to be typed once.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 16


class Command(BaseCommand):
    """Whoever may run this on the server may do everything anyway; the event says that it was done here."""

    help = "Make the first administrator and print a password to sign in with once."

    def add_arguments(self, parser: CommandParser) -> None:
        """As the usage line says."""
        parser.add_argument("name", help="as people know them: “Mikael Strand”")
        parser.add_argument("email", help="they sign in with it")
        parser.add_argument("roles", nargs="+", choices=[role.value for role in Role], metavar="ROLE")

    def handle(self, *, name: str, email: str, roles: list[str], **_options: Any) -> None:
        """Refuse while an administrator is there; else make one."""
        given = [Role(role) for role in dict.fromkeys(roles)]
        makers = [role for role, held in HOLDS.items() if Perm.USER_MANAGE in held]
        if not set(given) & set(makers):
            raise CommandError(f"the first user has to make the others: add the role {makers[0].value}.")
        password = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        try:
            self._create(name, email, given, makers, password)
        except ValidationError as refusal:
            raise CommandError(" ".join(refusal.messages)) from None
        self.stdout.write(f"{name} may sign in as {email.strip().lower()}")
        self.stdout.write(f"password: {password}")
        self.stdout.write("It is shown this once. Change it after the first sign-in, under your name.")

    @transaction.atomic
    def _create(self, name: str, email: str, given: list[Role], makers: list[Role], password: str) -> None:
        there = (
            User.objects.select_for_update()
            .filter(is_active=True, kind=User.Kind.PERSON, roles__overlap=[role.value for role in makers])
            .first()
        )
        if there is not None:
            raise CommandError(f"{there.name} ({there.email}) can make portal users: ask them.")
        services.create(
            email=email,
            name=name.strip(),
            roles=given,
            actor=PORTAL,
            identity_id=linking.free_identity(email.strip()),
            password=password,
        )
