"""The rules on screen: set by those who may, with a reason; asked by night, by readings, by hand."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as portal_settings
from django.urls import reverse

from accounts.models import Credential
from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from portal.tasks import telling
from portal.tasks.ports import happened
from portal.tasks.testing import drain
from reviews.clock.rules import ask_rules
from reviews.models import Evaluation, Finding, RuleSetting, RuleVersion
from reviews.rules import RULES, controls, engine
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of
from tests.factories.reviews import Bank, facts_of

pytestmark = pytest.mark.django_db
Trigger = Evaluation.Trigger
CHANGE = {
    "version": 1,
    "is_on": "on",
    "severity": "medium",
    "privileged": 400,
    "other": 1_000,
    "because": "Rotation is quarterly by the agreement of 12 May",
}


@pytest.fixture
def old(bank: Bank) -> Credential:
    """A key of 912 days, of a machine of Tomas's."""
    made = bank.machine("ci-deploy-pay", owner=bank.tomas)
    account = bank.account(made, kind="machine")
    return inventory.credential(account, created_at=moment.now() - timedelta(days=912))


def page(code: str = "N7.1") -> str:
    return reverse("rule", args=[code])


# --- the pages ----------------------------------------------------------------------------------------


def test_the_list_shows_every_rule_and_what_it_finds(people: People, as_: As, old: Credential) -> None:
    client = as_(people.ines)
    assert "never asked" in client.get(reverse("rule_list")).text
    engine.evaluate(trigger=Trigger.NIGHT)
    response = client.get(reverse("rule_list"))
    assert {rule.code: opened for rule, _, opened, _ in response.context["rows"]}["N7.1"] == 1
    assert len(response.context["rows"]) == len(RULES)
    assert "every night" in response.text


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_its_page(people: People, as_: As, code: str) -> None:
    shown = as_(people.ines).get(page(code)).text
    for words in (RULES[code].rationale, RULES[code].advice):
        assert str(words).replace("'", "&#x27;") in shown
    for control in controls.current().of_rule(code):
        assert control.id in shown


def test_a_rule_nobody_knows_is_not_there(people: People, as_: As) -> None:
    assert as_(people.ines).get(page("N99.1")).status_code == 404


# --- setting one --------------------------------------------------------------------------------------


def test_a_rule_is_set_without_code_and_its_findings_follow(people: People, as_: As, old: Credential) -> None:
    engine.evaluate(trigger=Trigger.NIGHT)
    assert Finding.objects.open().filter(rule="N7.1").exists()
    client = as_(people.ines)
    assert client.post(page(), CHANGE).status_code == 302
    drain()
    setting = RuleSetting.objects.get(code="N7.1")
    assert (setting.version, setting.thresholds) == (2, {"privileged": 400, "other": 1_000})
    assert not Finding.objects.open().filter(rule="N7.1").exists()
    version = RuleVersion.objects.get(code="N7.1", number=2)
    assert (version.set_by, version.because) == (people.ines, CHANGE["because"])
    facts = facts_of(Event.objects.get(verb=Verb.RULE_CHANGED))
    assert facts["before"]["thresholds"] == {"privileged": 90, "other": 365}
    assert facts["after"]["thresholds"] == {"privileged": 400, "other": 1_000}
    shown = client.get(page()).text
    assert "agreement of 12 May" in shown
    assert "As it came with the portal" in shown
    asked = Evaluation.objects.get(trigger=Trigger.SETTING)
    assert Event.objects.get(subject_id=str(asked.pk)).actor_id == str(people.ines.pk)


def test_a_rule_that_is_switched_off_closes_its_findings(people: People, as_: As, old: Credential) -> None:
    engine.evaluate(trigger=Trigger.NIGHT)
    data = {name: value for name, value in CHANGE.items() if name != "is_on"}
    as_(people.ines).post(page(), data | {"privileged": 90, "other": 365, "severity": "low"})
    drain()
    closed = Finding.objects.get(rule="N7.1")
    assert closed.state == Finding.State.FIXED
    shown = as_(people.ines).get(reverse("finding", args=[closed.pk])).text
    assert "the rule was switched off" in shown
    assert "switched off" in as_(people.ines).get(reverse("rule_list")).text


def test_words_are_a_threshold_as_well(people: People, as_: As) -> None:
    data = {**CHANGE, "places": "Locker, drawer,  locker"}
    assert as_(people.ines).post(page("N2.3"), data).status_code == 302
    assert RuleSetting.objects.get(code="N2.3").thresholds == {"places": ["locker", "drawer"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"other": 0}, "greater than or equal to 1"),
        ({"other": ""}, "required"),
        ({"because": " "}, "required"),
        ({"severity": "dreadful"}, "valid choice"),
        ({"privileged": 90, "other": 365, "severity": "low"}, "Nothing is different"),
    ],
)
def test_what_does_not_fit_is_refused(people: People, as_: As, change: dict[str, Any], says: str) -> None:
    response = as_(people.ines).post(page(), CHANGE | change)
    assert response.status_code == 422
    assert says in response.text
    assert not RuleVersion.objects.filter(number=2).exists()


def test_two_people_do_not_overwrite_each_other(people: People, as_: As) -> None:
    assert as_(people.ines).post(page(), CHANGE).status_code == 302
    slower = as_(people.ines).post(page(), CHANGE | {"other": 700})
    assert slower.status_code == 409
    assert "rule changed" in slower.text
    assert RuleSetting.objects.get(code="N7.1").thresholds["other"] == 1_000


