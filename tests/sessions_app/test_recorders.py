"""Recorders are connected with their notice record, cover systems from when to when, and are alive or not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import Identity
from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from portal.users.roles import Role
from sessions_app.models import Coverage, Recorder
from sessions_app.services import recorders
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import identity_of
from tests.sessions_app.conftest import BEGAN, NOTICE, World

SignIn = Callable[[User], Client]
DAY = timedelta(days=1)


def _changes(missing: str) -> dict[str, Any]:
    return {missing: "  "}


def refused(world: World, **said: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        world.recorder(**said)
    return {field: str(errors[0].code) for field, errors in caught.value.error_dict.items()}


def test_a_recorder_has_a_machine_user_and_its_notice(world: World) -> None:
    recorder = world.recorder()
    assert recorder.user is not None
    assert (recorder.user.kind, recorder.user.roles) == (User.Kind.MACHINE, [Role.RECORDER])
    assert recorder.user.identity_id == recorder.identity_id
    assert recorder.notice["countries"] == ["DE", "SE"]
    assert recorder.notice["retention_days"] == 365
    event = Event.objects.get(verb=Verb.RECORDER_CONNECTED)
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert (facts["code"], facts["systems"], facts["countries"]) == ("rec-jump", ["JUMP"], ["DE", "SE"])


@pytest.mark.parametrize("missing", ["purpose", "legal_basis", "notice_text", "dpia", "agreement"])
def test_without_a_whole_notice_nothing_is_connected(world: World, missing: str) -> None:
    assert refused(world, notice=replace(NOTICE, **_changes(missing))) == {missing: "notice"}
    assert not Recorder.objects.exists()
    assert not User.objects.filter(kind=User.Kind.MACHINE).exists()


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"countries": ()}, "countries"),
        ({"countries": ("Germany",)}, "countries"),
        ({"retention_days": 0}, "retention_days"),
    ],
)
def test_an_absurd_notice_is_refused(world: World, said: dict[str, Any], field: str) -> None:
    assert refused(world, notice=replace(NOTICE, **said)) == {field: "notice"}


def test_a_recorder_needs_somebody_who_answers_for_it(world: World) -> None:
    nobodys = inventory.identity("rec-lost", "service")
    assert refused(world, identity=nobodys) == {"identity": "unowned"}
    assert refused(world, identity=world.dana) == {"identity": "unowned"}


@pytest.mark.parametrize("code", ["", "rec jump", "../x", "new", "-a", "x" * 25, "réc"])
def test_a_code_can_stand_in_an_address(world: World, code: str) -> None:
    assert refused(world, code=code) == {"code": "code"}


def test_a_code_is_given_once(world: World) -> None:
    world.recorder()
    assert refused(world, code="REC-JUMP", identity=inventory.identity("x", "bot", owner=world.dana)) == {
        "code": "taken"
    }


def test_the_end_of_coverage_lies_behind_its_start(world: World) -> None:
    assert refused(world, until=BEGAN - 40 * DAY) == {"until": "order"}


# Coverage


def test_a_recorder_covers_a_system_from_when_to_when(world: World) -> None:
    recorder = world.recorder(since=BEGAN, until=BEGAN + DAY)
    covering = Recorder.objects.covering
    assert list(covering(world.system, BEGAN)) == [recorder]
    assert not covering(world.system, BEGAN + DAY).exists()
    assert not covering(inventory.system(), BEGAN).exists()


def test_coverage_of_many_systems_tells_the_recorded_from_the_others(world: World) -> None:
    core, silent = inventory.system("CORE"), inventory.system("SILENT")
    seen = BEGAN + timedelta(hours=1)
    world.recorder().heard(seen)
    world.recorder("rec-two").heard(seen - DAY)
    world.recorder("rec-silent", systems=[silent])
    asked = [world.system.pk, core.pk, silent.pk]
    assert recorders.coverage_of(asked, BEGAN) == {world.system.pk: seen, core.pk: None, silent.pk: None}
    assert recorders.coverage_of(asked, BEGAN - 60 * DAY) == dict.fromkeys(asked)
    assert recorders.coverage_of([], BEGAN) == {}


def test_a_later_sign_of_life_counts_an_earlier_one_does_not(world: World) -> None:
    recorder = world.recorder()
    for at in (BEGAN, BEGAN - DAY):
        recorder.heard(at)
    recorder.refresh_from_db()
    assert recorder.last_seen_at == BEGAN


def test_covering_twice_at_once_is_refused(world: World) -> None:
    recorder = world.recorder()
    with pytest.raises(ValidationError, match="covers JUMP"):
        recorders.cover(recorder, world.system, since=BEGAN, version=1, actor=world.people.mikael.actor)


def test_a_change_on_what_somebody_else_changed_is_a_conflict(world: World) -> None:
    recorder = world.recorder()
    actor = world.people.mikael.actor
    recorders.cover(recorder, inventory.system("CORE"), since=BEGAN, version=1, actor=actor)
    with pytest.raises(Conflict):
        recorders.cover(recorder, inventory.system("MORE"), since=BEGAN, version=1, actor=actor)


def test_what_ended_is_not_covered_any_more(world: World) -> None:
    recorder = world.recorder()
    coverage = Coverage.objects.get(recorder=recorder)
    recorders.stop_covering(coverage, version=recorder.version, actor=world.people.mikael.actor)
    at = moment.now()
    assert not Recorder.objects.covering(world.system, at).exists()
    assert Recorder.objects.covering(world.system, BEGAN).exists()
    assert Event.objects.filter(verb=Verb.RECORDER_COVERAGE_CHANGED).count() == 1


# Pages

MANAGES = {
    "ines": 403,
    "tomas": 403,
    "ruth": 403,
    "mikael": 200,
    "aiko": 403,
    "farid": 403,
    "elena": 403,
    "omar": 403,
}
SEES = {
    "ines": 200,
    "tomas": 404,
    "ruth": 404,
    "mikael": 200,
    "aiko": 404,
    "farid": 200,
    "elena": 404,
    "omar": 404,
}


@pytest.mark.parametrize("name", SEES)
def test_who_sees_and_who_manages_recorders(world: World, as_: SignIn, name: str) -> None:
    recorder = world.recorder()
    client = as_(world.people.by_role[name])
    assert client.get(reverse("recorder_new")).status_code == MANAGES[name]
    assert client.get(reverse("recorder", args=[recorder.code])).status_code == SEES[name]
    seen = recorder.code in client.get(reverse("recorder_list")).content.decode()
    assert seen == (SEES[name] == 200)
    expected = 302 if MANAGES[name] == 200 else 403 if SEES[name] == 200 else 404
    coverage = Coverage.objects.get(recorder=recorder)
    end = reverse("coverage_end", args=[recorder.code, coverage.pk])
    assert client.post(end, {"version": recorder.version}).status_code == expected


def test_who_owns_a_recorder_sees_it(world: World, as_: SignIn) -> None:
    recorder = world.recorder()
    dana = factory.user("Dana Kovac", identity=world.dana)
    assert as_(dana).get(reverse("recorder", args=[recorder.code])).status_code == 200


def form_of(identity: Identity, **changes: str) -> dict[str, Any]:
    return {
        "code": "rec-core",
        "name": "Recorder of CORE",
        "identity": str(identity.pk),
        "systems": ["JUMP"],
        "since": "2026-01-01T00:00:00",
        "purpose": "Evidence",
        "legal_basis": "Art. 6(1)(f) GDPR",
        "notice_text": "You are recorded.",
        "dpia": "DPIA-1",
        "agreement": "WA-1",
        "countries": "de, SE",
        "retention_days": "180",
    } | changes


def test_connecting_in_the_browser(world: World, as_: SignIn) -> None:
    machine = inventory.identity("rec-core", "service", owner=world.dana)
    client = as_(world.people.mikael)
    answer = client.post(reverse("recorder_new"), form_of(machine))
    assert answer.headers["Location"] == reverse("recorder", args=["rec-core"])
    page = unescape(client.get(answer.headers["Location"]).content.decode())
    assert all(words in page for words in ("You are recorded.", "DE, SE", "180 days", "DPIA-1", "JUMP"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"agreement": ""}, "agreement"), ({"countries": "Germany"}, "countries"), ({"systems": ""}, "systems")],
)
def test_a_form_without_its_notice_says_where(
    world: World, as_: SignIn, changes: dict[str, str], field: str
) -> None:
    machine = inventory.identity("rec-core", "service", owner=world.dana)
    answer = as_(world.people.mikael).post(reverse("recorder_new"), form_of(machine, **changes))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_covering_one_more_system_in_the_browser(world: World, as_: SignIn) -> None:
    recorder = world.recorder()
    inventory.system("CORE")
    url = reverse("recorder", args=[recorder.code])
    client = as_(world.people.mikael)
    said = {"system": "CORE", "since": "2026-01-01T00:00:00"}
    assert client.post(url, said).status_code == 422
    assert client.post(url, said | {"version": "1"}).status_code == 302
    assert client.post(url, said | {"version": "1"}).status_code == 409
    assert recorder.coverages.count() == 2


def test_a_person_can_not_be_a_recorder(world: World) -> None:
    machine = inventory.identity("rec-odd", "service", owner=world.dana)
    factory.user("Odd One", identity=machine)
    assert refused(world, identity=machine, code="rec-odd") == {"identity": "person"}
    assert identity_of(world.people.omar).kind == "human"
