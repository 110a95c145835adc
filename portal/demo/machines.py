"""What people tell of machines and rights, as no export does: owners, applications, words, secrets."""

import csv
from io import BytesIO, StringIO

from accounts.models import Application, Credential, Entitlement, Identity, Ownership, Source
from accounts.services import applications, catalogue, credentials, feeds, identities, ownership
from accounts.tasks.proposals import propose_owners
from portal.demo import readings, scene, tables
from portal.demo.calendar import Calendar
from portal.users import services as users
from portal.users.models import User
from reviews.models import Evaluation
from reviews.tasks.rules import evaluate_rules

FEEDING = ("svc-adsync", "svc-jump-sync", "inv-exporter")


def name_owners(calendar: Calendar) -> None:
    """Applications, and who answers for each machine: by itself, or through its application."""
    actor = scene.iam().actor
    for row in tables.rows("applications"):
        applications.create(
            name=row["name"],
            description=row["description"],
            environment=row["environment"],
            owner=scene.identity(row["owner"]),
            deputy=scene.identity(row["deputy"]),
            actor=actor,
        )
    known = {application.name: application for application in Application.objects.all()}
    for row in tables.rows("machines"):
        machine = Identity.objects.machines().get(name=row["name"])
        said = {
            "kind": row["kind"],  # directories know service accounts, and neither bots nor AI agents
            "environment": row["environment"],
            "rhythm": row["rhythm"],
            "application": known.get(row["application"]),
            "consumers": row["consumers"].split("|") if row["consumers"] else [],
            "vendor": row["vendor"],
            "vendor_contact": row["vendor_contact"],
            "contract_end": calendar.date(row["contract_end"]),
            "review_by": calendar.date(row["review_by"]),
        }
        machine = identities.edit(machine, said, version=machine.version, actor=actor)
        for role in Ownership.Role:
            if holder := row[role.value]:
                ownership.name_owner(
                    machine, scene.identity(holder), role=role, version=machine.version, actor=actor
                )


def describe_rights(_calendar: Calendar) -> None:
    """The catalogue of DIR and JUMP, whose exports say little; what opens sessions is described by hand."""
    rights = [row for row in tables.rows("rights") if row["system"] in {"DIR", "JUMP"}]
    out = StringIO()
    columns = ("system", "name", "plain words", "privileged", "because")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        (row["system"], row["right"], row["description"], row["privileged"], row["because"]) for row in rights
    )
    seen = catalogue.RightsSeen(Entitlement.objects.select_related("system"))
    read = catalogue.read(catalogue.keep(BytesIO(out.getvalue().encode())), rights=seen)
    if read.rejected:
        raise scene.Torn(f"catalogue: {read.rejected[0].reason}")
    catalogue.take_over(read, by=scene.iam())
    for name, (words, because) in tables.document("gateway")["doors"].items():
        door = Entitlement.objects.get(system__code="JUMP", name=name)
        catalogue.describe(
            door,
            plain_words=words,
            risk="",
            is_privileged=True,
            because=because,
            owner=scene.identity("Felix Braun"),
            version=door.version,
            by=scene.user("Felix Braun"),
        )


def tell_of_secrets(_calendar: Calendar) -> None:
    """Where secrets are kept, as far as their owners know."""
    for row in tables.rows("secrets"):
        credentials.tell(_secret(row), storage=row["storage"], actor=scene.iam().actor)


def tell_of_exposures(calendar: Calendar) -> None:
    """A key stood in a support ticket of the vendor."""
    for row in tables.rows("secrets"):
        if row["exposed"]:
            at = calendar.at(int(row["exposed"]), "14:20")
            credentials.tell(_secret(row), exposed_at=at, actor=scene.user("Farid Azimi").actor)


def _secret(row: tables.Row) -> Credential:
    account = scene.account(row["system"], row["account"])
    return account.credentials.usable().filter(kind=row["kind"]).order_by("-rotated_at", "pk")[0]


def let_in(_calendar: Calendar) -> None:
    """Machines that send readings sign in with tokens of their own."""
    for name in FEEDING:
        let_one_in(name)


def let_one_in(name: str) -> None:
    """A portal user of a machine, and a token for each of its sources."""
    administrator = scene.iam()
    machine = users.create(
        email=f"{name}@machines.invalid",
        name=name,
        roles=[],
        kind=User.Kind.MACHINE,
        identity_id=scene.identity(name).pk,
        actor=administrator.actor,
    )
    for feed in readings.FEEDS:
        if feed.sent_by == name:
            source = Source.objects.get(name=feed.name)
            feeds.issue_token(source, machine, label=feed.name, days=366, by=administrator)


def read_sudo_rules(calendar: Calendar) -> None:
    """Who becomes root on core01 was never looked at; now the patch server sends it."""
    feed = next(feed for feed in readings.FEEDS if feed.begins == readings.SUDO_BEGINS)
    readings.create(feed)
    let_one_in(feed.sent_by)
    readings.read(calendar, feed.begins, feed)


def ask_rules(_calendar: Calendar) -> None:
    """What is wrong, and who might answer for what nobody answers for, as of now."""
    propose_owners.call()
    evaluate_rules.call(Evaluation.Trigger.NIGHT.value)
