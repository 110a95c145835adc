"""Checks of the story: readings, removals and their proof, reviews, and leavers."""

from datetime import UTC, datetime, timedelta

from accounts.models import (
    CaseLine,
    Identity,
    ImportRun,
    OffboardingCase,
    Revocation,
    System,
)
from portal.audit.models import Event
from portal.users.models import Approval, User
from portal.users.roles import Role
from reviews.models import Campaign, Decision, EvidenceLink, EvidencePack, ReviewItem
from sessions_app.models import Recorder, Session
from tests.demo.saying import check, closed, machine, person, running

State = Revocation.State


# Readings, removals and their proof


@check
def cores_count_was_confirmed_by_aiko() -> bool:
    run = ImportRun.objects.applied().filter(source__name="CORE extract").order_by("-taken_at").first()
    return (
        run is not None
        and run.confirmed_by_id == User.objects.get(name="Aiko Mori").pk
        and bool(run.control_total)
    )


@check
def the_cut_file_proved_nothing_and_the_next_one_did() -> bool:
    cut = ImportRun.objects.applied().get(source__system__code="CORE", rejected=1)
    removed = Revocation.objects.filter(
        act="remove", system__code="CORE", causes__label__startswith=closed().code
    )
    after = removed.filter(verified_at__gt=cut.taken_at)
    still_there = removed.get(state=State.REPORTED)
    return (
        cut.preview["proof"]["not_proven"] == 3
        and cut.preview["proof"]["verified"] == 0
        and after.count() == 2
        and still_there.last_seen_at is not None
        and cut.taken_at is not None
        and still_there.last_seen_at > cut.taken_at
    )


@check
def one_removal_came_back_and_is_marked_in_the_review() -> bool:
    back = Revocation.objects.get(state=State.REAPPEARED)
    item = running().items.get(delta=ReviewItem.Delta.BACK)
    return back.grant is not None and item.account_id == back.grant.account_id


@check
def a_limit_and_a_rotation_were_proven() -> bool:
    proven = Revocation.objects.filter(state=State.VERIFIED).values_list("act", flat=True)
    return {"limit", "rotate", "remove"} <= set(proven)


@check
def aiko_is_late_with_something() -> bool:
    return Revocation.objects.overdue(datetime.now(UTC)).filter(system__code="CORE").exists()


@check
def a_session_began_two_days_after_its_right_was_gone() -> bool:
    session = Session.objects.get(match=Session.Match.GRANT_ENDED)
    return "2 days before" in session.match_note and session.as_filed["acted_as"] == "root@core01"


@check
def the_recorder_is_alive_and_the_aws_console_is_not_recorded() -> bool:
    recorder = Recorder.objects.get(code="rec-jump")
    covered = set(recorder.coverages.values_list("system__code", flat=True))
    seen = recorder.last_seen_at
    return covered == {"JUMP", "CORE"} and seen is not None and seen > datetime.now(UTC) - timedelta(hours=1)


# Reviews


@check
def tomas_has_24_items_and_decided_on_three() -> bool:
    share = running().assignments.get(reviewer__name="Tomas Brandt")
    return (share.total, share.decided) == (24, 3)


@check
def the_running_review_is_due_in_six_days() -> bool:
    return 4 < (running().due_at - datetime.now(UTC)).days + 1 < 8


@check
def decisions_rest_on_sessions_that_were_opened() -> bool:
    opened = EvidenceLink.objects.filter(opened_at__isnull=False, decision__item__campaign=running())
    coverages = set(Decision.objects.values_list("coverage", flat=True))
    return opened.exists() and {"sessions", "no_session", "not_recorded"} <= coverages


@check
def a_decision_was_taken_back() -> bool:
    return Decision.objects.filter(verdict="withdraw").exists()


@check
def last_quarter_was_closed_with_an_exception() -> bool:
    ended = closed()
    undecided = ended.items.undecided().exists()
    excepted = Event.objects.filter(verb="campaign.excepted", subject_id=str(ended.pk)).exists()
    return excepted and not undecided and ended.assignments.filter(signed_off_at=None).count() == 1


@check
def lines_that_no_longer_apply_say_so() -> bool:
    return running().items.filter(ended_as="no_longer").exists()


@check
def elena_sees_two_reviews_and_a_pack_and_what_is_in_them() -> bool:
    elena = User.objects.get(name="Elena Petrova")
    seen = Campaign.objects.visible_to(elena).count(), EvidencePack.objects.visible_to(elena).count()
    others = Identity.objects.visible_to(elena).filter(name="Ruth Oyelaran")
    return seen == (2, 1) and not others.exists()


@check
def olga_sees_nothing() -> bool:
    olga = User.objects.get(name="Olga Outsider")
    rows = (Campaign, EvidencePack, Identity, System, Revocation, Session, ImportRun, OffboardingCase)
    return not any(model.objects.visible_to(olga).exists() for model in rows)


@check
def one_pack_is_built_and_one_waits_for_its_release() -> bool:
    states = sorted(EvidencePack.objects.values_list("state", "with_recordings"))
    return states == [("ready", False), ("requested", True)] and Approval.objects.waiting().count() == 1


@check
def the_next_review_is_a_draft() -> bool:
    return Campaign.objects.filter(state=Campaign.State.DRAFT).count() == 1


# Leavers


@check
def danas_hour_is_still_to_come_and_nothing_shows_it() -> bool:
    dana = person("Dana Kovac")
    case = OffboardingCase.objects.get(identity=dana)
    others = User.objects.exclude(roles__contains=[Role.HR])
    seen = [user for user in others if OffboardingCase.objects.visible_to(user).filter(pk=case.pk).exists()]
    return (
        case.state == "planned"
        and case.effective_at > datetime.now(UTC)
        and not seen
        and dana.status == "active"
        and not case.lines.exists()
    )


@check
def dana_reviews_two_contractors() -> bool:
    contractors = person("Dana Kovac").reports.filter(engagements__kind="contractor")
    reviewed = running().items.filter(
        assignment__reviewer__name="Dana Kovac", subject_id__in=contractors.values("pk")
    )
    return contractors.count() == 2 and reviewed.values("subject_id").distinct().count() == 2


@check
def johns_case_is_closed_with_one_exception() -> bool:
    case = OffboardingCase.objects.get(identity__name="John Smith")
    states = {line.stands for line in case.lines.all()}
    return case.state == "closed" and states == {CaseLine.State.DONE, CaseLine.State.EXCEPTED}


@check
def nils_case_runs_with_open_lines_and_a_stand_in() -> bool:
    case = OffboardingCase.objects.get(state="running")
    states = {line.stands for line in case.lines.all()}
    return states == {CaseLine.State.DONE, CaseLine.State.ASKED, CaseLine.State.OPEN} and machine(
        "svc-interest"
    ).stand_in == person("Beatrix Vogel")
