"""Findings on screen: the list and its filters, one finding, living with it, and who may see what."""

import csv
import hashlib
import io
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from accounts.models import Application, Credential, Identity
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from portal.users.roles import Role
from reviews.models import Acceptance, Evaluation, Finding
from reviews.rules import RULES, engine
from reviews.services import findings
from reviews.views import finding_words
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of, user
from tests.factories.reviews import Bank, facts_of

pytestmark = pytest.mark.django_db
State = Finding.State


def evaluate() -> Evaluation:
    return engine.evaluate(trigger=Evaluation.Trigger.NIGHT)


@pytest.fixture
def machine(bank: Bank) -> Identity:
    """Leon's, with an old key and a privileged right."""
    made = bank.machine("ci-deploy-pay", owner=identity_of(bank.leon))
    account = bank.account(made, kind="machine", name="ci-deploy-pay")
    inventory.credential(account, fingerprint="AKIAOLD", created_at=moment.now() - timedelta(days=912))
    inventory.grant(account, bank.right("PAY_ADMIN", marks=["admin"]))
    evaluate()
    return made


def of(rule: str) -> Finding:
    return Finding.objects.get(rule=rule)


def accept_until(days: int) -> dict[str, Any]:
    return {"until": moment.now().date() + timedelta(days=days), "reason": "The vendor needs a month"}


def shown_on(client: Any, **query: str) -> set[str]:
    """The rules on the list."""
    context = client.get(reverse("finding_list"), query).context
    return {line.finding.rule for line in context["lines"]}


# --- the list -----------------------------------------------------------------------------------------


def test_the_list_says_what_is_wrong_and_the_riskiest_stands_first(
    people: People, as_: As, machine: Identity
) -> None:
    response = as_(people.ines).get(reverse("finding_list"))
    lines = response.context["lines"]
    weights = [line.finding.weight for line in lines]
    assert weights == sorted(weights, reverse=True)
    assert {"N7.1", "N5.2", "N5.3", "N6.1", "N1.3"} <= {line.finding.rule for line in lines}
    for words in ("A secret is too old", "AKIAOLD", "PAY_ADMIN", "Leon Weiss", "at most 90 days"):
        assert words in response.text


@pytest.mark.parametrize(
    ("query", "has", "has_not"),
    [
        ({"rule": "N7.1"}, {"N7.1"}, {"N5.2"}),
        ({"owasp": "NHI7:2025"}, {"N7.1", "N7.2"}, {"N5.2"}),
        ({"severity": "critical"}, {"N6.1"}, {"N7.1"}),
        ({"system": "CORE"}, {"N7.1"}, set()),
        ({"of": "people"}, set(), {"N7.1"}),
        ({"of": "machines"}, {"N7.1"}, set()),
        ({"owner": "leon"}, {"N7.1"}, set()),
        ({"owner": "tomas"}, set(), {"N7.1"}),
        ({"state": "accepted"}, set(), {"N7.1"}),
        ({"state": "all"}, {"N7.1"}, set()),
        ({"mine": "on"}, set(), {"N7.1"}),
        ({"rule": "nonsense", "system": "NOWHERE"}, {"N7.1"}, set()),
    ],
)
def test_filters(
    people: People, as_: As, machine: Identity, query: dict[str, str], has: set[str], has_not: set[str]
) -> None:
    found = shown_on(as_(people.ines), **query)
    assert has <= found
    assert not found & has_not
    assert bool(has) is bool(found)


def test_a_long_list_goes_on_where_it_ended(people: People, as_: As, bank: Bank) -> None:
    for number in range(60):
        bank.machine(f"svc-{number}")
    evaluate()
    client, seen, query = as_(people.ines), [], "?rule=N1.2"
    while query:
        context = client.get(reverse("finding_list") + query).context
        seen += [line.finding.pk for line in context["lines"]]
        after = context["shown"].after
        query = f"?rule=N1.2&after={quote(after)}" if after else ""
    assert len(seen) == len(set(seen)) == 60
    assert str(context["count"]) == "60"
    assert shown_on(client, after="nonsense") == {"N1.2"}


