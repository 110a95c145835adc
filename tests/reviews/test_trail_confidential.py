"""The trail says nothing of an offboarding before its hour: no line, no count, no page, no filter."""

import pytest
from django.urls import reverse

from accounts.models import OffboardingCase
from accounts.services import offboarding
from portal import moment
from portal.audit.models import Event
from portal.users import services
from portal.users.roles import Role
from tests.conftest import As
from tests.factories import leaver
from tests.factories.people import People

pytestmark = pytest.mark.django_db

QUERIES = ["", "?verb=offboarding", "?subject=accounts.offboardingcase", "?actor=ruth"]


@pytest.fixture
def dana(people: People) -> leaver.Leaver:
    return leaver.dana(people)


def lines(text: str) -> str:
    return text.partition("<tbody>")[2]


@pytest.mark.parametrize("query", QUERIES)
def test_before_the_hour_nothing(people: People, as_: As, dana: leaver.Leaver, query: str) -> None:
    before = as_(people.ines).get(reverse("trail") + query)
    case = leaver.planned(dana, people.ruth)
    after = as_(people.ines).get(reverse("trail") + query)
    assert after.context["events"].paginator.count == before.context["events"].paginator.count
    assert "offboarding.scheduled" not in lines(after.text)
    event = Event.objects.about(case).get()
    assert as_(people.ines).get(reverse("trail_event", args=[event.uid])).status_code == 404
    by_key = as_(people.ines).get(f"{reverse('trail')}?subject={event.about}")
    assert by_key.context["events"].paginator.count == 0


def test_what_was_cancelled_before_its_hour_stays_untold(
    people: People, as_: As, dana: leaver.Leaver
) -> None:
    case = leaver.planned(dana, people.ruth)
    with moment.simulated(leaver.BEFORE):
        offboarding.cancel(case, version=case.version, actor=people.ruth.actor)
    assert "offboarding." not in lines(as_(people.ines).get(reverse("trail")).text)


def test_after_the_hour_everything(people: People, as_: As, dana: leaver.Leaver) -> None:
    case = leaver.begun(dana, people.ruth)
    page = as_(people.ines).get(f"{reverse('trail')}?verb=offboarding").text
    assert "offboarding.scheduled" in lines(page)
    assert "offboarding.begun" in lines(page)
    event = Event.objects.about(case).earliest("id")
    assert as_(people.ines).get(reverse("trail_event", args=[event.uid])).status_code == 200


def test_whoever_may_know_of_the_case_reads_its_lines(people: People, as_: As, dana: leaver.Leaver) -> None:
    services.set_roles(people.ines, [Role.COMPLIANCE, Role.HR], actor=people.mikael.actor)
    leaver.planned(dana, people.ruth)
    assert OffboardingCase.objects.visible_to(people.ines).exists()
    assert "offboarding.scheduled" in lines(as_(people.ines).get(reverse("trail")).text)
