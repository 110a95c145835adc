"""Before its hour an offboarding exists for HR alone: nothing else changes, is sent, counted or inferred."""

import re
from itertools import count

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import OffboardingCase
from accounts.services import offboarding
from portal import moment
from portal.audit.models import Event
from portal.users import services
from portal.users.roles import Role
from tests.conftest import As
from tests.factories import leaver
from tests.factories import people as factory
from tests.factories.leaver import Leaver
from tests.factories.people import People

pytestmark = pytest.mark.django_db

# What planning writes: the case, and its event. Everything else stays byte for byte.
WRITTEN = {"accounts_offboardingcase", "audit_event", "audit_payload", "audit_pending"}
OUTSIDERS = ["ines", "tomas", "mikael", "aiko", "farid", "elena", "omar", "leon", "dana"]


def tables() -> dict[str, str]:
    """A digest of every table."""
    with connection.cursor() as cursor:
        names = [table.name for table in connection.introspection.get_table_list(cursor) if table.type == "t"]
        found = {}
        for name in names:
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" t"
            )
            found[name] = cursor.fetchone()[0]
    return found


def pages_of(client: Client, dana: Leaver) -> dict[str, str]:
    """What somebody finds on every page that could show it, without what differs at each request."""
    urls = [
        "/",
        reverse("identity_list"),
        f"{reverse('identity_list')}?q=kovac",
        reverse("identity", args=[dana.person.pk]),
        reverse("identity", args=[dana.watched.pk]),
        reverse("system_list"),
        reverse("system", args=["CORE"]),
        reverse("account", args=[dana.account.pk]),
        reverse("grant", args=[dana.grant.pk]),
        reverse("my_machines"),
        reverse("unowned_list"),
        reverse("orphan_list"),
        reverse("revocation_list"),
        f"{reverse('revocation_list')}?state=all",
        reverse("offboarding_list"),
        f"{reverse('offboarding_list')}?state=planned",
        f"{reverse('offboarding_list')}?state=all",
        f"{reverse('offboarding_list')}?state=cancelled",
        reverse("trail"),
        f"{reverse('trail')}?verb=offboarding",
    ]
    found = {}
    for url in urls:
        answer = client.get(url)
        text = re.sub(r'csrfmiddlewaretoken" value="\w+"|X-CSRFToken": "\w+"', "", answer.text)
        found[url] = f"{answer.status_code} {re.sub(r'[0-9a-f]{32}', '', text)}"
    return found


def test_nothing_is_written_but_the_case_and_its_event(people: People) -> None:
    dana = leaver.dana(people)
    before = tables()
    case = leaver.planned(dana, people.ruth)
    with moment.simulated(leaver.BEFORE):
        offboarding.reschedule(
            case, local_time=leaver.ON_THE_WALL, zone="UTC", version=None, actor=people.ruth.actor
        )
        offboarding.preview(dana.person)
        offboarding.cancel(case, version=None, actor=people.ruth.actor)
    after = tables()
    assert {name for name in after if after[name] != before[name]} == WRITTEN


@pytest.mark.parametrize("who", OUTSIDERS)
def test_nobody_outside_hr_sees_a_difference_on_any_page(people: People, as_: As, who: str) -> None:
    dana = leaver.dana(people)
    users = {**people.by_role, "leon": factory.user("Leon Weiss", identity=dana.deputy), "dana": dana.user}
    client = as_(users[who])
    with moment.simulated(leaver.BEFORE):
        before = pages_of(client, dana)
        case = leaver.planned(dana, people.ruth)
        assert pages_of(client, dana) == before
        assert client.get(reverse("offboarding", args=[case.code])).status_code == 404
        offboarding.cancel(case, version=None, actor=people.ruth.actor)
        assert pages_of(client, dana) == before
        assert client.get(reverse("offboarding", args=[case.code])).status_code == 404


def test_the_event_names_neither_person_nor_hour_nor_reason(people: People) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    with moment.simulated(leaver.BEFORE):
        offboarding.reschedule(
            case, local_time=leaver.ON_THE_WALL, zone="Asia/Tokyo", version=None, actor=people.ruth.actor
        )
        offboarding.cancel(case, version=None, actor=people.ruth.actor)
    for event in Event.objects.about(case).select_related("payload"):
        body = bytes(event.payload.body or b"").decode()
        assert event.payload.facts == {"code": case.code}
        for word in (str(case.identity_id), "Kovac", "dismissed", "16:00", "Tokyo", "14:00"):
            assert word not in body


