"""At the hour: everything is frozen, settled and ended in one transaction, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts import ports
from accounts.clock.offboarding import begin_due
from accounts.models import CaseLine, Identity, OffboardingCase, Ownership, Revocation, RevocationCause
from accounts.services import offboarding
from portal import moment
from portal.audit.models import Event
from portal.audit.services import Actor
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users import services
from portal.users.models import Token, User
from portal.users.roles import Role
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories import people as factory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


def states(case: OffboardingCase) -> dict[tuple[str, str], str]:
    return {(line.kind, line.label): line.state for line in case.lines.all()}


def test_every_holding_becomes_a_line_and_is_settled(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    assert (case.state, case.begun_at) == ("running", leaver.HOUR)
    assert states(case) == {
        ("account", "dkovac on CORE"): "asked",
        ("credential", "SSH key SHA256:dana · dkovac on CORE"): "asked",
        ("grant", "LEDGER_ADMIN · dkovac on CORE"): "asked",
        ("machine", "bot-recon"): "open",
        ("machine", "svc-fx"): "open",
        ("membership", "bg-core-1 on CORE"): "open",
        ("membership", "opsdesk on CORE"): "asked",
        ("sign_in", "dana@nordhaven.test"): "done",
    }
    asked = {(one.target, one.act): one for one in Revocation.objects.with_names()}
    assert set(asked) == {
        (dana.account, "disable"),
        (dana.key, "remove"),
        (dana.grant, "remove"),
        (dana.shared, "rotate"),
    }
    assert {one.state for one in asked.values()} == {"requested"}
    assert {one.due_at for one in asked.values()} == {leaver.HOUR + timedelta(days=2)}
    causes = RevocationCause.objects.values_list("kind", "reference", "label").distinct()
    assert list(causes) == [("case", str(case.pk), case.code)]


def test_a_deputy_stands_in_at_once_and_owns_only_after_accepting(people: People) -> None:
    dana = leaver.dana(people)
    leaver.begun(dana, people.ruth)
    for machine in (dana.watched, dana.lonely):
        machine.refresh_from_db()
    assert (dana.watched.stand_in, dana.watched.owner) == (dana.deputy, dana.person)
    assert dana.lonely.stand_in is None
    assert set(Identity.objects.unowned()) == {dana.watched, dana.lonely}
    assert leaver.facts(dana.watched, Verb.OWNER_STOOD_IN)["holder"] == str(dana.deputy.pk)


def test_a_deputy_who_has_left_stands_in_for_nobody(people: People) -> None:
    dana = leaver.dana(people)
    Identity.objects.filter(pk=dana.deputy.pk).update(status=Identity.Status.LEFT)
    case = leaver.begun(dana, people.ruth)
    dana.watched.refresh_from_db()
    assert dana.watched.stand_in is None
    assert "no deputy" in case.lines.get(label="bot-recon").outcome


def test_deputyships_and_removals_they_carry_out_end(people: People) -> None:
    dana = leaver.dana(people)
    other = inventory.identity("svc-other", "service", owner=dana.deputy, deputy=dana.person)
    dana.core.carriers.add(dana.person)
    case = leaver.begun(dana, people.ruth)
    other.refresh_from_db()
    assert other.deputy is None
    assert dana.person not in dana.core.carriers.all()
    assert {line.kind for line in case.lines.filter(state="done")} == {"deputy", "carrier", "sign_in"}


def test_an_owned_system_waits_for_a_name(people: People) -> None:
    dana = leaver.dana(people)
    inventory.system("DIR", owner=dana.person)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(kind="system")
    assert (line.state, line.outcome) == ("open", "Name an owner; there is no deputy.")


def test_emergency_and_machine_accounts_are_not_touched_by_themselves(people: People) -> None:
    dana = leaver.dana(people)
    machine = inventory.account(dana.core, dana.person, "batch07", kind="machine")
    inventory.grant(machine, dana.right)
    case = leaver.begun(dana, people.ruth)
    assert case.lines.get(label="batch07 on CORE").state == CaseLine.State.OPEN
    assert not Revocation.objects.filter(account__in=[machine, dana.emergency]).exists()
    assert not Revocation.objects.filter(grant__account=machine).exists()


def test_a_removal_that_a_reviewer_had_decided_is_joined(people: People) -> None:
    dana = leaver.dana(people)
    decided = Revocation.objects.create(grant=dana.grant, system=dana.core, decided_at=leaver.BEFORE)
    case = leaver.begun(dana, people.ruth)
    assert case.lines.get(kind="grant").revocation == decided
    decided.refresh_from_db()
    assert decided.state == Revocation.State.REQUESTED


def test_sign_in_ends_with_the_case(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    client = as_(dana.user)
    assert client.get("/").status_code == 200
    case = leaver.begun(dana, people.ruth)
    assert client.get("/").status_code == 302
    dana.person.refresh_from_db()
    assert dana.person.status == Identity.Status.LEFT
    assert leaver.facts(dana.user, Verb.SIGN_IN_ENDED) == {"because": case.code}


def test_the_last_administrator_goes_all_the_same(people: People) -> None:
    dana = leaver.dana(people)
    User.objects.exclude(pk=dana.user.pk).filter(roles__contains=[Role.IAM]).update(roles=[])
    services.set_roles(dana.user, [Role.IAM], actor=people.ines.actor)
    case = leaver.begun(dana, people.ruth)
    dana.user.refresh_from_db()
    assert not dana.user.is_active
    assert leaver.facts(case, Verb.OFFBOARDING_BEGUN)["administrators_left"] == 0


def test_a_token_that_was_shown_to_them_has_to_be_replaced(people: People) -> None:
    dana = leaver.dana(people)
    recorder = factory.user("rec-jump", Role.RECORDER, kind=User.Kind.MACHINE)
    with moment.simulated(leaver.BEFORE):
        token, _secret = services.issue_token(recorder, label="jump", scopes=[], days=90, by=dana.user)
    case = leaver.begun(dana, people.ruth)
    line = case.lines.get(kind="token")
    assert line.state == CaseLine.State.OPEN
    assert Token.objects.usable(leaver.HOUR).filter(pk=token.pk).exists()
    services.revoke_token(token, actor=people.mikael.actor)
    with moment.simulated(leaver.HOUR):
        offboarding.follow(case, at=leaver.HOUR)
    line.refresh_from_db()
    assert line.state == CaseLine.State.DONE


def test_the_event_counts_kinds_and_keeps_the_reason_to_hr(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    facts = leaver.facts(case, Verb.OFFBOARDING_BEGUN)
    assert facts["identity"] == str(dana.person.pk)
    assert facts["counts"] == {
        "account": 1, "credential": 1, "grant": 1, "machine": 2, "membership": 2, "sign_in": 1
    }  # fmt: skip
    assert "dismissed" not in str(facts)


def test_nothing_begins_before_the_hour(people: People) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    begin_due(leaver.HOUR - timedelta(seconds=1))
    with pytest.raises(Conflict):
        offboarding.begin(case, at=leaver.HOUR - timedelta(seconds=1))
    case.refresh_from_db()
    assert case.state == OffboardingCase.State.PLANNED


def test_a_clock_that_strikes_twice_begins_once(people: People) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    begin_due(leaver.HOUR)
    begin_due(leaver.HOUR + timedelta(minutes=1))
    case.refresh_from_db()
    assert case.begun_at == leaver.HOUR
    assert Event.objects.about(case).filter(verb=Verb.OFFBOARDING_BEGUN).count() == 1
    assert case.lines.count() == 8


def test_a_case_that_fails_keeps_nothing_and_stops_no_other(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = leaver.dana(people)
    case = leaver.planned(dana, people.ruth)
    with moment.simulated(leaver.BEFORE):
        other = offboarding.schedule(
            inventory.identity("Other Leaver"),
            reason=OffboardingCase.Reason.RETIRED,
            local_time=leaver.ON_THE_WALL,
            zone="Europe/Berlin",
            actor=people.ruth.actor,
        )

    def fails(line: CaseLine, at: datetime, actor: Actor) -> None:
        if line.case_id == case.pk:
            raise RuntimeError("not today")

    monkeypatch.setattr(ports.settle, "of", fails)
    begin_due(leaver.HOUR)
    case.refresh_from_db()
    other.refresh_from_db()
    assert (case.state, other.state) == ("planned", "running")
    assert not case.lines.exists()
    dana.person.refresh_from_db()
    assert dana.person.status == Identity.Status.ACTIVE


def test_two_clocks_at_once_begin_once(committed_db: object) -> None:
    people = factory.everybody()
    case = leaver.planned(leaver.dana(people), people.ruth)

    def strike(_number: int) -> None:
        try:
            begin_due(leaver.HOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(strike, range(4)))
    assert Event.objects.about(case).filter(verb=Verb.OFFBOARDING_BEGUN).count() == 1
    assert case.lines.count() == 8
    assert Revocation.objects.count() == 4


def test_hr_sees_kinds_and_counts_and_compliance_every_line(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    case = leaver.begun(dana, people.ruth)
    url = reverse("offboarding", args=[case.code])
    hr, compliance = as_(people.ruth).get(url).text, as_(people.ines).get(url).text
    for name in ("LEDGER_ADMIN", "dkovac", "SHA256:dana", "opsdesk", "bot-recon", "Leon Weiss"):
        assert name in compliance
        assert name not in hr
    assert "Machine identities they answer for" in hr
    assert "dismissed" in hr
    assert "dismissed" not in compliance


def test_ownership_history_survives(people: People) -> None:
    dana = leaver.dana(people)
    leaver.begun(dana, people.ruth)
    # Nothing is reassigned by itself: the leaver is still named as who answered for it.
    assert not Ownership.objects.filter(identity=dana.watched, holder=dana.deputy).exists()
