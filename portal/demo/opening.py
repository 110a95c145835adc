"""How the portal began at Nordhaven Bank: users, systems, who answers for what, and a recorder."""

from datetime import timedelta

from accounts.models import System
from accounts.services import memberships, sources, systems
from portal import moment
from portal.audit.services import PORTAL
from portal.demo import readings, scene, sign_ins
from portal.demo.calendar import Calendar
from portal.users import linking
from portal.users import services as users
from sessions_app.services import recorders
from sessions_app.services.recorders import Notice

# code: name, own reference in its exports, owner, deputy, who carries out removals
SYSTEMS = {
    "DIR": ("Directory", "dc=nordhaven,dc=example", "Priya Raman", "Stefan Gruber", "Stefan Gruber"),
    "AWS-PAY": ("AWS account of payments", "730214905518", "Leon Weiss", "Noor El-Sayed", "Rosa Almeida"),
    "CORE": ("Core banking", "CORE", "Yusuf Demir", "Emil Hansen", "Aiko Mori"),
    "CORE-TEST": ("Test copy of core banking", "CORE-TEST", "Yusuf Demir", "Emil Hansen", "Aiko Mori"),
    "JUMP": ("Gateway to servers and cloud", "JUMP", "Priya Raman", "Felix Braun", "Felix Braun"),
}
# What the gateway calls the machines there.
HOSTS = {"CORE": ("core01", "core02"), "CORE-TEST": ("core-test01",)}
TEST_COPY = "CORE-TEST"
MEMBERS = {
    ("CORE", "opsdesk"): ("Dana Kovac", "Tim Larsen", "Eva Brandt", "Jakub Dvorak", "Ravi Menon"),
    ("AWS-PAY", "pay-admin"): ("Leon Weiss", "Noor El-Sayed", "Rosa Almeida"),
    ("AWS-PAY", "bg-aws-1"): ("Farid Azimi", "Priya Raman"),
}
NOTICE = Notice(
    purpose="Show what was done with privileged rights, and keep evidence for reviews and incidents.",
    legal_basis="Legitimate interest, Art. 6(1)(f) GDPR; works agreement 2025/4.",
    notice_text="Sessions through the gateway are recorded. You are told before each one begins.",
    dpia="DPIA-2025-11",
    agreement="WA-2025/4",
    countries=("DE", "SE"),
    retention_days=400,
)


def found(_calendar: Calendar) -> None:
    """The first administrator, as `manage.py first_user` makes one; then systems and sources."""
    users.create(
        email=sign_ins.IAM.address,
        name=sign_ins.IAM.name,
        roles=list(sign_ins.IAM.roles),
        actor=PORTAL,
        password=sign_ins.PASSWORD,
    )
    for code, (name, reference, *_people) in SYSTEMS.items():
        kinds = System.Environment
        sources.create_system(
            code=code,
            name=name,
            reference=reference,
            environment=kinds.TEST if code == TEST_COPY else kinds.PRODUCTION,
            actor=scene.iam().actor,
        )
    readings.create_sources()


def let_people_in(_calendar: Calendar) -> None:
    """HR's people are known by now: those who work with the portal become its users."""
    administrator = scene.iam()
    linking.link(administrator, actor=administrator.actor)
    for persona in sign_ins.PERSONAS:
        if persona is not sign_ins.IAM:
            users.create(
                email=persona.address,
                name=persona.name,
                roles=list(persona.roles),
                identity_id=linking.free_identity(persona.address),
                actor=administrator.actor,
                password=sign_ins.PASSWORD if persona.what_for else None,
            )


def name_people_of_systems(_calendar: Calendar) -> None:
    """Who answers for each system, and who removes rights there."""
    for code, (name, _reference, owner, deputy, carrier) in SYSTEMS.items():
        system = System.objects.get(code=code)
        systems.edit(
            system,
            name=name,
            environment=system.environment,
            removal_days=system.removal_days,
            owner=scene.identity(owner),
            deputy=scene.identity(deputy),
            carriers=[scene.identity(carrier)],
            version=system.version,
            actor=scene.iam().actor,
            hosts=HOSTS.get(code, ()),
            is_gateway=code == "JUMP",
        )


def name_members(_calendar: Calendar) -> None:
    """Who knows the secrets of shared accounts, and who keeps the emergency one."""
    for (code, name), members in MEMBERS.items():
        for member in members:
            account = scene.account(code, name)
            memberships.add(account, scene.identity(member), version=account.version, actor=scene.iam().actor)


def connect_recorder(_calendar: Calendar) -> None:
    """The gateway's recorder, with what the people who are recorded were told. The AWS console has none."""
    recorder = recorders.connect(
        code="rec-jump",
        name="rec-jump",
        identity=scene.identity("rec-jump"),
        notice=NOTICE,
        systems=[scene.system("JUMP"), scene.system("CORE")],
        since=moment.now() - timedelta(hours=1),
        actor=scene.iam().actor,
    )
    recorder.heard(moment.now())


def issue_recorders_token(_calendar: Calendar) -> None:
    """A token for 90 days, of which nine are left when the story is told."""
    users.issue_token(
        scene.user("rec-jump"), label="recordings", scopes=["recording"], days=90, by=scene.iam()
    )
