"""The reviews of two quarters: one closed, whose removals can be followed to their proof, and one running."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Account, Credential, Entitlement, Identity, Revocation, System
from accounts.services import revocations
from portal import moment
from portal.demo import leaving, scene
from portal.demo.calendar import Calendar
from portal.tasks import inline
from portal.users.models import User
from reviews.models import Assignment, Campaign, ReviewItem
from reviews.services import campaigns, decisions, packs
from sessions_app.models import Session
from sessions_app.services import playback

Verdict = ReviewItem.Verdict
STATEMENT = "I have looked at every line of my share, and what I decided is my own judgement."
# What goes on to the system of the same name: (system, account, right or credential).
Line = tuple[str, str, str]


@dataclass(frozen=True)
class Change:
    """What a reviewer wants changed, and why."""

    verdict: Verdict
    reason: str


CHANGES_BEFORE: dict[Line, Change] = {
    ("CORE", "mzielinski", "LEDGER_REVERSE"): Change(Verdict.REVOKE, "No longer needed in the role"),
    ("CORE", "sbergstroem", "PARAMETER_CHANGE"): Change(Verdict.REVOKE, "Not used in the period"),
    ("CORE", "ehansen", "LIMIT_ADMIN"): Change(Verdict.REVOKE, "Not used in the period"),
    ("CORE", "rmenon", "EOD_OPERATOR"): Change(Verdict.LIMIT, "Needed only for a while"),
    ("CORE", "svc-eod", "password"): Change(Verdict.ROTATE, "The secret is old"),
    ("JUMP", "mzielinski", "root@core01"): Change(Verdict.REVOKE, "Too broad for the task"),
    ("AWS-PAY", "pavel.novak", "payments-admins"): Change(Verdict.REVOKE, "Too broad for the task"),
    ("AWS-PAY", "pavel.novak", "AdministratorAccess"): Change(Verdict.REVOKE, "Too broad for the task"),
    ("DIR", "npetrov", "Server Operators"): Change(Verdict.REVOKE, "Not used in the period"),
    ("DIR", "npetrov", "Tier0-Operators"): Change(Verdict.REVOKE, "Too broad for the task"),
}
CHANGES_NOW: dict[Line, Change] = {
    ("CORE", "pgallo", "LEDGER_REVERSE"): Change(Verdict.REVOKE, "Not used in the period"),
    ("CORE", "dkovac", "PARAMETER_CHANGE"): Change(Verdict.REVOKE, "Not used in the period"),
    ("CORE", "wsikora", "LEDGER_POST"): Change(Verdict.REVOKE, "No longer needed in the role"),
}
DECIDED_BY_TOMAS: tuple[Line, ...] = (
    ("JUMP", "amori", "root@core01"),
    ("CORE", "jek", "PARAMETER_CHANGE"),
    ("CORE", "dkovac", "PARAMETER_CHANGE"),
)
LATE = "Oskar Lind"  # did not sign off in time last quarter; this quarter he was the first


def launch_before(calendar: Calendar) -> None:
    """The review of the quarter before."""
    _launch(f"{calendar.quarter_before} privileged access", calendar.at(-77, "17:00"))


def launch_now(calendar: Calendar) -> None:
    """The one that runs, due in six days."""
    _launch(f"{calendar.quarter} privileged access", calendar.at(6, "17:00"))


def draft(calendar: Calendar) -> None:
    """What comes next: every right of machines, attested by their owners."""
    campaigns.create(
        name="Machine identities, all rights",
        systems=list(System.objects.by_code()),
        kinds=[kind for kind in Identity.Kind.values if kind != Identity.Kind.HUMAN],
        fallback=scene.identity("Farid Azimi"),
        due_at=calendar.at(30, "17:00"),
        privileged_only=False,
        purpose="Owners confirm the need of every right that their machines hold.",
        by=scene.user("Ines Falk"),
    )


def decide_before(_calendar: Calendar) -> None:
    """Everybody decides, four of them a day; one does not sign off."""
    campaign, began = Campaign.objects.running().get(), moment.now()
    shares = campaign.assignments.select_related("reviewer", "campaign").order_by("reviewer__name")
    for number, share in enumerate(shares):
        by = User.objects.get(identity_id=share.reviewer_id)
        with moment.simulated(began + timedelta(days=number // 4, hours=2 * (number % 4))):
            _open_evidence(share, by)
            _decide(share.items.in_order(), CHANGES_BEFORE, by)
        if by.name != LATE:
            with moment.simulated(began + timedelta(days=number // 4, hours=2 * (number % 4) + 1)):
                sign_off(share, by)


def close_before(_calendar: Calendar) -> None:
    """Compliance closes it in the late reviewer's absence, with an exception that has a name and a reason."""
    campaign = Campaign.objects.running().get()
    campaigns.close(
        campaign,
        version=campaign.version,
        statement="I acknowledge these results and what they ask of the systems.",
        exception=f"{LATE} decided on every line and was travelling when the review ended: no sign-off.",
        by=scene.user("Ines Falk"),
    )


