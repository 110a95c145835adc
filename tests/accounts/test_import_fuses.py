"""Fuses: what one person alone may not let a reading end, and the second person who may."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts.models import (
    Account,
    Entitlement,
    Grant,
    Identity,
    ImportRun,
    Inclusion,
    Revocation,
    RevocationCause,
    Source,
)
from accounts.reconciliation import fuses
from accounts.services import imports, releases, revocations
from portal.audit.models import Payload
from portal.audit.services import PORTAL
from portal.outbox.models import Message
from portal.tasks.schedule import ENTRIES
from portal.tasks.testing import drain
from portal.users import services as users
from portal.users.models import Approval
from tests.conftest import As
from tests.factories import readings
from tests.factories.people import People, identity_of
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

GRANTED, REFUSED = Approval.Verdict.GRANTED, Approval.Verdict.REFUSED
State = ImportRun.State


def inventory(count: int, *, right: str = "READ", first: int = 0) -> str:
    """That many accounts, each holding one right."""
    rows = "".join(f"account,a{number},\ngrant,a{number},{right}\n" for number in range(first, first + count))
    return f"record,account,entitlement\n{rows}"


def codes(run: ImportRun) -> list[str]:
    return [reason["code"] for reason in run.preview.get("fuse", {}).get("reasons", ())]


def asked(run: ImportRun, people: People) -> Approval:
    return releases.ask(run, reason="the branch was sold", version=run.version, by=people.mikael)


@pytest.fixture
def core(people: People) -> Source:
    """A source of a system that has an owner."""
    return readings.source(readings.system(owner=identity_of(people.tomas)))


@pytest.fixture
def tripped(core: Source, people: People) -> ImportRun:
    """A reading that would end 25 of 60 rights and accounts, sent by Mikael."""
    applied(core, inventory(60), day(1))
    return previewed(core, inventory(35), day(2), by=people.mikael)


def test_a_few_ends_need_nobody_else(core: Source) -> None:
    applied(core, inventory(60), day(1))
    run = previewed(core, inventory(56), day(2))
    assert codes(run) == []
    imports.apply(run, version=run.version, by=readings.iam())
    drain()
    assert Grant.objects.held().count() == 56


@pytest.mark.parametrize(
    ("before", "after", "rows", "percent", "trips"),
    [
        (60, 55, 20, 2, True),  # five of sixty is more than two percent
        (60, 56, 20, 2, False),  # four are a handful, however many percent
        (60, 55, 20, 10, False),  # as the source allows
        (60, 59, 0, 100, True),  # the source allows none
        (400, 379, 20, 50, True),  # 21 rows
        (400, 380, 20, 50, False),
    ],
)
def test_rows_and_percent_are_those_of_the_source(
    core: Source, before: int, after: int, rows: int, percent: int, trips: bool
) -> None:
    Source.objects.filter(pk=core.pk).update(fuse_rows=rows, fuse_percent=percent)
    core.refresh_from_db()
    applied(core, inventory(before), day(1))
    assert bool(codes(previewed(core, inventory(after), day(2)))) is trips


def test_whoever_asks_cannot_apply_it_alone(tripped: ImportRun, people: People, as_: As) -> None:
    assert codes(tripped) == ["many_gone", "many_gone"]
    with pytest.raises(ValidationError, match="second person") as refusal:
        imports.apply(tripped, version=tripped.version, by=people.mikael)
    assert refusal.value.code == "fuse"
    client, url = as_(people.mikael), reverse("import_apply", args=[tripped.pk])
    shown = client.get(reverse("import_run", args=[tripped.pk])).text
    assert "25 of 60 would be gone" in shown
    assert "Ask a second person" in shown
    assert "a59" in shown  # all of what would end, not a sample
    assert client.post(url, {"version": tripped.version}).status_code == 422
    assert client.post(url, {"version": tripped.version, "reason": "branch sold"}).status_code == 302
    drain()
    assert readings.fresh(tripped).state == State.PREVIEWED
    assert Grant.objects.held().count() == 60
    waits = Approval.objects.waiting().get()
    assert (waits.action, waits.asked_by, waits.reason) == ("release_import", people.mikael, "branch sold")


def test_a_second_person_sees_what_would_end_and_releases_it(
    tripped: ImportRun, people: People, as_: As
) -> None:
    asked(tripped, people)
    client, page = as_(people.ines), reverse("import_run", args=[tripped.pk])
    shown = client.get(page).text
    assert "the branch was sold" in shown
    assert "a59" in shown
    assert "Release and apply" in shown
    assert "Release and apply" not in as_(people.mikael).get(page).text
    response = client.post(
        reverse("import_release", args=[tripped.pk]), {"verdict": "granted", "remark": "seen"}
    )
    assert response.status_code == 302
    drain()
    run = readings.fresh(tripped)
    assert (run.state, run.applied_by_id) == (State.APPLIED, people.mikael.pk)
    assert Grant.objects.held().count() == 35
    facts = Payload.objects.get(event__verb="import.applied", event__subject_id=str(run.pk)).facts
    assert facts is not None
    assert facts["released"]["by"] == str(people.ines.pk)
    assert "a59" not in client.get(page).text
    assert codes(run) == ["many_gone", "many_gone"]


def test_the_owner_of_the_system_is_told_and_may_release_it(
    tripped: ImportRun, people: People, as_: As
) -> None:
    asked(tripped, people)
    letter = Message.objects.get(to=identity_of(people.tomas).email)
    assert reverse("import_run", args=[tripped.pk]) in letter.body
    assert "a59" not in letter.body + letter.subject
    response = as_(people.tomas).post(reverse("import_release", args=[tripped.pk]), {"verdict": "granted"})
    assert response.status_code == 302
    drain()
    assert readings.fresh(tripped).state == State.APPLIED


def test_nobody_else_releases_it(tripped: ImportRun, people: People, as_: As) -> None:
    asked(tripped, people)
    url = reverse("import_release", args=[tripped.pk])
    assert as_(people.omar).post(url, {"verdict": "granted"}).status_code == 404
    with pytest.raises(PermissionDenied):
        releases.answer(tripped, GRANTED, remark="", by=people.ruth)
    with pytest.raises(ValidationError, match="Somebody else"):
        releases.answer(tripped, GRANTED, remark="", by=people.mikael)
    assert readings.fresh(tripped).state == State.PREVIEWED


def test_whoever_sent_the_file_does_not_release_it_either(core: Source, people: People) -> None:
    applied(core, inventory(60), day(1))
    run = previewed(core, inventory(35), day(2), by=people.ines)
    approval = asked(run, people)
    assert not releases.may_answer(run, people.ines)
    with pytest.raises(ValidationError, match="Somebody else"):
        releases.answer(run, GRANTED, remark="", by=people.ines)
    # Nor among all other approvals, where nobody looks at who sent what.
    users.answer(approval, GRANTED, by=people.ines)
    assert releases.settle_answered() == 0
    drain()
    assert readings.fresh(run).state == State.PREVIEWED


def test_what_is_refused_stays_out_of_the_record(tripped: ImportRun, people: People, as_: As) -> None:
    asked(tripped, people)
    releases.answer(tripped, REFUSED, remark="half the file is missing", by=people.farid)
    drain()
    run = readings.fresh(tripped)
    assert run.state == State.PREVIEWED
    assert "half the file is missing" in as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert Grant.objects.held().count() == 60
    imports.discard(run, version=run.version, by=people.mikael)
    assert Grant.objects.held().count() == 60


def test_an_answer_among_all_approvals_goes_on_with_the_clock(tripped: ImportRun, people: People) -> None:
    users.answer(asked(tripped, people), GRANTED, by=people.farid)
    ENTRIES["accounts.clock.imports.go_on_with_released_readings"].act(day(2))
    drain()
    assert readings.fresh(tripped).state == State.APPLIED
    assert releases.settle_answered() == 0


def test_a_release_is_of_what_was_seen(tripped: ImportRun, people: People) -> None:
    approval = asked(tripped, people)
    # The record moves on: another file of the system, taken earlier, ends some of them first.
    other = readings.source(tripped.source.system, mapping={"complete": "yes"})
    applied(other, inventory(57), day(1))
    users.answer(approval, GRANTED, by=people.ines)
    assert releases.settle_answered() == 1
    drain()
    run = readings.fresh(tripped)
    assert run.state == State.PREVIEWED
    assert run.preview["warnings"][0] == {"code": "record_changed"}
    assert releases.last_asked(run) is None
    assert Grant.objects.held().count() == 57
    with pytest.raises(ValidationError, match="second person"):
        imports.apply(run, version=run.version, by=people.mikael)


def test_until_it_is_released_it_proves_nothing(core: Source, people: People) -> None:
    applied(core, inventory(60), day(1))
    grant = Grant.objects.get(account__name="a59")
    cause = revocations.Cause(RevocationCause.Kind.DECISION, "1", "CAM/1")
    revocation = revocations.decide(grant, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL, at=day(1))
    revocations.request(Revocation.objects.filter(pk=revocation.pk), actor=PORTAL, at=day(1))
    run = previewed(core, inventory(30), day(2))
    asked(run, people)
    drain()
    assert Revocation.objects.get().state == Revocation.State.REQUESTED
    releases.answer(readings.fresh(run), GRANTED, remark="", by=people.ines)
    drain()
    assert Revocation.objects.get().state == Revocation.State.VERIFIED


def test_an_emergency_account_is_never_touched_by_one_alone(core: Source) -> None:
    applied(core, inventory(60), day(1))
    Account.objects.filter(name="a59").update(kind=Account.Kind.EMERGENCY)
    run = previewed(core, inventory(59), day(2))
    assert codes(run) == ["emergency"]
    assert run.preview["fuse"]["reasons"][0]["names"] == ["a59"]


def test_switching_an_emergency_account_off_trips_it_too(core: Source) -> None:
    text = "record,account,enabled\naccount,bg,yes\naccount,other,yes\n"
    applied(core, text, day(1))
    Account.objects.filter(name="bg").update(kind=Account.Kind.EMERGENCY)
    assert codes(previewed(core, text.replace("other,yes", "other,no"), day(2))) == []
    assert codes(previewed(core, text.replace("bg,yes", "bg,no"), day(3))) == ["emergency"]


def test_the_last_holder_of_an_administrator_right_needs_a_second_person(core: Source) -> None:
    text = inventory(60) + "grant,a1,ROOT\ngrant,a2,ROOT\n"
    applied(core, text, day(1))
    Entitlement.objects.filter(name="ROOT").update(
        marks=["admin"], is_privileged=True, carries_privilege=True
    )
    assert codes(previewed(core, text.replace("grant,a1,ROOT\n", ""), day(2))) == []
    nobody = text.replace("grant,a1,ROOT\n", "").replace("grant,a2,ROOT\n", "")
    run = previewed(core, nobody, day(3))
    assert codes(run) == ["last_admin"]
    assert run.preview["fuse"]["reasons"][0]["names"] == ["ROOT"]
    # Handed on in the same file it still has a holder.
    assert codes(previewed(core, nobody + "grant,a3,ROOT\n", day(4))) == []


def test_a_group_that_brings_an_administrator_right_counts_as_holding_it(
    core: Source, people: People
) -> None:
    applied(core, inventory(60) + "grant,a1,ADMINS\ngrant,a2,ROOT\n", day(1))
    group, root = Entitlement.objects.get(name="ADMINS"), Entitlement.objects.get(name="ROOT")
    Entitlement.objects.filter(pk=root.pk).update(marks=["admin"])
    from_run = ImportRun.objects.latest("id")
    Inclusion.objects.create(
        system=root.system, parent=group, child=root, held=(day(1), None), known_from_run=from_run
    )
    assert codes(previewed(core, inventory(60) + "grant,a1,ADMINS\n", day(2))) == []
    assert codes(previewed(core, inventory(60), day(3))) == ["last_admin"]


def people_of(count: int) -> str:
    return "employee number,name\n" + "".join(f"{number},Person {number}\n" for number in range(count))


@pytest.mark.parametrize(("leavers", "trips"), [(4, False), (6, True)])
def test_more_leavers_than_a_day_has_wait(leavers: int, trips: bool, people: People) -> None:
    hr = readings.source()
    applied(hr, people_of(700), day(1))
    run = previewed(hr, people_of(700 - leavers), day(2))
    assert codes(run) == (["leavers"] if trips else [])


def test_those_who_would_leave_are_named_to_the_second_person(people: People, as_: As) -> None:
    hr = readings.source()
    applied(hr, people_of(20), day(1))
    head, rest = people_of(20).split("\n", 1)
    left = f"{head},status\n" + "".join(
        f"{line},{'left' if number < 6 else 'active'}\n" for number, line in enumerate(rest.splitlines())
    )
    run = previewed(hr, left, day(2))
    asked(run, people)
    shown = as_(people.farid).get(reverse("import_run", args=[run.pk])).text
    assert "6 of 20 people would leave" in shown
    assert "People who would leave" in shown
    releases.answer(readings.fresh(run), GRANTED, remark="", by=people.farid)
    drain()
    assert Identity.objects.filter(status=Identity.Status.LEFT).count() == 6
    assert "leavers" not in readings.fresh(run).preview["fuse"]["reasons"][0]


def test_asking_twice_waits_once(tripped: ImportRun, people: People) -> None:
    first = asked(tripped, people)
    assert asked(readings.fresh(tripped), people) == first
    assert fuses.release_of(readings.fresh(tripped), tripped.preview["fuse"]["seal"]) is None


def test_what_trips_nothing_is_not_asked_for(core: Source, people: People) -> None:
    run = previewed(core, inventory(3), day(1))
    with pytest.raises(ValidationError, match="Apply it"):
        asked(run, people)
