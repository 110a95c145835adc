"""Findings open, close, open again and are not rewritten idly; evaluations leave one line in the log."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Credential, Identity, System
from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from reviews.models import Acceptance, Evaluation, Finding, RuleSetting, RuleVersion, Severity
from reviews.rules import RULES, engine, locks, merging, settings
from tests.factories import inventory
from tests.factories.people import People
from tests.rules.conftest import Ask, account_of, ago, key_of, machine, privileged

Trigger, State = Evaluation.Trigger, Finding.State


def evaluate(*codes: str, at: Any = None) -> Evaluation:
    return engine.evaluate(codes or None, trigger=Trigger.NIGHT, at=at)


@pytest.fixture
def old(core: System) -> Credential:
    """A key that is too old."""
    return key_of(machine(core), created_at=ago(912))


def finding(rule: str = "N7.1") -> Finding:
    return Finding.objects.get(rule=rule)


def facts_of(evaluation: Evaluation) -> dict[str, Any]:
    event = Event.objects.get(verb=Verb.RULE_EVALUATED, subject_id=str(evaluation.pk))
    return Payload.objects.get(event=event).facts or {}


@pytest.mark.django_db
def test_every_rule_is_asked_and_all_of_them_run(core: System, old: Credential) -> None:
    done = evaluate()
    assert done.rules == len(RULES) == RuleSetting.objects.filter(evaluated_at=done.at).count()
    assert done.present == Finding.objects.open().count() > 0


@pytest.mark.django_db
def test_a_finding_opens_closes_and_opens_again(old: Credential) -> None:
    first = evaluate("N7.1")
    one = finding()
    assert (one.state, one.reopened, one.severity) == (State.OPEN, 0, Severity.MEDIUM)
    assert one.identity == old.account.identity
    assert one.system == old.account.system
    Credential.objects.update(rotated_at=moment.now())
    second = evaluate("N7.1")
    gone = finding()
    assert (gone.state, gone.closed_at, gone.last_seen_at) == (State.FIXED, second.at, first.at)
    assert "closed_because" not in gone.facts
    Credential.objects.update(rotated_at=None)
    third = evaluate("N7.1")
    back = finding()
    assert (back.pk, back.state, back.reopened, back.closed_at) == (one.pk, State.OPEN, 1, None)
    assert (back.first_seen_at, back.last_seen_at) == (first.at, third.at)
    assert [done.counts for done in (first, second, third)] == [{"opened": 1}, {"closed": 1}, {"reopened": 1}]


@pytest.mark.django_db
def test_what_is_found_again_is_not_written(old: Credential) -> None:
    evaluate("N7.1")
    before = _physical()
    again = evaluate("N7.1")
    assert _physical() == before
    assert again.counts == {}
    assert again.present == 1
    assert RuleSetting.objects.get(code="N7.1").evaluated_at == again.at  # which is when it was last seen


def _physical() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text, version FROM reviews_finding ORDER BY 1")
        return list(cursor.fetchall())


@pytest.mark.django_db
def test_what_changed_is_written_and_counts_its_version(core: System, old: Credential) -> None:
    evaluate("N7.1")
    assert old.account.identity is not None
    privileged(old.account.identity)
    done = evaluate("N7.1")
    one = finding()
    assert done.counts == {"changed": 1}
    assert (one.version, one.severity, one.is_privileged, one.facts["allowed"]) == (2, "high", True, 90)


@pytest.mark.django_db
def test_keys_are_in_the_order_of_time(core: System) -> None:
    key_of(machine(core), created_at=ago(912))
    evaluate("N7.1", at=ago(2))
    key_of(machine(core), created_at=ago(912))
    evaluate("N7.1", at=ago(1))
    first, second = Finding.objects.order_by("pk")
    assert first.first_seen_at < second.first_seen_at
    assert {one.pk.version for one in (first, second)} == {7}


@pytest.mark.django_db
def test_one_event_commits_to_what_changed(old: Credential) -> None:
    done = evaluate("N7.1", "N7.2")
    facts = facts_of(done)
    assert facts["counts"] == {"opened": 2}
    assert facts["by_rule"] == {"N7.1": {"opened": 1}, "N7.2": {"opened": 1}}
    assert facts["rules"] == ["N7.1", "N7.2"]
    assert facts["changed_digest"] == bytes(done.digest).hex()
    assert Event.objects.filter(verb=Verb.RULE_EVALUATED).count() == 1
    again = evaluate("N7.1", "N7.2")
    assert facts_of(again)["changed_digest"] != facts["changed_digest"]


@pytest.mark.django_db
def test_open_findings_are_counted_on_identities(old: Credential) -> None:
    evaluate()
    mine = old.account.identity
    assert mine is not None
    mine.refresh_from_db()
    assert mine.open_findings == Finding.objects.open().filter(identity=mine).count() > 1
    Credential.objects.update(gone_run=old.first_run)
    evaluate()
    mine.refresh_from_db()
    assert mine.open_findings == Finding.objects.open().filter(identity=mine).count()
    Identity.objects.update(open_findings=99)  # as after something that was interrupted
    merging.count_open()
    assert set(Identity.objects.exclude(pk=mine.pk).values_list("open_findings", flat=True)) == {0}


# --- switched off, and settings -----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_rule_that_is_off_finds_nothing_and_says_so(old: Credential) -> None:
    evaluate("N7.1")
    RuleSetting.objects.filter(code="N7.1").update(is_on=False)
    evaluate("N7.1")
    assert finding().state == State.FIXED
    assert finding().facts["closed_because"] == "rule_off"
    RuleSetting.objects.filter(code="N7.1").update(is_on=True)
    evaluate("N7.1")
    assert finding().state == State.OPEN
    assert "closed_because" not in finding().facts


@pytest.mark.django_db
def test_asking_one_rule_leaves_the_others_alone(old: Credential) -> None:
    evaluate("N7.1", "N7.2")
    Credential.objects.update(gone_run=old.first_run)
    evaluate("N7.1")
    assert finding("N7.1").state == State.FIXED
    assert finding("N7.2").state == State.OPEN


@pytest.mark.django_db
def test_findings_of_a_rule_that_is_no_longer_known_close(old: Credential) -> None:
    evaluate("N7.1")
    Finding.objects.update(rule="X1")
    evaluate("N7.2")
    assert finding("X1").state == State.OPEN
    evaluate()
    assert finding("X1").state == State.FIXED
    assert finding("X1").facts["closed_because"] == "rule_gone"


@pytest.mark.django_db
def test_the_first_evaluation_keeps_the_defaults_as_version_one() -> None:
    evaluate("N7.1")
    evaluate("N7.1")
    version = RuleVersion.objects.get(code="N7.1")
    assert (version.number, version.thresholds) == (1, {"privileged": 90, "other": 365})
    assert settings.shown().keys() == RULES.keys()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("base", "is_privileged", "production", "severity"),
    [
        ("low", False, False, "low"),
        ("low", True, False, "medium"),
        ("low", True, True, "high"),
        ("high", True, False, "critical"),
        ("high", True, True, "critical"),
        ("critical", True, True, "critical"),
    ],
)
def test_severity_rises_by_steps(base: str, is_privileged: bool, production: bool, severity: str) -> None:
    where = inventory.system(environment="production" if production else "test")
    made = machine(where)
    key_of(made, created_at=ago(912))
    if is_privileged:
        inventory.grant(account_of(made), inventory.entitlement(where))
    settings.all_kept(["N7.1"])
    RuleSetting.objects.filter(code="N7.1").update(severity=base)
    evaluate("N7.1")
    assert finding().severity == severity


# --- acceptance ---------------------------------------------------------------------------------------


@pytest.fixture
def accepted(old: Credential, people: People) -> Finding:
    """Lived with for ten days more."""
    evaluate("N7.1")
    Finding.objects.update(state=State.ACCEPTED)
    Acceptance.objects.create(
        finding=finding(),
        reason="The vendor needs a month",
        until=(moment.now() + timedelta(days=10)).date(),
        accepted_by=people.ines,
        accepted_at=moment.now(),
    )
    return finding()


def ended() -> list[str]:
    events = Event.objects.filter(verb=Verb.FINDING_ACCEPTANCE_ENDED)
    return [(Payload.objects.get(event=event).facts or {})["because"] for event in events]


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "state"), [(9, State.ACCEPTED), (10, State.ACCEPTED), (11.1, State.OPEN)])
def test_an_acceptance_holds_until_its_day(accepted: Finding, days: float, state: str) -> None:
    evaluate("N7.1", at=moment.now() + timedelta(days=days))
    assert finding().state == state
    assert Acceptance.objects.filter(ended_at=None).exists() is (state == State.ACCEPTED)
    assert ended() == ([] if state == State.ACCEPTED else ["day_passed"])
    assert finding().reopened == 0


@pytest.mark.django_db
def test_what_is_gone_is_not_accepted_any_more(accepted: Finding) -> None:
    Credential.objects.update(rotated_at=moment.now())
    evaluate("N7.1")
    assert finding().state == State.FIXED
    assert not Acceptance.objects.filter(ended_at=None).exists()
    assert ended() == ["gone"]
    Credential.objects.update(rotated_at=None)
    evaluate("N7.1")
    assert finding().state == State.OPEN


@pytest.mark.django_db
def test_an_accepted_finding_that_changes_stays_accepted(accepted: Finding) -> None:
    mine = accepted.identity
    assert mine is not None
    privileged(mine)
    evaluate("N7.1")
    assert (finding().state, finding().severity) == (State.ACCEPTED, Severity.HIGH)


# --- side by side -------------------------------------------------------------------------------------


def test_two_evaluations_at_once_do_not_collide(committed_db: None) -> None:
    where = inventory.system("CORE")
    for _ in range(5):
        key_of(machine(where), created_at=ago(912))
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            evaluate()
        except BaseException as problem:  # noqa: BLE001 - shown by the assertion below
            problems.append(problem)
        finally:
            connection.close()

    asking = [Thread(target=ask) for _ in range(3)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(60)
    assert problems == []
    counts = [done.counts for done in Evaluation.objects.all()]
    assert sorted(counts, key=bool) == [{}, {}, {"opened": Finding.objects.count()}]


def test_whoever_accepts_waits_for_the_evaluation_and_not_for_each_other(committed_db: None) -> None:
    def free() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [7_462_101, 2])
            return bool(cursor.fetchone()[0])

    seen: list[bool] = []

    def look() -> None:
        with transaction.atomic():
            seen.append(free())
        connection.close()

    with transaction.atomic():
        locks.beside_others()
        other = Thread(target=look)
        other.start()
        other.join(20)
    with transaction.atomic():
        assert free()
    assert seen == [False]


@pytest.mark.django_db
def test_thresholds_are_checked(ask: Ask) -> None:
    with pytest.raises(Exception, match="1 to 1100"):
        ask("N7.1", other=0)
    with pytest.raises(Exception, match="no threshold"):
        ask("N7.1", days=9)
    with pytest.raises(Exception, match="one to 60 words"):
        ask("N2.3", places=[" "])
