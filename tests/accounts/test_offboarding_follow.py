"""A running case: what is proven, what comes back, what appears, who takes over, and when it may close."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.clock.offboarding import follow_running
from accounts.models import Account, CaseLine, Credential, Membership, OffboardingCase, Ownership, Revocation
from accounts.services import case_lines, offboarding, ownership, revocations
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories import people as factory
from tests.factories.people import People

pytestmark = pytest.mark.django_db
LATER = leaver.HOUR + timedelta(days=1)
TOMORROW = date(2026, 10, 8)


def prove(revocation: Revocation, at: Any = LATER, **changed: Any) -> None:
    """As a reading would, once it shows that it is gone."""
    values = {
        "state": Revocation.State.VERIFIED,
        "last_seen_at": leaver.HOUR + timedelta(hours=2),
        "verified_at": at,
        "verified_run": leaver.reading(revocation.system, at),
    }
    Revocation.objects.filter(pk=revocation.pk).update(**values | changed)


def prove_all(case: OffboardingCase) -> None:
    for line in case.lines.filter(revocation__isnull=False):
        assert line.revocation
        prove(line.revocation)


def line_of(case: OffboardingCase, kind: str) -> CaseLine:
    return case.lines.select_related("revocation").get(kind=kind)


def test_a_line_is_done_when_its_removal_is_proven_and_open_when_it_comes_back(people: People) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "grant")
    assert line.revocation
    revocations.report_done(line.revocation, version=None, by=people.aiko)
    follow_running(LATER)
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED  # reported is a claim
    prove(line.revocation)
    assert line_of(case, "grant").stands == CaseLine.State.DONE  # at once, before the clock has written it
    follow_running(LATER)
    line.refresh_from_db()
    assert (line.state, line.settled_at) == (CaseLine.State.DONE, LATER)
    prove(line.revocation, state=Revocation.State.REAPPEARED)
    follow_running(LATER)
    line.refresh_from_db()
    assert (line.state, line.settled_at) == (CaseLine.State.OPEN, None)
    assert "came back" in line.outcome


def test_what_came_back_is_asked_for_again_on_the_right_that_is_held_now(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    line = line_of(case, "grant")
    assert line.revocation
    dana.grant.held = (inventory.LONG_AGO, LATER)
    dana.grant.known_to_run = leaver.reading(dana.core, LATER)
    dana.grant.save()
    again = inventory.grant(dana.account, dana.right, LATER)
    prove(line.revocation, state=Revocation.State.REAPPEARED)
    follow_running(LATER)
    assert case.lines.filter(kind="grant").count() == 1  # the same right, not a second line
    line.refresh_from_db()
    with moment.simulated(LATER):
        case_lines.insist(line, version=line.version, by=people.ines)
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED
    assert line.revocation.grant == again
    assert line.revocation.state == Revocation.State.REQUESTED
    follow_running(LATER)
    assert case.lines.filter(kind="grant").count() == 1


def test_what_cannot_be_done_is_open_until_somebody_insists(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "grant")
    assert line.revocation
    revocations.impossible(line.revocation, version=None, because="built into the core", by=people.aiko)
    url = reverse("offboarding", args=[case.code])
    assert "built into the core" in as_(people.ines).get(url).text
    assert "built into the core" not in as_(people.ruth).get(url).text
    ask = reverse("offboarding_insist", args=[case.code, line.pk])
    assert as_(people.ruth).post(ask, {"version": line.version}).status_code == 403
    assert as_(people.ines).post(ask, {"version": line.version}).status_code == 302
    assert as_(people.ines).post(ask, {"version": line.version}).status_code == 409
    line.revocation.refresh_from_db()
    assert line.revocation.state == Revocation.State.REQUESTED


def test_an_emergency_account_goes_when_compliance_asks_for_it(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(label="bg-core-1 on CORE")
    case_lines.insist(line, version=line.version, by=people.ines)
    assert line.revocation
    assert (line.revocation.account, line.revocation.act) == (dana.emergency, "rotate")


def test_what_appears_later_is_added_and_asked_for_once(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    late = inventory.account(dana.core, dana.person, "dkovac2", kind="personal")
    follow_running(LATER)
    follow_running(LATER + timedelta(minutes=1))
    line = case.lines.get(label="dkovac2 on CORE")
    assert (line.state, line.revocation.account) == (CaseLine.State.ASKED, late)  # type: ignore[union-attr]
    added = leaver.facts(case, Verb.OFFBOARDING_LINES_ADDED)
    assert added["counts"] == {"account": 1}


def test_a_sign_in_that_is_opened_again_is_open_again(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    User.objects.filter(pk=dana.user.pk).update(is_active=True)
    follow_running(LATER)
    assert line_of(case, "sign_in").state == CaseLine.State.OPEN


def test_a_rotated_secret_is_proven_by_what_a_later_reading_shows(people: People) -> None:
    dana = leaver.dana(people)
    secret = inventory.credential(
        dana.shared, Credential.Kind.PASSWORD, "password", rotated_at=inventory.LONG_AGO, is_active=True
    )
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(label="opsdesk on CORE")
    leaver.reading(dana.core, LATER)
    follow_running(LATER)
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED  # the old one still opens it
    Credential.objects.filter(pk=secret.pk).update(rotated_at=LATER + timedelta(hours=1))
    follow_running(LATER + timedelta(hours=2))
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED  # no reading since shows it
    leaver.reading(dana.core, LATER + timedelta(hours=3))
    follow_running(LATER + timedelta(hours=4))
    line.refresh_from_db()
    assert line.state == CaseLine.State.DONE
    assert line.revocation
    assert line.revocation.last_seen_at == LATER + timedelta(hours=1)
    assert line.revocation.verified_at == LATER + timedelta(hours=3)
    member = Membership.objects.get(account=dana.shared)
    assert member.during.upper == LATER + timedelta(hours=3)


def test_the_deputy_accepts_and_the_line_is_done_in_the_same_act(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    leon = factory.user("Leon Weiss", identity=dana.deputy)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(label="bot-recon")
    seen = line.version
    dana.watched.refresh_from_db()
    accept = reverse("identity_accept", args=[dana.watched.pk])
    assert as_(leon).post(accept, {"version": dana.watched.version}).status_code == 302
    line.refresh_from_db()
    assert (line.state, line.outcome) == (CaseLine.State.DONE, "Leon Weiss answers for it now.")
    assert line.settled_at is not None
    # Whoever still has the page of the open line before them excepts nothing.
    tomorrow = moment.now().date() + timedelta(days=1)
    url = reverse("offboarding_except", args=[case.code, line.pk])
    as_(people.ines).post(url, {"version": seen, "because": "x", "until": tomorrow.isoformat()})
    follow_running(LATER)
    line.refresh_from_db()
    assert (line.state, line.excepted_by_id) == (CaseLine.State.DONE, None)
    assert as_(leon).get(reverse("offboarding", args=[case.code])).status_code == 404


def test_a_line_is_done_when_somebody_is_named_elsewhere(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    dana.watched.refresh_from_db()
    line = case.lines.get(label="bot-recon")
    for name, role, state in (
        ("Samir Haddad", Ownership.Role.DEPUTY, CaseLine.State.OPEN),  # a deputy is not an owner
        ("Nina Roth", Ownership.Role.OWNER, CaseLine.State.DONE),
    ):
        ownership.name_owner(
            dana.watched, inventory.identity(name), role=role, version=None, actor=people.mikael.actor
        )
        line.refresh_from_db()
        assert line.state == state
    assert line.outcome == "Nina Roth answers for it now."
    assert case.lines.get(label="svc-fx").state == CaseLine.State.OPEN  # another machine's line


@pytest.mark.parametrize("to", ["tomas@nordhaven.test", "leon@nordhaven.test"])
def test_compliance_names_who_takes_over(people: People, as_: As, to: str) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(label="bot-recon")
    client, url = as_(people.ines), reverse("offboarding_hand_over", args=[case.code, line.pk])
    wrong = client.post(url, {"version": line.version, "to": dana.person.email})
    assert "Nobody here fits" in wrong.text  # who has left answers for nothing
    assert client.post(url, {"version": line.version, "to": to}).status_code == 302
    line.refresh_from_db()
    dana.watched.refresh_from_db()
    assert line.state == CaseLine.State.DONE
    assert dana.watched.owner
    assert (dana.watched.owner.email, dana.watched.stand_in) == (to, None)
    assert leaver.facts(dana.watched, Verb.OWNER_STOOD_IN)
    assert Event.objects.about(dana.watched).filter(verb=Verb.OWNER_NAMED).exists()


def test_an_exception_has_a_name_a_reason_and_an_end(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "grant")
    client, url = as_(people.ines), reverse("offboarding_except", args=[case.code, line.pk])
    with moment.simulated(leaver.HOUR):
        assert "This field is required" in client.post(url, {"version": line.version}).text
        past = client.post(url, {"version": line.version, "because": "x", "until": "2026-10-06"})
        assert "Say a day after today" in past.text
        sent = {"version": line.version, "because": "Year-end close", "until": "2026-10-07"}
        assert client.post(url, sent).status_code == 302
        assert client.post(url, sent).status_code == 409
    line.refresh_from_db()
    assert (line.state, line.excepted_by_id) == (CaseLine.State.EXCEPTED, people.ines.pk)
    excepted = leaver.facts(line, Verb.OFFBOARDING_LINE_EXCEPTED)
    assert (excepted["because"], excepted["until"]) == ("Year-end close", "2026-10-07")
    assert "Ines Falk: Year-end close" in client.get(reverse("offboarding", args=[case.code])).text
    follow_running(leaver.HOUR + timedelta(days=2))  # its day is over
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED


@pytest.mark.parametrize(
    ("who", "status"),
    [("ruth", 403), ("mikael", 404), ("tomas", 404), ("aiko", 404), ("farid", 404), ("omar", 404)],
)
def test_only_compliance_decides_on_lines(people: People, as_: As, who: str, status: int) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "grant")
    client = as_(people.by_role[who])
    for name in ("offboarding_except", "offboarding_insist", "offboarding_hand_over"):
        url = reverse(name, args=[case.code, line.pk])
        sent = {"version": line.version, "because": "x", "until": "2030-01-01", "to": "tomas@nordhaven.test"}
        assert client.post(url, sent).status_code == status
    line.refresh_from_db()
    assert line.state == CaseLine.State.ASKED


def test_a_line_of_another_case_is_not_found(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    with moment.simulated(leaver.BEFORE):
        other = offboarding.schedule(
            inventory.identity("Other Leaver"),
            reason=OffboardingCase.Reason.RETIRED,
            local_time=leaver.ON_THE_WALL,
            zone="UTC",
            actor=people.ruth.actor,
        )
    with moment.simulated(LATER):
        offboarding.begin(other, at=LATER)
    url = reverse("offboarding_insist", args=[other.code, line_of(case, "grant").pk])
    assert as_(people.ines).post(url, {"version": 1}).status_code == 404


def test_it_does_not_close_while_something_is_open(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    answer = as_(people.ruth).post(reverse("offboarding_close", args=[case.code]), {"version": case.version})
    assert answer.status_code == 422
    assert "Rights: 1" in answer.text
    assert "LEDGER_ADMIN" not in answer.text
    case.refresh_from_db()
    assert case.state == OffboardingCase.State.RUNNING


def test_it_closes_with_counts_and_both_ends_of_the_time_to_gone(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    prove_all(case)
    with moment.simulated(LATER):
        for line in case.lines.filter(kind="machine"):
            case_lines.hand_over(line, to=factory.identity_of(people.tomas), version=None, by=people.ines)
        line = case.lines.get(label="bg-core-1 on CORE")
        case_lines.except_line(
            line, because="Second custodian in training", until=TOMORROW, version=None, by=people.ines
        )
        # What is gone is no holding any more; a reading would have written this.
        dana.account.gone_run = leaver.reading(dana.core, LATER)
        dana.account.save()
        offboarding.close(case, version=case.version, actor=people.ruth.actor)
    case.refresh_from_db()
    assert (case.state, case.ended_at) == ("closed", LATER)
    closed = leaver.facts(case, Verb.OFFBOARDING_CLOSED)
    assert closed["states"] == {"done": 7, "excepted": 1}
    hours = 3600
    assert closed["time_to_gone"] == {
        "proven": 4,
        "earliest": {"median": 2 * hours, "longest": 2 * hours},
        "latest": {"median": 24 * hours, "longest": 24 * hours},
    }


def test_a_closed_case_moves_no_more(people: People) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    OffboardingCase.objects.filter(pk=case.pk).update(state=OffboardingCase.State.CLOSED)
    line = line_of(case, "grant")
    with pytest.raises(Conflict):
        case_lines.insist(line, version=None, by=people.ines)
    with pytest.raises(Conflict):
        case_lines.except_line(line, because="x", until=date(2099, 1, 1), version=None, by=people.ines)
    before = set(case.lines.values_list("state", "version"))
    follow_running(LATER)
    assert set(case.lines.values_list("state", "version")) == before


def test_nobody_decides_on_their_own_leaving(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    line = line_of(case, "grant")
    with pytest.raises(ValidationError, match="their own access"):
        case_lines.except_line(line, because="x", until=date(2099, 1, 1), version=None, by=dana.user)
    with pytest.raises(ValidationError, match="their own access"):
        case_lines.insist(line, version=None, by=dana.user)


@pytest.mark.parametrize(("is_gone", "words"), [(False, "Proven disabled"), (True, "Proven gone")])
def test_an_account_that_is_only_switched_off_is_not_called_gone(
    people: People, as_: As, is_gone: bool, words: str
) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "account")
    assert line.revocation
    assert line.revocation.account
    assert line.revocation.act == Revocation.Act.DISABLE
    prove(line.revocation)
    run = Revocation.objects.get(pk=line.revocation.pk).verified_run
    Account.objects.filter(pk=line.revocation.account.pk).update(
        is_enabled=False, gone_run=run if is_gone else None, gone_at=LATER if is_gone else None
    )
    url = reverse("offboarding", args=[case.code])
    before = as_(people.ines).get(url).text  # at once, before the clock has written it
    follow_running(LATER)
    line.refresh_from_db()
    assert words in line.outcome
    assert words in before
    assert ("Proven gone" in before) is is_gone


@pytest.mark.parametrize(
    ("act", "words"),
    [("remove", "Proven gone"), ("limit", "Its end is proven"), ("rotate", "Proven rotated")],
)
def test_what_a_reading_proved_is_said_as_it_is(people: People, act: str, words: str) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    line = line_of(case, "grant")
    assert line.revocation
    prove(line.revocation, act=act, ends_at=LATER)
    follow_running(LATER)
    line.refresh_from_db()
    assert words in line.outcome
