"""HR readings: engagements, identities, managers, and who is who."""

from datetime import date

import pytest

from accounts.models import Engagement, Identity, ImportRun, OffboardingCase
from portal.audit import cards
from portal.audit.models import Card, Event, Payload
from tests.factories import readings
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

HEADER = "employee number,name,email,department,manager number,start date,end date,status\n"
THREE = (
    HEADER
    + "1,Marguerite Duval,duval@bank.test,Board,,2015-01-01,,active\n"
    + "7,Tomas Brandt,brandt@bank.test,Treasury,1,2018-05-01,,active\n"
    + "9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,,active\n"
)


def identity(name: str) -> Identity:
    return Identity.objects.get(name=name)


def test_people_come_with_engagement_manager_and_card() -> None:
    hr = readings.source(employer="Nordhaven Bank")
    run = applied(hr, THREE, day(1))
    assert run.state == ImportRun.State.APPLIED
    assert run.counts["person"] == {"read": 3, "matched": 0, "new": 3, "changed": 0, "returned": 0, "gone": 0}
    dana = identity("Dana Kovac")
    assert (dana.kind, dana.email, dana.department, dana.status) == (
        "human",
        "kovac@bank.test",
        "Treasury",
        "active",
    )
    assert dana.manager == identity("Tomas Brandt")
    assert identity("Marguerite Duval").manager is None
    engagement = dana.engagements.get()
    assert (engagement.number, engagement.employer, engagement.starts_on) == (
        "9",
        "Nordhaven Bank",
        date(2021, 2, 1),
    )
    assert cards.read(dana.card) == {"kind": "human", "name": "Dana Kovac"}


def test_a_card_made_in_the_database_is_the_one_the_portal_would_write() -> None:
    name = 'O’Neil "Zoë"\\ \t\x7f Ünal'
    applied(readings.source(), f'number,name\n1,"{name.replace(chr(34), chr(34) * 2)}"\n')
    made = Identity.objects.get()
    from_sql = Card.objects.get(digest=made.card)
    cards.write("identity", made.pk, {"kind": "human", "name": made.name})
    from_python = Card.objects.exclude(digest=made.card).get(type="identity")
    assert made.name == name
    assert from_sql.body is not None
    assert from_python.body is not None
    assert bytes(from_sql.body) == bytes(from_python.body)


def test_the_event_counts_and_commits_to_what_changed() -> None:
    run = applied(readings.source(), THREE, day(1))
    event = Event.objects.about(run).get(verb="import.applied")
    facts = Payload.objects.get(event=event).facts
    assert event.actor_id == str(readings.iam().pk)
    assert facts is not None
    assert facts["counts"]["person"]["new"] == 3
    assert facts["changed"] == 6  # three identities and three engagements
    assert len(facts["changed_digest"]) == 64


def test_the_same_file_twice_changes_nothing() -> None:
    hr = readings.source()
    applied(hr, THREE, day(1))
    before = list(Identity.objects.order_by("pk").values())
    run = previewed(hr, THREE, day(2))
    assert run.counts["person"] == {"read": 3, "matched": 3, "new": 0, "changed": 0, "returned": 0, "gone": 0}
    run = readings.apply(run)
    facts = Payload.objects.get(event__verb="import.applied", event__subject_id=str(run.pk)).facts
    assert facts is not None
    assert facts["changed"] == 0
    assert list(Identity.objects.order_by("pk").values()) == before


def test_a_new_name_writes_a_new_card_and_keeps_the_old() -> None:
    hr = readings.source()
    applied(hr, THREE, day(1))
    before = identity("Dana Kovac")
    run = applied(hr, THREE.replace("Dana Kovac", "Dana Berg"), day(2))
    after = Identity.objects.get(pk=before.pk)
    assert run.counts["person"]["changed"] == 1
    assert after.version == before.version + 1
    assert cards.read(after.card) == {"kind": "human", "name": "Dana Berg"}
    assert cards.read(before.card) == {"kind": "human", "name": "Dana Kovac"}


