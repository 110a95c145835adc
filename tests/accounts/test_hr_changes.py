"""Joiners, movers, leavers and returners by comparison of HR readings, and what follows from them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import Identity, ImportRun, OffboardingCase, PersonChange, Source
from accounts.services import joiners, offboarding
from portal import moment
from portal.audit.models import Event, Payload
from portal.users.models import User
from tests.conftest import As
from tests.factories import readings
from tests.factories.people import People, identity_of
from tests.factories.readings import applied, day

pytestmark = pytest.mark.django_db

HEADER = "number,name,email,title,department,manager number,end date,status\n"
BOSS = "1,Marguerite Duval,duval@bank.test,CEO,Board,,,active\n"
TOMAS = "7,Tomas Brandt,brandt@bank.test,Head,Treasury,1,,active\n"
DANA = "9,Dana Kovac,kovac@bank.test,DBA,Treasury,7,,active\n"
ALEX = "12,Alex Berg,berg@bank.test,Analyst,Treasury,7,,active\n"
ALL = HEADER + BOSS + TOMAS + DANA + ALEX


@pytest.fixture
def hr(db: None) -> Source:
    """A source with one reading."""
    source = readings.source(employer="Nordhaven Bank")
    applied(source, ALL, day(1))
    return source


def changes(run: ImportRun, kind: str) -> list[str]:
    """Whom a reading changed in this way, by name."""
    found = PersonChange.objects.filter(run=run, kind=kind).select_related("identity")
    return sorted(one.identity.name if one.identity else one.before["unit"] for one in found)


def test_the_first_reading_compares_with_nothing(hr: Source) -> None:
    assert not PersonChange.objects.exists()


def test_an_unchanged_reading_says_nothing(hr: Source) -> None:
    applied(hr, ALL, day(2))
    assert not PersonChange.objects.exists()


def test_a_new_number_joins(hr: Source) -> None:
    run = applied(hr, ALL + "20,Samir Haddad,haddad@bank.test,Clerk,Treasury,7,,active\n", day(2))
    change = PersonChange.objects.get()
    assert (change.run, change.kind, change.number, change.before) == (run, "joined", "20", {})
    manager = str(Identity.objects.get(name="Tomas Brandt").pk)
    assert change.after == {"unit": "Treasury", "title": "Clerk", "manager": manager}


def test_a_second_number_of_somebody_known_is_told_apart(hr: Source) -> None:
    applied(hr, ALL + "90,Dana Kovac,kovac@bank.test,DBA,Treasury,7,,active\n", day(2))
    change = PersonChange.objects.get(kind="joined")
    assert change.before == {"status": "engaged"}
    assert change.identity == Identity.objects.get(name="Dana Kovac")


def test_unit_title_and_manager_are_moves_with_before_and_after(hr: Source) -> None:
    run = applied(hr, ALL.replace("DBA,Treasury,7", "Architect,Payments,1"), day(2))
    change = PersonChange.objects.get()
    boss, tomas = (Identity.objects.get(name=name) for name in ("Marguerite Duval", "Tomas Brandt"))
    assert (change.run, change.kind, change.fields) == (run, "moved", ["unit", "title", "manager"])
    assert change.before == {"unit": "Treasury", "title": "DBA", "manager": str(tomas.pk)}
    assert change.after == {"unit": "Payments", "title": "Architect", "manager": str(boss.pk)}


def test_a_new_name_or_address_is_no_move_and_is_not_kept_here(hr: Source) -> None:
    applied(hr, ALL.replace("Dana Kovac,kovac@", "Dana Berg,berg2@"), day(2))
    assert not PersonChange.objects.exists()


def test_what_was_unknown_is_no_move(db: None) -> None:
    source = readings.source()
    applied(source, "number,name\n9,Dana Kovac\n", day(1))
    applied(source, "number,name,title,department\n9,Dana Kovac,DBA,Treasury\n", day(2))
    assert not PersonChange.objects.exists()


def test_a_renamed_unit_moves_nobody(hr: Source) -> None:
    run = applied(hr, ALL.replace("Treasury", "Liquidity"), day(2))
    change = PersonChange.objects.get()
    assert (change.kind, change.identity, change.people) == ("renamed", None, 3)
    assert (change.before, change.after) == ({"unit": "Treasury"}, {"unit": "Liquidity"})
    assert changes(run, "moved") == []


def test_whoever_changes_more_than_the_name_of_the_unit_has_moved(hr: Source) -> None:
    run = applied(hr, ALL.replace("Treasury", "Liquidity").replace("DBA", "Architect"), day(2))
    assert changes(run, "renamed") == ["Treasury"]
    assert PersonChange.objects.get(kind="moved").fields == ["title"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ALL.replace("DBA,Treasury", "DBA,Liquidity"), id="one alone to a new name"),
        pytest.param(ALL.replace("Treasury", "Board"), id="together to a name that was there"),
    ],
)
def test_moves_that_only_look_like_a_renaming(hr: Source, text: str) -> None:
    run = applied(hr, text, day(2))
    assert changes(run, "renamed") == []
    assert "Dana Kovac" in changes(run, "moved")


def test_a_missing_row_proposes_and_one_that_says_left_does_not(hr: Source) -> None:
    text = (HEADER + BOSS + TOMAS + ALEX).replace("Analyst,Treasury,7,,active", "Analyst,Treasury,7,,left")
    run = applied(hr, text, day(2))
    assert changes(run, "left") == ["Alex Berg", "Dana Kovac"]
    assert PersonChange.objects.get(identity__name="Dana Kovac").is_proposed
    assert not PersonChange.objects.get(identity__name="Alex Berg").is_proposed
    assert [one.identity and one.identity.name for one in PersonChange.objects.all().proposals()] == [
        "Dana Kovac"
    ]
    assert not OffboardingCase.objects.exists()
    assert Identity.objects.get(name="Dana Kovac").status == "active"


def test_a_second_number_that_ends_is_no_leaver(hr: Source) -> None:
    applied(hr, ALL + "90,Dana Kovac,kovac@bank.test,DBA,Treasury,7,,active\n", day(2))
    run = applied(hr, ALL, day(3))
    assert (changes(run, "left"), changes(run, "ended")) == ([], ["Dana Kovac"])
    assert not PersonChange.objects.all().proposals().exists()


def test_an_engagement_in_another_company_goes_on(hr: Source) -> None:
    fjordpay = readings.source(employer="Fjordpay")
    applied(fjordpay, HEADER + "3,Dana Kovac,kovac@bank.test,DBA,Treasury,,,active\n", day(1))
    run = applied(hr, HEADER + BOSS + TOMAS + ALEX, day(2))
    assert (changes(run, "left"), changes(run, "ended")) == ([], ["Dana Kovac"])


def test_a_row_that_comes_back_ends_the_proposal(hr: Source) -> None:
    applied(hr, HEADER + BOSS + TOMAS + ALEX, day(2))
    run = applied(hr, ALL, day(3))
    change = PersonChange.objects.get(run=run)
    assert (change.kind, change.before) == ("returned", {"status": "missing"})
    assert not PersonChange.objects.all().proposals().exists()


def test_missing_again_is_proposed_once(hr: Source) -> None:
    for number, text in enumerate((HEADER + BOSS + TOMAS + ALEX, ALL, HEADER + BOSS + TOMAS + ALEX), start=2):
        run = applied(hr, text, day(number))
    assert [one.run for one in PersonChange.objects.all().proposals()] == [run]


def test_a_partial_reading_lets_nobody_go(db: None) -> None:
    source = readings.source(mapping={})
    applied(source, ALL, day(1))
    applied(source, HEADER + BOSS, day(2))
    assert not PersonChange.objects.exists()


def test_dismissing_is_recorded_and_done_once(people: People, hr: Source) -> None:
    applied(hr, HEADER + BOSS + TOMAS + ALEX, day(2))
    proposed = PersonChange.objects.get()
    joiners.dismiss(proposed.pk, because="on loan to Fjordpay", by=people.ruth)
    assert not PersonChange.objects.all().proposals().exists()
    event = Event.objects.about(proposed).get(verb="leaver.declined")
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert (facts["because"], event.actor_id) == ("on loan to Fjordpay", str(people.ruth.pk))
    with pytest.raises(ValidationError):
        joiners.dismiss(proposed.pk, because="again", by=people.ruth)


def test_many_movers_propose_one_campaign(people: People, as_: As) -> None:
    source = readings.source(employer="Nordhaven Bank")
    rows = [f"{n},Person {n},p{n}@bank.test,Clerk,Unit {n % 3},,,active\n" for n in range(100, 140)]
    applied(source, HEADER + BOSS + "".join(rows), day(1))
    moved = [row.replace("Clerk", "Officer") if n < 26 else row for n, row in enumerate(rows)]
    run = applied(source, HEADER + BOSS + "".join(moved), day(2))
    assert [(wave.run, wave.movers) for wave in joiners.waves()] == [(run, 26)]
    ines = as_(people.ines)
    url = f"{reverse('campaign_new')}?movers={run.pk}"
    assert url in ines.get("/").content.decode()
    form = ines.get(url).content.decode()
    assert f"Movers of {day(2):%Y-%m-%d}" in form
    assert reverse("campaign_new") not in as_(people.mikael).get("/").content.decode()


def test_as_many_as_are_usual_propose_none(db: None) -> None:
    source = readings.source()
    rows = [f"{n},Person {n},p{n}@bank.test,Clerk,Unit {n % 3},,,active\n" for n in range(100, 140)]
    applied(source, HEADER + "".join(rows), day(1))
    applied(
        source, HEADER + "".join([row.replace("Clerk", "Officer") for row in rows[:25]] + rows[25:]), day(2)
    )
    assert joiners.waves() == []


# --- Pages --------------------------------------------------------------------------------------------


@pytest.fixture
def missing(people: People, hr: Source) -> ImportRun:
    """A reading without Dana."""
    return applied(hr, HEADER + BOSS + TOMAS + ALEX, day(2))


def shown(client: Client, run: ImportRun, **query: str) -> str:
    answer = client.get(reverse("hr_changes", args=[run.source_id]), {"run": str(run.pk), **query})
    assert answer.status_code == 200
    return answer.content.decode()


def plan(person: Identity, by: User) -> OffboardingCase:
    return offboarding.schedule(
        person,
        reason=OffboardingCase.Reason.RESIGNED,
        local_time=(moment.now() + timedelta(days=3)).replace(tzinfo=None, second=0, microsecond=0),
        zone="UTC",
        actor=by.actor,
    )


def test_the_page_shows_kinds_and_hr_may_act(missing: ImportRun, people: People, as_: As) -> None:
    html = shown(as_(people.ruth), missing)
    assert "Dana Kovac" in html
    assert "offboarding proposed" in html
    assert "Plan the offboarding" in html
    assert "Plan the offboarding" not in shown(as_(people.mikael), missing)
    assert "Nothing of this kind" in shown(as_(people.ruth), missing, kind="joined")


def test_a_planned_case_shows_to_hr_alone(missing: ImportRun, people: People, as_: As) -> None:
    before = {name: shown(as_(getattr(people, name)), missing, kind="left") for name in ("mikael", "ines")}
    case = plan(Identity.objects.get(name="Dana Kovac"), people.ruth)
    html = shown(as_(people.ruth), missing, kind="left")
    assert case.code in html
    assert "offboarding proposed" not in html
    for name, was in before.items():
        now = shown(as_(getattr(people, name)), missing, kind="left")
        assert case.code not in now
        assert now.count("offboarding proposed") == was.count("offboarding proposed") == 1
        listed = as_(getattr(people, name)).get(reverse("leaver_list")).content.decode()
        assert "Dana Kovac" in listed
    assert "Dana Kovac" not in as_(people.ruth).get(reverse("leaver_list")).content.decode()


def test_nobody_sees_that_their_own_row_is_missing(missing: ImportRun, people: People, as_: As) -> None:
    dana = Identity.objects.get(name="Dana Kovac")
    User.objects.filter(pk=people.ruth.pk).update(identity_id=dana.pk)
    assert "Dana Kovac" not in shown(as_(people.ruth), missing, kind="left")
    key = PersonChange.objects.get().pk
    assert as_(people.ruth).get(reverse("leaver_dismiss", args=[key])).status_code == 404


def test_home_of_hr_counts_what_waits(missing: ImportRun, people: People, as_: As) -> None:
    assert reverse("leaver_list") in as_(people.ruth).get("/").content.decode()


def test_dismissing_by_page(missing: ImportRun, people: People, as_: As) -> None:
    key = PersonChange.objects.get().pk
    url = reverse("leaver_dismiss", args=[key])
    assert as_(people.omar).get(url).status_code == 404
    assert as_(people.mikael).post(url, {"because": "x"}).status_code == 403
    assert as_(people.ruth).post(url, {"because": " "}).status_code == 422
    assert as_(people.ruth).post(url, {"because": "on loan"}).status_code == 302
    assert "on loan" in shown(as_(people.mikael), missing, kind="left")


@pytest.mark.parametrize(
    ("name", "status"), [("ines", 200), ("mikael", 200), ("ruth", 200), ("farid", 404), ("omar", 404)]
)
def test_who_sees_the_page(missing: ImportRun, people: People, as_: As, name: str, status: int) -> None:
    client = as_(getattr(people, name))
    assert client.get(reverse("hr_changes", args=[missing.source_id])).status_code == status


def test_a_source_of_a_system_has_no_such_page(people: People, as_: As) -> None:
    source = readings.source(readings.system())
    assert as_(people.mikael).get(reverse("hr_changes", args=[source.pk])).status_code == 404


def test_no_reading_and_a_first_reading(people: People, as_: As) -> None:
    source = readings.source()
    url = reverse("hr_changes", args=[source.pk])
    assert "No reading of this source" in as_(people.mikael).get(url).content.decode()
    applied(source, ALL, day(1))
    assert "first reading" in as_(people.mikael).get(url).content.decode()


def test_a_reading_of_another_source_is_not_found(missing: ImportRun, people: People, as_: As) -> None:
    other = readings.source()
    url = reverse("hr_changes", args=[other.pk])
    assert as_(people.mikael).get(url, {"run": str(missing.pk)}).status_code == 404


def test_long_lists_come_in_pages_with_few_questions(
    missing: ImportRun, people: People, as_: As, django_assert_max_num_queries: object
) -> None:
    assert identity_of(people.ruth) is not None
    for number in range(120):
        person = Identity.objects.create(kind="human", name=f"Gone {number:03}")
        PersonChange.objects.create(run=missing, identity=person, kind="left", is_proposed=True)
    client, seen, after = as_(people.ruth), [], ""
    while True:
        with django_assert_max_num_queries(13):  # type: ignore[operator]  # a fixture of pytest-django
            answer = client.get(
                reverse("hr_changes", args=[missing.source_id]),
                {"run": str(missing.pk), "kind": "left", "after": after},
            )
        seen += [row.change.identity.name for row in answer.context["rows"]]
        after = answer.context["found"].after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 121
    assert seen == sorted(seen, key=str.lower)
