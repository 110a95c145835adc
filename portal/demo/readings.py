"""Readings: HR sends people, systems what is held on them; what is sent by hand is confirmed by another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from accounts.models import ImportRun, Source
from accounts.services import imports, sources
from portal.demo import aws, directory, files, gateway, scene
from portal.demo.calendar import Calendar
from portal.users.models import User

HR, HR_OF_FJORDPAY = "HR of Nordhaven", "HR of Fjordpay"
BEGINNING, SUDO_BEGINS = -175, -4
Render = Callable[[Calendar, int], bytes]


@dataclass(frozen=True)
class Feed:
    """A source of a system: how its file is made, and which machine sends it; nobody named is by hand."""

    system: str
    name: str
    connector: str
    file_name: str
    render: Render
    sent_by: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    begins: int = BEGINNING  # the day from which it is there


FEEDS = (
    Feed(
        "DIR",
        "Directory export",
        "ldif",
        "dir.ldif",
        directory.export,
        "svc-adsync",
        # It was asked for without a filter, by somebody who may see every entry.
        {"complete": "yes"},
    ),
    Feed(
        "CORE", "CORE extract", "csv_accounts", "core.csv", lambda on, day: files.inventory(on, day, "CORE")
    ),
    Feed(
        "CORE-TEST",
        "CORE-TEST extract",
        "csv_accounts",
        "core-test.csv",
        lambda on, day: files.inventory(on, day, "CORE-TEST"),
    ),
    Feed("JUMP", "Gateway rules", "jumpserver", "jump.json", gateway.answers, "svc-jump-sync"),
    # Behind the rules, which know no tokens.
    Feed("JUMP", "Gateway tokens", "csv_accounts", "jump-tokens.csv", files.tokens, "svc-jump-sync"),
    Feed(
        "AWS-PAY",
        "AWS authorization details",
        "aws_authorization",
        "aws-pay.json",
        aws.details,
        "inv-exporter",
    ),
    # Behind the details, which don't know the root user.
    Feed(
        "AWS-PAY",
        "AWS credential report",
        "aws_credential_report",
        "aws-pay-credentials.csv",
        aws.credential_report,
        "inv-exporter",
    ),
    Feed(
        "CORE",
        "sudo rules of core01",
        "sudoers",
        "core01.sudoers",
        files.sudo_rules,
        "svc-patch",
        # Never complete: it is of one host, and what it does not show of CORE is in other files.
        begins=SUDO_BEGINS,
    ),
)


def create_sources() -> None:
    """Where readings will come from; each begins in quarantine."""
    actor = scene.iam().actor
    sources.create_source(name=HR, connector="hr_csv", employer="Nordhaven Bank", actor=actor)
    for feed in FEEDS:
        if feed.begins == BEGINNING:
            create(feed)


def read_people(calendar: Calendar, day: int) -> None:
    """HR's file, sent by hand; once others can sign in, compliance confirms its count."""
    source = Source.objects.get(name=HR)
    content = files.people(calendar, day)
    run = scene.receive(
        source, content, "people.csv", by=scene.iam(), provenance=ImportRun.Provenance.UPLOADED
    )
    is_first = source.is_quarantined
    run = scene.apply(run)
    if not is_first:
        total = imports.rows_of(run)
        imports.confirm(run, control_total=total or 0, version=run.version, by=scene.user("Ines Falk"))


def read_systems(calendar: Calendar, day: int, *codes: str) -> None:
    """Files of some systems, or of all. CORE's are sent by hand, and Aiko reads their count at the source."""
    for feed in FEEDS:
        if day >= feed.begins and (not codes or feed.system in codes):
            read(calendar, day, feed)


def read_cut_core(calendar: Calendar, day: int) -> None:
    """The file of CORE was cut off; it is applied for what it shows, and nobody can confirm its count."""
    content = files.inventory(calendar, day, "CORE", is_cut=True)
    run = scene.receive(
        Source.objects.get(name="CORE extract"),
        content,
        f"{calendar.day(day)}-core.csv",
        by=scene.iam(),
        provenance=ImportRun.Provenance.UPLOADED,
    )
    scene.apply(run)


def receive_fjordpay(calendar: Calendar, day: int) -> None:
    """The people of the company that was bought: looked at, and left in quarantine."""
    source = sources.create_source(
        name=HR_OF_FJORDPAY, connector="hr_csv", employer="Fjordpay", actor=scene.iam().actor
    )
    content = files.fjordpay(calendar, day)
    scene.receive(source, content, "fjordpay.csv", by=scene.iam(), provenance=ImportRun.Provenance.UPLOADED)


def create(feed: Feed) -> None:
    """A source, in quarantine."""
    sources.create_source(
        name=feed.name,
        connector=feed.connector,
        system=scene.system(feed.system),
        mapping=feed.options,
        actor=scene.iam().actor,
    )


def read(calendar: Calendar, day: int, feed: Feed) -> None:
    """One reading; what is sent by hand is counted at the source by Aiko."""
    by_hand = not feed.sent_by or not _has_user(feed.sent_by)
    kinds = ImportRun.Provenance
    run = scene.receive(
        Source.objects.get(name=feed.name),
        feed.render(calendar, day),
        f"{calendar.day(day)}-{feed.file_name}",
        by=scene.iam() if by_hand else scene.user(feed.sent_by),
        provenance=kinds.UPLOADED if by_hand else kinds.PUSHED,
    )
    run = scene.apply(run)
    if not feed.sent_by:
        total = imports.rows_of(run) or 0
        imports.confirm(run, control_total=total, version=run.version, by=scene.user("Aiko Mori"))


def _has_user(machine: str) -> bool:
    return User.objects.filter(name=machine).exists()