def test_an_evaluation_does_not_get_into_the_way_of_an_edit(people: People, as_: As) -> None:
    engine.evaluate(trigger=Trigger.NIGHT)
    assert as_(people.ines).post(page(), CHANGE).status_code == 302


@pytest.mark.parametrize("who", ["mikael", "farid"])
def test_readers_change_nothing(people: People, as_: As, who: str) -> None:
    client = as_(people.by_role[who])
    assert client.get(page()).status_code == 200
    assert '<form method="post" class="form"' not in client.get(page()).text
    assert client.post(page(), CHANGE).status_code == 403
    assert client.post(reverse("rules_ask")).status_code == 403


@pytest.mark.parametrize("who", ["tomas", "ruth", "aiko", "elena", "omar"])
def test_others_have_no_rules(people: People, as_: As, who: str) -> None:
    client = as_(people.by_role[who])
    for name in ("rule_list", "control_list"):
        assert client.get(reverse(name)).status_code == 403
    assert client.post(page(), CHANGE).status_code == 403


# --- when they are asked ------------------------------------------------------------------------------


def test_whoever_may_has_them_asked_now(people: People, as_: As, old: Credential) -> None:
    assert as_(people.ines).post(reverse("rules_ask")).status_code == 302
    drain()
    asked = Evaluation.objects.get()
    assert (asked.trigger, asked.rules) == (Trigger.PERSON, len(RULES))
    assert Event.objects.get(subject_id=str(asked.pk)).actor_id == str(people.ines.pk)


def test_an_applied_reading_has_them_asked_once(bank: Bank, old: Credential) -> None:
    for _ in range(2):
        telling.tell(record(Verb.IMPORT_APPLIED, bank.reading, actor=PORTAL, facts={}))
    drain()
    assert Evaluation.objects.filter(trigger=Trigger.IMPORT).count() == 1
    assert Finding.objects.open().filter(rule="N7.1").exists()
    assert "rules are asked" in happened[Verb.IMPORT_APPLIED].keys


@pytest.mark.parametrize(
    ("hour", "hours_since", "asks"),
    [
        (2, None, True),
        (12, None, True),
        (2, 24, True),
        (2, 19, False),
        (12, 24, False),
        (12, 27, True),
    ],
)
def test_every_night_and_by_day_only_where_no_night_did_it(
    hour: int, hours_since: int | None, asks: bool
) -> None:
    at = datetime(2026, 6, 9, hour, 30, tzinfo=ZoneInfo(portal_settings.TIME_ZONE))
    if hours_since:
        engine.evaluate(trigger=Trigger.NIGHT, at=at - timedelta(hours=hours_since))
    before = Evaluation.objects.count()
    with moment.simulated(at):
        ask_rules(at)
        ask_rules(at)
    drain()
    assert Evaluation.objects.count() - before == int(asks)


def test_asking_one_rule_is_not_a_night(people: People) -> None:
    at = datetime(2026, 6, 9, 2, 30, tzinfo=ZoneInfo(portal_settings.TIME_ZONE))
    engine.evaluate(["N7.1"], trigger=Trigger.SETTING, at=at - timedelta(hours=1))
    ask_rules(at)
    drain()
    assert Evaluation.objects.filter(rules=len(RULES)).count() == 1


# --- controls -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found", "why"),
    [
        ("NHI-03", ["NHI3:2025", "NHI5:2025", "NHI7:2025"], "Vulnerable Third-Party NHI"),
        ("PR.AC-4", ["PR.AA-05"], "version 1.1"),
        ("PR.AA-05", ["PR.AA-05"], None),
    ],
)
def test_outdated_ids_find_the_right_ones_with_a_reason(
    people: People, as_: As, words: str, found: list[str], why: str | None
) -> None:
    response = as_(people.ines).get(reverse("control_list"), {"q": words})
    assert [row["control"].id for row in response.context["rows"]] == found
    assert len(response.context["corrections"]) == (1 if why else 0)
    if why:
        assert why in response.text


def test_a_control_counts_what_its_rules_find(people: People, as_: As, old: Credential) -> None:
    engine.evaluate(trigger=Trigger.NIGHT)
    rows = as_(people.ines).get(reverse("control_list"), {"framework": "OWASP"}).context["rows"]
    counts = {row["control"].id: row["open"] for row in rows}
    assert (
        counts["NHI7:2025"]
        == Finding.objects.open().filter(rule__in=["N1.6", "N7.1", "N7.2", "N7.3"]).count()
    )
    assert "decides access" in as_(people.ines).get(reverse("control_list")).text


def test_what_was_not_compared_with_the_text_says_so(people: People, as_: As) -> None:
    page_ = as_(people.ines).get(reverse("control_list"), {"q": "PR.IR-01"}).text
    assert "not compared" in page_
    assert "no control has" in as_(people.ines).get(reverse("control_list"), {"q": "zzz"}).text.lower()


def test_facts_of_an_evaluation_hold_no_names(people: People, old: Credential) -> None:
    engine.evaluate(trigger=Trigger.NIGHT)
    body = Payload.objects.get(event__verb=Verb.RULE_EVALUATED).body
    assert body
    for name in ("ci-deploy-pay", identity_of(people.tomas).name):
        assert name not in bytes(body).decode()