def test_a_missing_row_is_marked_and_ends_nothing() -> None:
    hr = readings.source()
    applied(hr, THREE, day(1))
    run = applied(
        hr, THREE.replace("9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,,active\n", ""), day(2)
    )
    dana = identity("Dana Kovac")
    assert run.counts["person"]["gone"] == 1
    assert dana.engagements.get().gone_run == run
    assert dana.status == "active"
    assert applied(hr, THREE, day(3)).counts["person"]["returned"] == 1
    assert dana.engagements.get().gone_run is None


@pytest.mark.parametrize("mapping", [{}, {"complete": "no"}])
def test_nothing_is_missing_from_a_file_that_does_not_list_everything(mapping: dict[str, str]) -> None:
    hr = readings.source(mapping=mapping)
    applied(hr, THREE, day(1))
    run = applied(hr, HEADER + "1,Marguerite Duval,,,,,,\n", day(2))
    assert run.counts["person"]["gone"] == 0
    assert not Engagement.objects.exclude(gone_run=None).exists()


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ("9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,,left\n", "left"),
        ("9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,2026-01-31,active\n", "left"),
        ("9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,2027-01-31,active\n", "active"),
        ("9,Dana Kovac,kovac@bank.test,Treasury,7,2021-02-01,,on leave\n", "on_leave"),
    ],
)
def test_an_identity_has_left_when_no_engagement_runs(row: str, status: str) -> None:
    hr = readings.source()
    applied(hr, THREE, day(1))
    applied(hr, THREE.rpartition("9,Dana")[0] + row, day(2))
    assert identity("Dana Kovac").status == status


def test_an_end_that_is_taken_back_in_the_file_is_taken_back() -> None:
    hr = readings.source()
    ended = "9,Dana Kovac,k@bank.test,Treasury,7,2021-02-01,2026-01-31,active\n"
    other = HEADER + "1,Marguerite Duval,d@bank.test,Board,,2015-01-01,2030-12-31,active\n"
    applied(hr, other + ended, day(1))
    assert identity("Dana Kovac").status == "left"
    applied(hr, other + ended.replace("2026-01-31", ""), day(2))
    assert identity("Dana Kovac").status == "active"


def test_two_numbers_of_one_person_are_one_identity_with_two_engagements() -> None:
    hr = readings.source()
    applied(hr, HEADER + "C-4,Chiara Neri,neri@bank.test,Fraud,,2023-01-01,2026-02-28,left\n", day(1))
    run = previewed(
        hr,
        HEADER
        + "C-4,Chiara Neri,neri@bank.test,Fraud,,2023-01-01,2026-02-28,left\n"
        + "31,Chiara Neri,NERI@bank.test,Fraud,,2026-03-01,,active\n",
        day(2),
    )
    assert run.preview["joined"]["count"] == 1
    readings.apply(run)
    chiara = identity("Chiara Neri")
    assert sorted(chiara.engagements.values_list("number", flat=True)) == ["31", "C-4"]
    assert chiara.status == "active"


def test_both_numbers_in_the_first_file_are_one_identity_too() -> None:
    applied(
        readings.source(),
        HEADER
        + "C-4,Chiara Neri,neri@bank.test,,,2023-01-01,,left\n"
        + "31,Chiara Neri,neri@bank.test,,,2026-03-01,,active\n",
    )
    assert identity("Chiara Neri").engagements.count() == 2


def test_a_like_name_alone_joins_nobody_and_is_shown() -> None:
    hr = readings.source()
    applied(hr, HEADER + "1,Peter Lang,peter.lang@bank.test,,,,,active\n", day(1))
    fjordpay = readings.source(employer="Fjordpay")
    run = previewed(fjordpay, HEADER + "1,Peter Lang,lang@fjordpay.test,,,,,active\n", day(1))
    assert run.preview["namesakes"] == {"count": 1, "sample": [["Peter Lang", "1"]]}
    readings.apply(run)
    assert Identity.objects.filter(name="Peter Lang").count() == 2


def test_a_leavers_address_given_to_another_person_joins_nobody() -> None:
    hr = readings.source()
    applied(hr, HEADER + "1,John Smith,jsmith@bank.test,,,2010-01-01,2025-05-31,left\n", day(1))
    run = previewed(
        hr,
        HEADER
        + "1,John Smith,jsmith@bank.test,,,2010-01-01,2025-05-31,left\n"
        + "2,Jon Smith,jsmith@bank.test,,,2026-01-01,,active\n",
        day(2),
    )
    assert {"code": "shared_addresses", "count": 2} in run.preview["warnings"]
    readings.apply(run)
    assert identity("John Smith") != identity("Jon Smith")


