"""Who signs in to the demonstration, as what, and what for."""

from dataclasses import dataclass

from portal.demo import staff
from portal.users.roles import Role

# One for all and on every page about the demonstration: nothing here is real.
PASSWORD = "nordhaven demo"  # noqa: S105


@dataclass(frozen=True)
class Persona:
    """A person of the story with a portal user; `what_for` is printed, those without it have no password."""

    name: str
    roles: tuple[Role, ...] = ()
    what_for: str = ""
    email: str = ""

    @property
    def address(self) -> str:
        """What they sign in with."""
        return self.email or staff.email_of(self.name)


IAM = Persona("Mikael Strand", (Role.IAM,), "import readings, link orphans, name owners, issue tokens")
PERSONAS = (
    Persona("Ines Falk", (Role.COMPLIANCE,), "run campaigns, read the audit trail, export evidence packs"),
    Persona("Tomas Brandt", (), "finish My reviews: 24 items, three are decided"),
    Persona("Ruth Oyelaran", (Role.HR,), "offboard somebody, confidentially until the hour"),
    IAM,
    Persona("Aiko Mori", (Role.CARRIER,), "carry out removals on CORE and report them done"),
    Persona("Farid Azimi", (Role.SECURITY,), "watch recordings, release them into a pack"),
    Persona("Leon Weiss", (), "answer for payment machines and for AWS-PAY"),
    Persona("Samir Haddad", (), "review for Petra, deputy of five machines"),
    Persona("Petra Lindqvist", (), "see what an owner on leave answers for"),
    Persona("Dana Kovac", (), "see that nothing shows what is planned for today"),
    Persona(
        "Elena Petrova", (Role.AUDITOR,), "see only what is shared with her", "elena.petrova@audit.example"
    ),
    Persona("Olga Outsider", (), "see nothing", "olga.outsider@elsewhere.example"),
    Persona("Stefan Gruber", (Role.CARRIER,)),
    Persona("Felix Braun", (Role.CARRIER,)),
    Persona("Rosa Almeida", (Role.CARRIER,)),
    *map(
        Persona,
        (
            "Marguerite Duval",
            "Henrik Dahl",
            "Greta Nyberg",
            "Yusuf Demir",
            "Priya Raman",
            "Katarina Holm",
            "Oskar Lind",
            "Tim Larsen",
            "Noor El-Sayed",
            "Linnea Sund",
            "Beatrix Vogel",
        ),
    ),
)


def printed() -> list[Persona]:
    """Those whose sign-in is printed."""
    return [persona for persona in PERSONAS if persona.what_for]
