"""HR plans an offboarding: found by search, planned in three steps, moved, cancelled; nobody else can."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Identity, OffboardingCase
from accounts.services import offboarding
from portal import moment
from portal.audit.models import Event
from portal.audit.versions import Conflict
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db
NEW = "/offboarding/new/"


def hour(person: Identity, **changed: str) -> dict[str, str]:
    day = timezone.localtime(moment.now()).date().replace(month=12, day=1)
    sent = {
        "identity": str(person.pk),
        "reason": "dismissed",
        "day": f"{day:%Y-%m-%d}",
        "hour": "16:00",
        "zone": "Europe/Berlin",
    }
    return sent | changed


def post(client: Client, step: str, **sent: str) -> Any:
    return client.post(NEW, {"step": step, **sent})


@pytest.mark.parametrize("words", ["kovac", "dana@nordhaven.test", "e-1044"])
def test_a_person_is_found_by_name_address_or_number(people: People, as_: As, words: str) -> None:
    leaver.dana(people)
    found = post(as_(people.ruth), "search", q=words)
    assert found.status_code == 200
    assert "Dana Kovac" in found.text
    assert "E-1044" in found.text


def test_the_preview_counts_kinds_and_names_nothing(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    client = as_(people.ruth)
    for shown in (
        post(client, "choose", identity=str(dana.person.pk)),
        post(client, "hour", **hour(dana.person)),
    ):
        assert shown.status_code == 200
        assert "Machine identities they answer for" in shown.text
        for name in ("LEDGER_ADMIN", "booked payments", "dkovac", "SHA256:dana", "opsdesk", "bot-recon"):
            assert name not in shown.text
    assert not OffboardingCase.objects.exists()


def test_planning_makes_one_case_and_one_event(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    answer = post(as_(people.ruth), "plan", **hour(dana.person))
    case = OffboardingCase.objects.get()
    assert answer.url == reverse("offboarding", args=[case.code])
    assert (case.identity, case.state, case.reason) == (dana.person, "planned", "dismissed")
    assert case.code.startswith("OFF-20")
    assert [event.verb for event in Event.objects.about(case)] == ["offboarding.scheduled"]
    assert not case.lines.exists()
    page = as_(people.ruth).get(answer.url)
    assert "Confidential until 16:00" in page.text
    assert "dismissed" in page.text


def test_one_case_at_a_time(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    client = as_(people.ruth)
    post(client, "plan", **hour(dana.person))
    again = post(client, "plan", **hour(dana.person))
    assert "There is a case for Dana Kovac already" in again.text
    assert OffboardingCase.objects.count() == 1


@pytest.mark.parametrize("step", ["choose", "hour", "plan"])
def test_machines_leavers_oneself_and_strangers_are_not_offered(people: People, as_: As, step: str) -> None:
    dana = leaver.dana(people)
    gone = inventory.identity("Left Long Ago", status=Identity.Status.LEFT)
    client = as_(people.ruth)
    for key in (dana.watched.pk, gone.pk, identity_of(people.ruth).pk, "nonsense", ""):
        assert post(client, step, **hour(dana.person, identity=str(key))).status_code == 404
    assert not OffboardingCase.objects.exists()


def test_the_search_does_not_offer_oneself(people: People, as_: As) -> None:
    found = post(as_(people.ruth), "search", q="oyelaran").text
    assert str(people.ruth.identity_id) not in found
    assert "Nobody who is here fits" in found


def test_an_ambiguous_hour_gets_a_choice_and_keeps_what_was_typed(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    client = as_(people.ruth)
    with moment.simulated(leaver.BEFORE):
        sent = hour(dana.person, day="2026-10-25", hour="02:30")
        asked = post(client, "hour", **sent)
        assert "comes twice" in asked.text
        assert 'name="which"' in asked.text
        post(client, "plan", **sent, which="second")
    assert f"{OffboardingCase.objects.get().effective_at:%Y-%m-%d %H:%M}" == "2026-10-25 01:30"


def test_another_hour_needs_the_version_that_was_seen(people: People, as_: As) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    client, url = as_(people.ruth), reverse("offboarding_hour", args=[case.code])
    sent = {"day": "2026-10-07", "hour": "09:00", "zone": "Europe/Berlin", "version": str(case.version)}
    with moment.simulated(leaver.BEFORE):
        assert "2026-10-06" in client.get(url).text
        assert client.post(url, sent).status_code == 302
        assert client.post(url, sent | {"hour": "10:00"}).status_code == 409
    case.refresh_from_db()
    assert case.local_time == "2026-10-07T09:00"
    assert [event.verb for event in Event.objects.about(case).order_by("id")] == [
        "offboarding.scheduled",
        "offboarding.rescheduled",
    ]


def test_cancelled_is_as_if_it_had_never_been(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    case = leaver.planned(dana, people.ruth)
    client, url = as_(people.ruth), reverse("offboarding_cancel", args=[case.code])
    assert client.post(url, {"version": "99"}).status_code == 409
    assert client.post(url, {"version": str(case.version)}).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.begun_at) == ("cancelled", None)
    with pytest.raises(Conflict):
        offboarding.begin(case, at=leaver.HOUR)
    dana.person.refresh_from_db()
    assert (dana.person.status, dana.person.version) == ("active", 1)
    leaver.planned(dana, people.ruth)  # and it can be planned anew


def test_after_the_hour_it_can_neither_be_moved_nor_cancelled(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    client, version = as_(people.ruth), str(case.version)
    refused = client.post(reverse("offboarding_cancel", args=[case.code]), {"version": version})
    assert refused.status_code == 422
    assert "It has begun" in refused.text
    sent = {"day": "2026-12-07", "hour": "09:00", "zone": "Europe/Berlin", "version": version}
    with moment.simulated(leaver.HOUR):
        assert client.post(reverse("offboarding_hour", args=[case.code]), sent).status_code == 409


@pytest.mark.parametrize("who", ["ines", "tomas", "mikael", "aiko", "farid", "elena", "omar"])
def test_only_hr_plans(people: People, as_: As, who: str) -> None:
    dana = leaver.dana(people)
    client = as_(people.by_role[who])
    assert client.get(NEW).status_code == 403
    assert post(client, "plan", **hour(dana.person)).status_code == 403
    case = leaver.planned(dana, people.ruth)
    for name in ("offboarding", "offboarding_hour", "offboarding_cancel"):
        assert client.get(reverse(name, args=[case.code])).status_code == 404
    assert client.post(reverse("offboarding_close", args=[case.code]), {"version": "1"}).status_code == 404
    assert OffboardingCase.objects.get().state == "planned"


def test_compliance_sees_the_case_after_the_hour_and_cannot_plan_it(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    client = as_(people.ines)
    assert client.get(reverse("offboarding", args=[case.code])).status_code == 200
    for name in ("offboarding_hour", "offboarding_cancel"):
        assert client.get(reverse(name, args=[case.code])).status_code == 403
