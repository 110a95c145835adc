"""One of everything, made by the services, and the arguments of each URL that takes some."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import (
    CaseLine,
    CorrelationRule,
    Grant,
    Identity,
    ImportRun,
    Membership,
    OffboardingCase,
    Ownership,
    OwnershipClaim,
    PersonChange,
    Revocation,
)
from accounts.services import applications, claims, offboarding, ownership, revocations, saved_views
from accounts.services.revocations import Cause
from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.tasks.testing import drain
from portal.users import services as users
from portal.users.models import User
from portal.users.roles import Role
from portal.vault import services as vault
from reviews.models import Evaluation, Finding
from reviews.rules import engine
from reviews.services import packs
from sessions_app.models import Session
from sessions_app.services import recorders
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories import reviews as bank_factory
from tests.factories.people import People
from tests.factories.reviews import Bank
from tests.factories.sessions import sealed_session

CAST = b'{"version": 2, "width": 80, "height": 24}\n[0.5, "o", "hello"]\n'
Arguments = dict[str, Sequence[object]]


def arguments(people: People) -> Arguments:
    """Build the world and say what each URL is about.

    Tomas manages Dana, whose grant is under review, on its way out, and made a session. Leon owns the
    system and a machine. Alex is leaving, and the hour has come.
    """
    bank = bank_factory.bank(people)
    bank.system.carriers.add(factory.identity_of(people.aiko))
    blob = vault.keep([b"account\n"], limit=100)
    ImportRun.objects.filter(pk=bank.reading.pk).update(blob=blob)
    machine = bank.machine("svc-reports")
    holder = factory.identity_of(bank.leon)
    ownership.name_owner(machine, holder, role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    needless = claims.say(
        machine, answer=OwnershipClaim.Answer.SHUT_DOWN, version=machine.version, by=bank.leon
    )
    grant = bank.grant(bank.hire("Dana Kovac"))
    leaver = bank.hire("Alex Berg")
    bank.grant(leaver)
    session = sealed_session(grant, CAST, text="hello")
    return {
        **_inventory(bank, machine, grant),
        **_review(bank, grant),
        **_session(session, machine),
        **_on_its_way(people, grant, leaver),
        **_users(people),
        "saved_view_delete": [saved_views.save("mine", page="grant_list", query="", by=people.ines).pk],
        **_answering(machine, needless, bank),
        **_findings(grant),
        **_who_is_who(bank, machine),
    }


def _who_is_who(bank: Bank, machine: Identity) -> Arguments:
    hr = inventory.source()
    missing = PersonChange.objects.create(
        run=inventory.run(hr), identity=bank.hire(), kind=PersonChange.Kind.LEFT, is_proposed=True
    )
    return {
        "hr_changes": [hr.pk],
        **dict.fromkeys(["identity_merge", "identity_split"], (machine.pk,)),
        "leaver_dismiss": [missing.pk],
    }


def _answering(machine: Identity, needless: OwnershipClaim, bank: Bank) -> Arguments:
    application = applications.create(name="Payments", actor=PORTAL)
    of_application = ["", "_edit", "_assign", "_retire", "_accept"]
    return {
        **{f"application{suffix}": [application.pk] for suffix in of_application},
        "claim": [machine.pk],
        "claim_confirm": [needless.pk],
        "system_coverage": [bank.system.code],
    }


def _findings(grant: Grant) -> Arguments:
    engine.evaluate(["N5.2"], trigger=Evaluation.Trigger.NIGHT)
    finding = Finding.objects.get(subject_id=str(grant.pk))
    return {
        **dict.fromkeys(["finding", "finding_accept", "finding_open"], (finding.pk,)),
        "identity_findings": [grant.account.identity_id],
        "rule": ["N5.2"],
    }


def _inventory(bank: Bank, machine: Identity, grant: Grant) -> Arguments:
    source, run = bank.reading.source, bank.reading
    always = DateTimeTZRange(inventory.LONG_AGO, None)
    membership = Membership.objects.create(account=grant.account, identity=bank.hire(), during=always)
    return {
        **dict.fromkeys(["identity_graph", "identity_timeline"], (machine.pk,)),
        **dict.fromkeys(["identity", "identity_edit", "identity_owner", "identity_accept"], (machine.pk,)),
        **dict.fromkeys(["system", "system_edit", "system_share"], (bank.system.code,)),
        **dict.fromkeys(["reach", "reach_csv", "reach_xlsx"], (bank.system.code,)),
        **dict.fromkeys(["account", "account_unlink", "account_member_add"], (grant.account_id,)),
        "account_member_end": (grant.account_id, membership.pk),
        **{f"orphan_{act}": (grant.account_id,) for act in ["link", "machine", "refuse", "shared"]},
        "correlation_rule": [CorrelationRule.objects.in_order()[0].pk],
        "grant": [grant.pk],
        "right": [grant.entitlement_id],
        **{
            f"source{act}": [source.pk]
            for act in ["", "_edit", "_feed", "_read", "_release", "_token", "_try"]
        },
        **{f"import_{act}": [run.pk] for act in ["run", "apply", "confirm", "discard", "release"]},
        "import_state_api": [run.pk],
    }


def _review(bank: Bank, grant: Grant) -> Arguments:
    campaign = bank.launched()
    item = bank_factory.item_of(campaign, grant)
    pack = packs.request(campaign, with_recordings=False, by=bank.everybody.ines)
    drain()
    of_campaign = ["", "_preview", "_edit", "_launch", "_close", "_chase", "_share", "_unshare", "_items"]
    return {
        **{f"campaign{suffix}": [campaign.code] for suffix in of_campaign},
        **dict.fromkeys(["assignment", "decide_alike", "sign_off"], (item.assignment_id,)),
        **{f"item{suffix}": [item.pk] for suffix in ["", "_decide", "_undo", "_evidence", "_pass_on"]},
        "pack_new": [campaign.code],
        **{f"pack{suffix}": [pack.code] for suffix in ["", "_release", "_again", "_share", "_file"]},
        "trail_event": [Event.objects.about(campaign).latest("pk").uid],
    }


def _session(session: Session, machine: Identity) -> Arguments:
    notice = recorders.Notice(
        purpose="Evidence of privileged work",
        legal_basis="Legitimate interest",
        notice_text="Sessions are recorded.",
        dpia="DPIA-7",
        agreement="BV-12",
        countries=("DE",),
        retention_days=365,
    )
    since = moment.now() - timedelta(days=100)
    recorder = recorders.connect(
        code="rec-jump",
        name="Jump host",
        identity=machine,
        notice=notice,
        systems=[session.system],
        since=since,
        actor=PORTAL,
    )
    names = ["session", "session_watch", "session_transcript", "session_decisions"]
    coverage = recorder.coverages.get()
    return {
        **dict.fromkeys(names, (session.code,)),
        "recording_play": [session.code, session.recordings.get().pk],
        "recorder": [recorder.code],
        "coverage_end": [recorder.code, coverage.pk],
    }


def _on_its_way(people: People, grant: Grant, leaver: Identity) -> Arguments:
    cause = Cause(kind="expiry", reference="test")  # type: ignore[arg-type]
    revocation = revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL)
    revocations.request(Revocation.objects.filter(pk=revocation.pk), actor=PORTAL)
    case = offboarding.schedule(
        leaver,
        reason=OffboardingCase.Reason.RESIGNED,
        local_time=(moment.now() + timedelta(hours=1)).replace(tzinfo=None, second=0, microsecond=0),
        zone="UTC",
        actor=people.ruth.actor,
    )
    offboarding.begin(case, at=moment.now() + timedelta(hours=2))
    line = CaseLine.objects.filter(case=case).order_by("pk").first()
    assert line is not None
    of_case = ["offboarding", "offboarding_cancel", "offboarding_close", "offboarding_hour"]
    of_line = ["offboarding_except", "offboarding_insist", "offboarding_hand_over"]
    return {
        **dict.fromkeys(["revocation", "revocation_impossible", "revocation_again"], (revocation.pk,)),
        **dict.fromkeys(of_case, (case.code,)),
        **dict.fromkeys(of_line, (case.code, line.pk)),
    }


def _users(people: People) -> Arguments:
    machine = factory.user("feed-core", Role.RECORDER, kind=User.Kind.MACHINE)
    token, _secret = users.issue_token(machine, label="feed", scopes=["import"], days=9, by=people.mikael)
    approval = users.ask("release_recordings", machine, reason="sample", by=people.ines)
    return {
        "user": [people.omar.pk],
        "user_end": [machine.pk],
        "token_revoke": [token.pk],
        "approval_answer": [approval.pk],
    }