def carry_out_before(_calendar: Calendar) -> None:
    """The removals of the quarter before are reported done, or not possible."""
    leaving.report_done("CORE", "Aiko Mori", "OPS-3702")
    leaving.report_done("AWS-PAY", "Rosa Almeida", "CLD-881")
    nested = Revocation.objects.to_carry_out().get(
        system__code="DIR", grant__entitlement__name="Tier0-Operators", grant__account__name="npetrov"
    )
    revocations.impossible(
        nested,
        version=nested.version,
        because="She runs the network with Tier0-Operators and keeps it. That it makes her a domain "
        "administrator comes from its place in Domain Admins: not removable here.",
        by=scene.user("Stefan Gruber"),
    )


def carry_out_late(_calendar: Calendar) -> None:
    """The gateway's team and the directory's take their time."""
    for code, by, ticket in (("JUMP", "Felix Braun", "GW-214"), ("DIR", "Stefan Gruber", "OPS-3795")):
        leaving.report_done(code, by, ticket)


def share_before(calendar: Calendar) -> None:
    """The auditor sees the closed review; its evidence pack is built and shared as well."""
    campaign, ines = Campaign.objects.get(state=Campaign.State.CLOSED), scene.user("Ines Falk")
    elena, until = scene.user("Elena Petrova"), calendar.at(90, "23:00")
    campaigns.share(campaign, user=elena, until=until, by=ines)
    with inline.jobs():
        pack = packs.request(campaign, with_recordings=False, by=ines)
    pack.refresh_from_db()
    if pack.state != pack.State.READY:
        raise scene.Torn(f"{pack.code}: {pack.error or pack.state}")
    packs.share(pack, elena, until=until, by=ines)


def ask_for_recordings(_calendar: Calendar) -> None:
    """A second pack, with recordings, waits for a second person's release."""
    packs.request(
        Campaign.objects.get(state=Campaign.State.CLOSED),
        with_recordings=True,
        reason="The auditor sampled the session that began after its right was removed.",
        by=scene.user("Ines Falk"),
    )


def share_now(calendar: Calendar) -> None:
    """The auditor watches the running review, too."""
    campaigns.share(
        Campaign.objects.running().get(),
        user=scene.user("Elena Petrova"),
        until=calendar.at(90, "23:00"),
        by=scene.user("Ines Falk"),
    )


def finish_share(_calendar: Calendar, of: str) -> None:
    """Somebody decides on the whole of their share, and signs it off."""
    share, by = _share(of), scene.user(of)
    _open_evidence(share, by)
    _decide(share.items.undecided().in_order(), CHANGES_NOW, by)
    sign_off(share, by)


def begin_share(_calendar: Calendar) -> None:
    """The owner of CORE began with what is easy; orphans and old machines are left."""
    yusuf = scene.user("Yusuf Demir")
    share = _share(yusuf.name)
    _decide(share.items.undecided().order_by("rank", "number")[:20], {}, yusuf)


def decide_some(_calendar: Calendar) -> None:
    """Tomas decided on three lines after a look at the sessions; one he took back and decided anew."""
    tomas = scene.user("Tomas Brandt")
    share = _share(tomas.name)
    _open_evidence(share, tomas)
    wanted = [item for item in share.items.in_order() if _line(item) in DECIDED_BY_TOMAS]
    _decide(wanted, CHANGES_NOW, tomas)
    item = next(item for item in wanted if _line(item) == DECIDED_BY_TOMAS[1])
    item.refresh_from_db()
    decisions.undo(item, ordinal=item.ordinal, by=tomas)
    item.refresh_from_db()
    decisions.record(item, verdict=Verdict.CERTIFY, ordinal=item.ordinal, by=tomas)