def test_the_trail_does_not_tell_who_or_when(people: People, as_: As) -> None:
    case = leaver.planned(leaver.dana(people), people.ruth)
    trail = as_(people.ines).get(reverse("trail"), {"verb": "offboarding"}).text
    for word in (str(case.identity_id), "Kovac", "dismissed", "16:00"):
        assert word not in trail


def test_pages_that_show_traces_know_what_to_leave_out(people: People) -> None:
    dana = leaver.dana(people)
    case = leaver.planned(dana, people.ruth)
    for user in (people.ines, people.mikael, dana.user):
        assert list(OffboardingCase.objects.hidden_from(user)) == [case]
    assert not OffboardingCase.objects.hidden_from(people.ruth).exists()
    with moment.simulated(leaver.HOUR):
        offboarding.begin(case, at=leaver.HOUR)
    assert not OffboardingCase.objects.hidden_from(people.ines).exists()


def test_planning_leaves_no_name_in_logs_and_addresses(
    people: People, as_: As, caplog: pytest.LogCaptureFixture
) -> None:
    dana = leaver.dana(people)
    client = as_(people.ruth)
    caplog.set_level("DEBUG")
    key = str(dana.person.pk)
    sent = {
        "identity": key,
        "reason": "dismissed",
        "day": "2026-10-06",
        "hour": "16:00",
        "zone": "Europe/Berlin",
    }
    with moment.simulated(leaver.BEFORE):
        client.post("/offboarding/new/", {"step": "search", "q": "kovac"})
        client.post("/offboarding/new/", {"step": "choose", "identity": key})
        client.post("/offboarding/new/", {"step": "hour", **sent})
        url = client.post("/offboarding/new/", {"step": "plan", **sent})["Location"]
        as_(people.ines).get(url)  # a 404, which is logged
    for word in (key, "Kovac", "kovac", "16:00", "dismissed"):
        assert word not in caplog.text
        assert word not in url


def test_hr_learns_nothing_of_a_case_about_themselves(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    services.set_roles(dana.user, [Role.HR], actor=people.mikael.actor)
    dana.user.refresh_from_db()
    client = as_(dana.user)
    with moment.simulated(leaver.BEFORE):
        before = pages_of(client, dana)
        case = leaver.planned(dana, people.ruth)
        assert pages_of(client, dana) == before
        assert client.get(reverse("offboarding", args=[case.code])).status_code == 404
        assert (
            dana.person.name
            not in client.post("/offboarding/new/", {"step": "search", "q": "E-1044"}).text.split(
                "</header>"
            )[-1]
        )
    # Their own team sees it.
    assert case.code in as_(people.ruth).get(reverse("offboarding_list")).text


def test_a_number_tells_nothing_of_other_cases(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = leaver.dana(people)
    drawn = iter([41, 41, 7])
    monkeypatch.setattr("accounts.services.offboarding.secrets.randbelow", lambda _below: next(drawn))
    first = leaver.planned(dana, people.ruth)
    with moment.simulated(leaver.BEFORE):
        offboarding.cancel(first, version=None, actor=people.ruth.actor)
    second = leaver.planned(dana, people.ruth)
    assert [first.code, second.code] == ["OFF-2026-41", "OFF-2026-07"]


def test_numbers_do_not_run_out(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    dana = leaver.dana(people)
    numbers = count()
    monkeypatch.setattr("accounts.services.offboarding.secrets.randbelow", lambda _below: next(numbers))
    fields = {"identity": dana.person, "reason": "other", "zone": "UTC", "state": "cancelled"}
    times = {"effective_at": leaver.HOUR, "created_at": leaver.BEFORE, "local_time": "2026-10-06T16:00"}
    OffboardingCase.objects.bulk_create(
        OffboardingCase(code=f"OFF-2026-{number:02}", started_by_id=people.ruth.pk, **fields, **times)
        for number in range(50)
    )
    assert leaver.planned(dana, people.ruth).code == "OFF-2026-000"


def test_after_the_hour_the_trail_may_tell(people: People, as_: As) -> None:
    case = leaver.begun(leaver.dana(people), people.ruth)
    assert case.code in as_(people.ines).get(reverse("offboarding_list")).text
    assert Event.objects.about(case).filter(verb="offboarding.begun").exists()