def test_a_leavers_address_in_a_later_file_joins_nobody_either() -> None:
    hr = readings.source(mapping={})
    applied(hr, HEADER + "1,John Smith,jsmith@bank.test,,,2010-01-01,2025-05-31,left\n", day(1))
    run = previewed(hr, HEADER + "2,Jon Smith,jsmith@bank.test,,,2026-01-01,,active\n", day(2))
    assert {"code": "leavers_addresses", "count": 1} in run.preview["warnings"]
    readings.apply(run)
    assert identity("John Smith") != identity("Jon Smith")


def test_an_address_that_the_file_gives_to_somebody_else_now_joins_nobody() -> None:
    hr = readings.source()
    applied(hr, HEADER + "1,Ann Low,desk@bank.test,,,,,active\n", day(1))
    both = "1,Ann Low,ann@bank.test,,,,,active\n2,Bo High,desk@bank.test,,,,,active\n"
    applied(hr, HEADER + both, day(2))
    assert identity("Ann Low") != identity("Bo High")


def test_whose_access_was_ended_stays_away_until_hr_says_more() -> None:
    hr = readings.source()
    applied(hr, THREE, day(1))
    dana = identity("Dana Kovac")
    Identity.objects.filter(pk=dana.pk).update(status="left")
    OffboardingCase.objects.create(
        code="OFF-2026-01",
        identity=dana,
        reason="dismissed",
        local_time="2026-03-04T16:00",
        zone="UTC",
        effective_at=day(2),
        started_by_id=readings.iam().pk,
        created_at=day(1),
        begun_at=day(2),
        state="running",
    )
    applied(hr, THREE.replace("kovac@bank.test,Treasury", "kovac@bank.test,Funding"), day(3))
    assert identity("Dana Kovac").status == "left"
    again = "12,Dana Kovac,kovac@bank.test,Funding,7,2026-03-01,,active\n"
    applied(hr, THREE.replace("kovac@bank.test,Treasury", "kovac@bank.test,Funding") + again, day(4))
    assert identity("Dana Kovac").status == "active"  # engaged again under another number


def test_the_same_address_of_two_names_joins_nobody() -> None:
    applied(readings.source(), HEADER + "1,Ann Low,desk@bank.test,,,,,\n2,Bo High,desk@bank.test,,,,,\n")
    assert Identity.objects.count() == 2


def test_a_number_for_two_companies_in_one_source_is_rejected() -> None:
    run = previewed(
        readings.source(), "number,name,company\n1,Ann Low,Nordhaven\n1,Bo High,Fjordpay\n2,Cy Mid,Fjordpay\n"
    )
    assert run.rejected == 2
    assert [(reject.line, reject.code) for reject in run.rejects.all()] == [
        (2, "number_of_two_companies"),
        (3, "number_of_two_companies"),
    ]
    assert run.counts["person"]["new"] == 1


def test_missing_own_and_circular_managers_are_none_and_counted() -> None:
    hr = readings.source()
    text = (
        "number,name,manager number\n"
        "1,Ann,2\n2,Bo,3\n3,Cy,1\n"  # a circle
        "4,Di,1\n"  # below it
        "5,Ed,5\n6,Flo,77\n"
    )
    run = previewed(hr, text, day(1))
    assert {"code": "unknown_managers", "count": 1} in run.preview["warnings"]
    assert {"code": "circular_managers", "count": 3} in run.preview["warnings"]
    readings.apply(run)
    managers = dict(Identity.objects.values_list("name", "manager__name"))
    assert managers == {"Ann": None, "Bo": None, "Cy": None, "Di": "Ann", "Ed": None, "Flo": None}
    again = previewed(hr, text, day(2))
    assert again.counts["person"]["changed"] == 0


def test_values_that_do_not_fit_are_rejected_with_their_line() -> None:
    run = previewed(readings.source(), f"number,name\n1,Ann\n2,{'x' * 201}\n")
    reject = run.rejects.get()
    assert (reject.line, reject.code) == (3, "too_long")
    assert "at most 200" in reject.reason