def test_the_number_of_queries_does_not_grow(
    people: People, as_: As, bank: Bank, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        made = bank.machine(f"svc-{number}", owner=bank.tomas)
        account = bank.account(made, kind="machine")
        inventory.credential(account, created_at=moment.now() - timedelta(days=912))
        inventory.grant(account, bank.right())
        bank.grant(inventory.identity(status="left"))
    evaluate()
    client = as_(people.ines)
    with django_assert_max_num_queries(16) as all_of_it:
        client.get(reverse("finding_list"))
    around = [one for one in all_of_it if "reviews_finding" not in one["sql"] and "name" in one["sql"]]
    assert len([one for one in all_of_it if "reviews_finding" in one["sql"]]) <= 4
    assert len(around) <= 8


def test_people_and_machines_stand_side_by_side(people: People, as_: As, machine: Identity) -> None:
    half = {one["of"]: one for one in as_(people.ines).get(reverse("finding_list")).context["parity"]}
    machines = Finding.objects.open().filter(is_human=False).count()
    assert half["machines"]["per_hundred"] == round(100 * machines / 1, 1)
    assert half["people"]["open"] == 0


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_all_rows_of_the_filter_leave_as_a_file(people: People, as_: As, bank: Bank, form: str) -> None:
    bank.machine("=cmd|' /C calc'!A0")
    for number in range(60):
        bank.machine(f"svc-{number}")
    evaluate()
    answer = as_(people.ines).get(reverse("finding_list"), {"rule": "N1.2", "export": form})
    body = answer.getvalue()
    if form == "csv":
        rows = list(csv.reader(io.StringIO(body.decode())))
    else:
        sheet = load_workbook(io.BytesIO(body), read_only=True).worksheets[0]
        rows = [[str(value or "") for value in row] for row in sheet.iter_rows(values_only=True)]
    assert len(rows) == 62
    assert rows[0][:3] == ["Severity", "Rule", "What is wrong"]
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    assert "It has nobody as owner." in rows[1]
    told = Event.objects.get(verb=Verb.LIST_EXPORTED)
    assert told.actor_id == str(people.ines.pk)
    assert told.facts == {
        "page": "finding_list",
        "format": form,
        "query": {"rule": "N1.2"},
        "rows": 61,
        "sha256": hashlib.sha256(body).hexdigest(),
        "is_whole": True,
    }


def test_nothing_wrong_says_so(people: People, as_: As) -> None:
    for who in (people.ines, people.omar):
        assert "Nothing is open" in as_(who).get(reverse("finding_list")).text


# --- one finding --------------------------------------------------------------------------------------


def test_one_finding_says_why_it_matters_and_what_to_do(people: People, as_: As, machine: Identity) -> None:
    page = as_(people.ines).get(reverse("finding", args=[of("N7.1").pk])).text
    rule = RULES["N7.1"]
    for words in (str(rule.rationale), str(rule.advice), "NHI7:2025", "PR.AA-01", "access key", "90"):
        assert words.replace("'", "&#x27;") in page
    assert "complian" not in page.partition("<main")[2].partition("</main>")[0].lower()


def test_every_sentence_can_be_filled_and_every_fact_has_a_name(machine: Identity, people: People) -> None:
    """Also of rules that find nothing here: with no fact known, every sentence still reads."""
    for rule in RULES.values():
        finding = Finding(rule=rule.code, subject_type="accounts.identity", subject_id="x")
        finding.subject_name = finding.subject_detail = finding.subject_key = ""  # type: ignore[attr-defined]
        line = finding_words.lines([finding])[0]
        assert line.sentence
        assert "%(" not in line.sentence
    for finding in Finding.objects.with_names():
        line = finding_words.lines([finding])[0]
        assert "%(" not in line.sentence
        assert line.subject != "no longer there"
        assert {str(label) for label, _value in finding_words.facts(finding)} <= {
            str(one) for one in finding_words.LABELS.values()
        }


def test_what_is_gone_says_when(people: People, as_: As, machine: Identity) -> None:
    Credential.objects.update(rotated_at=moment.now())
    evaluate()
    assert shown_on(as_(people.ines), state="fixed") == {"N7.1"}
    page = as_(people.ines).get(reverse("finding", args=[of("N7.1").pk])).text
    assert "Live with it until a day" not in page


# --- living with it -----------------------------------------------------------------------------------


def test_accepting_works_and_is_recorded(people: People, as_: As, machine: Identity) -> None:
    finding = of("N7.1")
    before = Identity.objects.get(pk=machine.pk).open_findings
    data = {**accept_until(30), "version": finding.version}
    response = as_(people.farid).post(reverse("finding_accept", args=[finding.pk]), data)
    assert response.status_code == 302
    finding.refresh_from_db()
    acceptance = Acceptance.objects.get(finding=finding)
    assert (finding.state, acceptance.accepted_by) == (State.ACCEPTED, people.farid)
    facts = facts_of(Event.objects.get(verb=Verb.FINDING_ACCEPTED))
    assert (facts["rule"], facts["reason"]) == ("N7.1", "The vendor needs a month")
    assert facts["until"] == str(acceptance.until)
    assert Identity.objects.get(pk=machine.pk).open_findings == before - 1
    assert "The vendor needs a month" in as_(people.ines).get(reverse("finding", args=[finding.pk])).text


def test_it_can_be_taken_back(people: People, as_: As, machine: Identity) -> None:
    finding = of("N7.1")
    findings.accept(finding, version=finding.version, by=people.farid, **accept_until(30))
    url = reverse("finding_open", args=[finding.pk])
    assert as_(people.ines).post(url, {"version": finding.version}).status_code == 302
    assert of("N7.1").state == State.OPEN
    assert facts_of(Event.objects.get(verb=Verb.FINDING_ACCEPTANCE_ENDED))["because"] == "taken_back"
    counted = Identity.objects.get(pk=machine.pk).open_findings
    assert counted == Finding.objects.open().filter(identity=machine).count()
    assert as_(people.ines).post(url, {"version": finding.version}).status_code == 409


@pytest.mark.parametrize(
    ("days", "reason", "says"),
    [(0, "x", "within a year"), (367, "x", "within a year"), (30, " ", "Say why")],
)
def test_what_an_acceptance_needs(
    people: People, machine: Identity, days: int, reason: str, says: str
) -> None:
    finding = of("N7.1")
    data = accept_until(days) | {"reason": reason}
    with pytest.raises(ValidationError, match=says):
        findings.accept(finding, version=finding.version, by=people.farid, **data)
    assert not Acceptance.objects.exists()


def test_a_form_without_its_fields_says_what_is_missing(people: People, as_: As, machine: Identity) -> None:
    response = as_(people.ines).post(reverse("finding_accept", args=[of("N7.1").pk]), {})
    assert response.status_code == 422
    assert not Acceptance.objects.exists()


def test_whoever_was_slower_is_told(people: People, machine: Identity) -> None:
    finding, seen = of("N7.1"), of("N7.1").version
    findings.accept(finding, version=seen, by=people.farid, **accept_until(30))
    with pytest.raises(Conflict):
        findings.accept(of("N7.1"), version=seen, by=people.ines, **accept_until(60))
    gone = of("N5.3")
    Finding.objects.filter(pk=gone.pk).update(state=State.FIXED, closed_at=moment.now())
    with pytest.raises(Conflict):
        findings.accept(gone, version=gone.version, by=people.ines, **accept_until(60))


@pytest.mark.parametrize("role", ["owner", "deputy", "stand_in", "application"])
def test_nobody_accepts_what_they_answer_for_where_it_is_privileged(
    bank: Bank, machine: Identity, as_: As, role: str
) -> None:
    holder = inventory.identity("Greta Berg")
    greta = user("Greta Berg", Role.SECURITY, identity=holder)
    if role == "application":
        machine.application = Application.objects.create(name="Pay", owner=holder, created_at=moment.now())
    else:
        setattr(machine, role, holder)
    machine.save()
    finding = of("N7.1")
    assert finding.is_privileged
    with pytest.raises(PermissionDenied, match="Somebody else"):
        findings.accept(finding, version=finding.version, by=greta, **accept_until(30))
    data = {**accept_until(30), "version": finding.version}
    assert as_(greta).post(reverse("finding_accept", args=[finding.pk]), data).status_code == 403
    assert "Somebody else has to decide" in as_(greta).get(reverse("finding", args=[finding.pk])).text
    Finding.objects.update(is_privileged=False)
    findings.accept(of("N7.1"), version=finding.version, by=greta, **accept_until(30))


def test_nobody_accepts_what_is_wrong_with_themselves(bank: Bank, people: People) -> None:
    grant = bank.grant(identity_of(people.ines), bank.right("LEDGER_ADMIN"))
    evaluate()
    finding = Finding.objects.get(rule="N5.2", subject_id=str(grant.pk))
    with pytest.raises(PermissionDenied, match="yourself"):
        findings.accept(finding, version=finding.version, by=people.ines, **accept_until(30))


def test_a_system_owner_does_not_accept_a_privileged_orphan(bank: Bank) -> None:
    owner = User.objects.get(pk=bank.leon.pk)
    owner.roles = [Role.SECURITY]
    owner.save()
    bank.grant(None)
    evaluate()
    finding = of("H2")
    with pytest.raises(PermissionDenied, match="Somebody else"):
        findings.accept(finding, version=finding.version, by=owner, **accept_until(30))


# --- who may see it -----------------------------------------------------------------------------------


def test_an_outsider_finds_nothing_and_a_reader_changes_nothing(
    people: People, as_: As, machine: Identity
) -> None:
    finding = of("N7.1")
    one, accept, reopen = (
        reverse(name, args=[finding.pk]) for name in ("finding", "finding_accept", "finding_open")
    )
    data = {**accept_until(30), "version": finding.version}
    for outsider in (people.omar, people.tomas, people.ruth, people.aiko, people.elena):
        client = as_(outsider)
        assert client.get(one).status_code == 404
        assert client.post(accept, data).status_code == 404
        assert shown_on(client) == set()
    reader = as_(people.mikael)
    assert reader.get(one).status_code == 200
    assert reader.post(accept, data).status_code == 403
    assert reader.post(reopen, data).status_code == 403
    assert of("N7.1").state == State.OPEN


@pytest.mark.parametrize("role", ["owner", "deputy", "stand_in", "application", "system"])
def test_owners_see_what_is_wrong_with_their_machines(
    people: People, as_: As, bank: Bank, machine: Identity, role: str
) -> None:
    holder = identity_of(people.omar)
    if role == "system":
        bank.system.owner = holder
        bank.system.save()
    elif role == "application":
        machine.application = Application.objects.create(name="Pay", deputy=holder, created_at=moment.now())
    else:
        setattr(machine, role, holder)
    machine.save()
    bank.machine("svc-others")
    evaluate()
    client = as_(people.omar)
    found = shown_on(client, state="all")
    assert {"N7.1", "N5.2"} <= found
    assert "N1.2" not in found  # of a machine that is none of theirs, and on no system
    assert shown_on(client, mine="on", state="all") == found
    assert client.get(reverse("finding", args=[of("N7.1").pk])).status_code == 200
    assert reverse("finding_list") in client.get(reverse("my_machines")).text


def test_a_person_does_not_see_findings_about_themselves(people: People, as_: As, bank: Bank) -> None:
    bank.grant(identity_of(people.omar))
    evaluate()
    assert shown_on(as_(people.omar)) == set()


# --- the panel on the identity's page -------------------------------------------------------------------


def test_the_panel_of_an_identity(
    people: People, as_: As, machine: Identity, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    url = reverse("identity_findings", args=[machine.pk])
    client = as_(people.ines)
    panel = client.get(url, headers={"HX-Request": "true"}).text
    assert "<html" not in panel
    assert "A secret is too old" in panel
    assert "<html" in client.get(url).text
    with django_assert_max_num_queries(6):  # two of them for the session and its user
        client.get(url, headers={"HX-Request": "true"})


def test_the_panel_says_what_is_not_ones_own_to_see(people: People, as_: As, machine: Identity) -> None:
    url = reverse("identity_findings", args=[machine.pk])
    assert as_(people.omar).get(url).status_code == 404
    hr = as_(people.ruth).get(url).text
    assert "not yours to see" in hr
    assert "A secret is too old" not in hr


def test_accepted_ones_stand_last_in_the_panel(people: People, as_: As, machine: Identity) -> None:
    first = as_(people.ines).get(reverse("identity_findings", args=[machine.pk])).context["lines"][0].finding
    findings.accept(first, version=first.version, by=people.farid, **accept_until(30))
    lines = as_(people.ines).get(reverse("identity_findings", args=[machine.pk])).context["lines"]
    assert lines[-1].finding.pk == first.pk
