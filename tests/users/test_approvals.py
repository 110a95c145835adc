"""Four eyes: one asks, another answers, once."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import System
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.users import services
from portal.users.models import Approval
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(people: People) -> Approval:
    return services.ask("release_recordings", inventory.system("CORE"), reason="sampled item", by=people.ines)


def test_a_second_person_grants_and_it_is_recorded(people: People, asked: Approval, as_: As) -> None:
    url = reverse("approval_answer", args=[asked.pk])
    assert as_(people.farid).post(url, {"verdict": "granted", "remark": "ok"}).status_code == 302
    asked.refresh_from_db()
    assert (asked.verdict, asked.decided_by) == ("granted", people.farid)
    assert Event.objects.about(asked).filter(verb=Verb.APPROVAL_GRANTED).exists()


def test_the_list_names_what_it_is_about_and_links_it_for_those_who_may_open_it(
    people: People, asked: Approval, as_: As
) -> None:
    link = f'<a href="{reverse("system", args=["CORE"])}">CORE</a>'
    for who in (people.farid, people.ines):
        assert link in as_(who).get(reverse("approval_list")).text
    services.answer(asked, Approval.Verdict.GRANTED, by=people.farid)
    assert link in as_(people.ines).get(reverse("approval_list")).text


def test_what_is_not_there_any_more_is_not_named(people: People, asked: Approval, as_: As) -> None:
    Approval.objects.filter(pk=asked.pk).update(subject_id="01a20df2-25e0-72e5-871f-294a1acac3e1")
    page = as_(people.farid).get(reverse("approval_list")).text
    assert "sampled item" in page
    assert "CORE" not in page.partition("<main")[2]


def test_whoever_asked_is_refused(people: People, asked: Approval, as_: As) -> None:
    response = as_(people.ines).post(reverse("approval_answer", args=[asked.pk]), {"verdict": "granted"})
    assert response.status_code == 422
    asked.refresh_from_db()
    assert asked.decided_at is None


def test_the_database_refuses_the_same_person_too(people: People, asked: Approval) -> None:
    with pytest.raises(IntegrityError, match="approval_needs_four_eyes"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(
            decided_by=people.ines, decided_at=asked.asked_at, verdict="granted"
        )


def test_an_answer_stands(people: People, asked: Approval) -> None:
    services.answer(asked, Approval.Verdict.REFUSED, by=people.farid)
    with pytest.raises(ValidationError):
        services.answer(asked, Approval.Verdict.GRANTED, by=people.farid)
    asked.refresh_from_db()
    assert asked.verdict == "refused"


def test_asking_again_while_one_waits_is_one_request(people: People, asked: Approval) -> None:
    again = services.ask(
        "release_recordings",
        System.objects.get(pk=asked.subject_id),
        reason="again",
        by=people.ines,
    )
    assert again.pk == asked.pk


@pytest.mark.parametrize("who", ["tomas", "ruth", "mikael", "aiko", "elena", "omar"])
def test_nobody_else_answers(people: People, asked: Approval, as_: As, who: str) -> None:
    client = as_(people.by_role[who])
    assert client.get(reverse("approval_list")).status_code == 403
    assert client.post(reverse("approval_answer", args=[asked.pk]), {"verdict": "granted"}).status_code == 403
    asked.refresh_from_db()
    assert asked.decided_at is None
