"""One system shared with an auditor, until a moment."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import System, SystemShare
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def core(db: None) -> System:
    return inventory.system("CORE")


def form(people: People, until: datetime) -> dict[str, object]:
    return {"user": people.elena.pk, "until": f"{until:%Y-%m-%dT%H:%M}"}


def test_an_auditor_sees_one_system_until_the_share_ends(people: People, as_: As, core: System) -> None:
    other = inventory.system("DIR")
    elena = as_(people.elena)
    assert elena.get(reverse("system", args=["CORE"])).status_code == 404
    days = form(people, moment.now() + timedelta(days=7))
    assert as_(people.mikael).post(reverse("system_share", args=["CORE"]), days).status_code == 302
    assert elena.get(reverse("system", args=["CORE"])).status_code == 200
    assert elena.get(reverse("system", args=[other.code])).status_code == 404
    assert Event.objects.about(core).filter(verb=Verb.SYSTEM_SHARED).exists()
    SystemShare.objects.update(until=moment.now())
    assert elena.get(reverse("system", args=["CORE"])).status_code == 404


@pytest.mark.parametrize("days", [-1, 400])
def test_an_end_that_is_none_is_refused(people: People, as_: As, core: System, days: int) -> None:
    wrong = form(people, moment.now() + timedelta(days=days))
    assert as_(people.mikael).post(reverse("system_share", args=["CORE"]), wrong).status_code == 422
    assert not SystemShare.objects.exists()


def test_only_auditors_can_be_chosen(people: People, as_: As, core: System) -> None:
    wrong = form(people, moment.now() + timedelta(days=7)) | {"user": people.omar.pk}
    assert as_(people.mikael).post(reverse("system_share", args=["CORE"]), wrong).status_code == 422


@pytest.mark.parametrize(("who", "status"), [("ines", 403), ("farid", 403), ("omar", 404), ("elena", 404)])
def test_nobody_else_shares(people: People, as_: As, core: System, who: str, status: int) -> None:
    days = form(people, moment.now() + timedelta(days=7))
    answer = as_(people.by_role[who]).post(reverse("system_share", args=["CORE"]), days)
    assert answer.status_code == status
