"""The people of the tests, one per role, each with an identity; the outsider has neither role nor rows."""

from dataclasses import dataclass

from accounts.models import Identity
from portal.audit.services import PORTAL
from portal.users import services
from portal.users.models import User
from portal.users.roles import Role
from tests.factories import inventory

PASSWORD = "correct horse battery"


def user(
    name: str, *roles: Role, identity: Identity | None = None, kind: User.Kind = User.Kind.PERSON
) -> User:
    """A portal user, made by the service, linked to an identity when given."""
    return services.create(
        email=f"{name.split(maxsplit=1)[0].lower()}@nordhaven.test",
        name=name,
        roles=list(roles),
        actor=PORTAL,
        kind=kind,
        identity_id=identity.pk if identity else None,
        password=PASSWORD,
    )


@dataclass(frozen=True)
class People:
    """Everybody by first name."""

    ines: User  # compliance
    tomas: User  # manager: no role, reports
    ruth: User  # HR
    mikael: User  # IAM administrator
    aiko: User  # carries out removals
    farid: User  # security, may watch
    elena: User  # auditor
    omar: User  # outsider

    @property
    def by_role(self) -> dict[str, User]:
        """For tables of URL × role."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def everybody() -> People:
    """Make them; Tomas is the manager of whoever a test hires under him."""

    def person(name: str, *roles: Role) -> User:
        address = f"{name.split(maxsplit=1)[0].lower()}@nordhaven.test"
        return user(name, *roles, identity=inventory.identity(name, email=address))

    return People(
        ines=person("Ines Falk", Role.COMPLIANCE),
        tomas=person("Tomas Brandt"),
        ruth=person("Ruth Oyelaran", Role.HR),
        mikael=person("Mikael Strand", Role.IAM),
        aiko=person("Aiko Mori", Role.CARRIER),
        farid=person("Farid Azimi", Role.SECURITY),
        elena=user("Elena Petrova", Role.AUDITOR),
        omar=person("Omar Haddad"),
    )


def identity_of(user: User) -> Identity:
    """The identity behind a user of these tests."""
    assert user.identity_id is not None
    return Identity.objects.get(pk=user.identity_id)