def pass_petras_people_on(_calendar: Calendar) -> None:
    """Petra is on leave, so her people's lines went one up; her substitute knows them better."""
    greta, samir = scene.user("Greta Nyberg"), scene.identity("Samir Haddad")
    petra = scene.identity("Petra Lindqvist")
    share = _share(greta.name)
    theirs = share.items.filter(subject_id__in=petra.reports.values("pk")).in_order()
    with inline.jobs():
        for item in theirs:
            decisions.pass_on(
                item, to=samir, reason="Samir stands in for Petra and works with them.", by=greta
            )


def chase(_calendar: Calendar) -> None:
    """Compliance writes to those who have not signed off."""
    with inline.jobs():
        campaigns.chase(Campaign.objects.running().get(), by=scene.user("Ines Falk"))


def end_what_is_gone(_calendar: Calendar) -> None:
    """Lines whose right the last readings proved gone need no decision any more."""
    campaigns.refresh_all_ended()


def sign_off(share: Assignment, by: User) -> None:
    """The reviewer's own act."""
    share.refresh_from_db()
    decisions.sign_off(share, version=share.version, statement=STATEMENT, by=by)


def _launch(name: str, due_at: datetime) -> None:
    ines = scene.user("Ines Falk")
    campaign = campaigns.create(
        name=name,
        systems=list(System.objects.by_code()),
        kinds=list(Identity.Kind.values),
        fallback=scene.identity("Farid Azimi"),
        due_at=due_at,
        purpose="Keep what is needed and used. What nobody can explain goes.",
        by=ines,
    )
    found = campaigns.preview(campaign)
    reasons = {line.key: "Checked by hand with the system's owner." for line in found.reds}
    with inline.jobs():
        campaigns.launch(
            campaign, version=campaign.version, by=ines, exceptions=reasons, seen=found.fingerprint
        )


def _share(name: str) -> Assignment:
    return Assignment.objects.get(campaign__state=Campaign.State.LAUNCHED, reviewer__name=name)


def _open_evidence(share: Assignment, by: User) -> None:
    """A reviewer looks at the facts of the sessions beside their lines."""
    accounts = share.items.values("account_id")
    since, until = share.campaign.evidence_window(moment.now())
    for session in Session.objects.filter(account__in=accounts).began_between(since, until):
        playback.open_facts(session, by=by)


def _decide(items: Iterable[ReviewItem], changes: dict[Line, Change], by: User) -> None:
    """One line a minute or so; lines of the same right that stay are kept in one go."""
    began = moment.now()
    kept: dict[int | None, list[ReviewItem]] = {}
    for number, item in enumerate(items):
        with moment.simulated(began + timedelta(seconds=50 * number)):
            if change := changes.get(_line(item)):
                decisions.record(
                    item, verdict=change.verdict, reason=change.reason, ordinal=item.ordinal, by=by
                )
            elif item.kind == "grant" and not _is_emergency(item):
                kept.setdefault(item.entitlement_id, []).append(item)
            else:
                decisions.record(item, verdict=Verdict.CERTIFY, ordinal=item.ordinal, by=by)
    for alike in kept.values():
        if len(alike) > 1:
            seen = {item.pk: item.ordinal for item in alike}
            decisions.record_alike(
                alike[0].assignment, seen, verdict=Verdict.CERTIFY, by=by, batch=uuid.uuid4()
            )
        else:
            decisions.record(alike[0], verdict=Verdict.CERTIFY, ordinal=alike[0].ordinal, by=by)


def _is_emergency(item: ReviewItem) -> bool:
    return Account.objects.filter(pk=item.account_id, kind=Account.Kind.EMERGENCY).exists()


def _line(item: ReviewItem) -> Line:
    system = System.objects.get(pk=item.system_id).code
    account = Account.objects.get(pk=item.account_id).name
    if item.kind == "credential":
        return system, account, Credential.objects.get(pk=item.credential_id or 0).fingerprint
    return system, account, Entitlement.objects.get(pk=item.entitlement_id or 0).name
