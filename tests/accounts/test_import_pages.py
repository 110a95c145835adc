"""Sending, looking, applying, discarding and confirming in the browser, and who may do which."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from accounts.models import Account, Identity, ImportRun, Source, System
from accounts.services import imports
from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.conftest import As
from tests.factories import inventory, readings
from tests.factories.people import People, identity_of
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

HR = b"employee number,name,email\n7,Tomas Brandt,t@bank.test\n9,Dana Kovac,d@bank.test\n"
CORE = b"account,display name,entitlement,password\ntbrandt,Tomas Brandt,LEDGER_READ,hunter2\n"
NEW = reverse("import_new")


def file(data: bytes, name: str = "extract.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def new_source(client: Client, data: bytes, **fields: str) -> ImportRun:
    """Send the first file of a new source; the redirect leads to its reading."""
    form = {"name": "First", "tells_of": "people", "file": file(data)} | fields
    response = client.post(NEW, form)
    assert response.status_code == 302, response.text
    drain()
    return readings.fresh(ImportRun.objects.get(pk=response.url.split("/")[2]))  # type: ignore[attr-defined]


def test_a_new_hr_source_is_recognised_and_waits_in_quarantine(people: People, as_: As) -> None:
    client = as_(people.mikael)
    run = new_source(client, HR, employer="Nordhaven Bank", complete="on", taken_at="2026-03-02T06:00")
    source = run.source
    assert (source.connector, source.system, source.employer, source.mapping) == (
        "hr_csv", None, "Nordhaven Bank", {"complete": "yes"},
    )  # fmt: skip
    assert source.is_quarantined
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "HR export (CSV, XLSX)" in shown
    assert "Tomas Brandt" in shown
    assert "Mikael Strand" in shown
    assert "says the file" not in shown
    assert not Identity.objects.filter(name="Dana Kovac").exists()
    form = {"version": run.version, "release": "on"}
    assert client.post(reverse("import_apply", args=[run.pk]), form).status_code == 302
    drain()
    assert Identity.objects.filter(name="Dana Kovac").exists()
    verbs = [Verb.SOURCE_CREATED, Verb.IMPORT_RECEIVED, Verb.SOURCE_RELEASED, Verb.IMPORT_APPLIED]
    by_mikael = Event.objects.filter(actor_id=str(people.mikael.pk), verb__in=verbs).order_by("pk")
    assert list(by_mikael.values_list("verb", flat=True)) == [str(verb) for verb in verbs]


def test_a_new_system_comes_with_its_source(people: People, as_: As) -> None:
    client = as_(people.mikael)
    fields = {"tells_of": "new", "code": "CORE", "system_name": "Core ledger", "environment": "production"}
    run = new_source(client, CORE, **fields, reference="core01", owner="tomas@nordhaven.test")
    system = System.objects.get(code="CORE")
    assert (system.name, system.reference, system.owner) == (
        "Core ledger",
        "core01",
        identity_of(people.tomas),
    )
    assert run.source.system == system
    assert Event.objects.about(system).filter(verb=Verb.SYSTEM_CREATED).exists()
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "password" in shown  # the column was cut and is named
    assert "named like a secret" in shown
    assert "hunter2" not in shown


def test_another_reading_of_a_source_that_is_known(people: People, as_: As) -> None:
    client, source = as_(people.mikael), readings.source()
    assert source.name in client.get(NEW).text
    response = client.post(f"{NEW}?source={source.pk}", {"file": file(HR)})
    assert response.status_code == 302
    drain()
    run = ImportRun.objects.get()
    assert run.state == ImportRun.State.PREVIEWED
    assert run.taken_at is None
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "proves nothing gone" in shown


def test_what_would_change_nothing_says_so(people: People, as_: As) -> None:
    source = readings.source()
    applied(source, HR, day(1))
    run = previewed(source, HR, day(2))
    assert "Nothing would change" in as_(people.mikael).get(reverse("import_run", args=[run.pk])).text


def test_the_page_asks_again_while_it_is_being_read(people: People, as_: As) -> None:
    run = readings.received(readings.source(), HR)
    url = reverse("import_run", args=[run.pk])
    client = as_(people.mikael)
    assert "every 2s" in client.get(url).text
    drain()
    fragment = client.get(url, headers={"HX-Request": "true"}).text
    assert "<html" not in fragment
    assert "every 2s" not in fragment
    assert reverse("import_apply", args=[run.pk]) in fragment


def many(count: int) -> bytes:
    return b"employee number,name\n" + b"".join(
        b"%d,Person %d\n" % (number, number) for number in range(count)
    )


def test_unusually_many_gone_wants_a_second_person(people: People, as_: As) -> None:
    source, client = readings.source(), as_(people.mikael)
    applied(source, many(30), day(1))
    run = previewed(source, many(5), day(2))
    url = reverse("import_apply", args=[run.pk])
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "25 of 30 people would leave" in shown
    assert client.post(url, {"version": run.version}).status_code == 422
    assert client.post(url, {"version": run.version, "reason": "moved out"}).status_code == 302
    drain()
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED
    release = reverse("import_release", args=[run.pk])
    assert client.post(release, {"verdict": "granted"}).status_code == 403
    assert as_(people.ines).post(release, {"verdict": "granted"}).status_code == 302
    drain()
    assert readings.fresh(run).state == ImportRun.State.APPLIED


def test_a_reading_is_not_applied_from_a_source_in_quarantine(people: People, as_: As) -> None:
    run = previewed(readings.source(is_released=False), HR)
    response = as_(people.mikael).post(reverse("import_apply", args=[run.pk]), {"version": run.version})
    assert response.status_code == 422
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED


def test_an_older_reading_can_only_be_discarded(people: People, as_: As) -> None:
    source, client = readings.source(), as_(people.mikael)
    applied(source, HR, day(2))
    run = previewed(source, HR, day(1))
    shown = client.get(reverse("import_run", args=[run.pk])).text
    assert "bring back what has ended since" in shown
    assert reverse("import_apply", args=[run.pk]) not in shown
    assert client.post(reverse("import_apply", args=[run.pk]), {"version": run.version}).status_code == 422
    assert client.post(reverse("import_discard", args=[run.pk]), {"version": run.version}).status_code == 302
    run = readings.fresh(run)
    assert run.state == ImportRun.State.DISCARDED
    assert "samples" not in run.preview
    assert Event.objects.about(run).filter(verb=Verb.IMPORT_DISCARDED).exists()


def test_a_stale_form_changes_nothing(people: People, as_: As) -> None:
    run, client = previewed(readings.source(), HR), as_(people.mikael)
    for name in ("import_apply", "import_discard"):
        assert client.post(reverse(name, args=[run.pk]), {"version": run.version - 1}).status_code == 409
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED


def test_a_file_of_another_system_is_refused_and_kept_as_such(people: People, as_: As) -> None:
    core = readings.source(readings.system(reference="core01"))
    run = previewed(core, "# system: core02\naccount\ntbrandt\n")
    assert run.state == ImportRun.State.FAILED
    shown = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "core02" in shown
    assert "core01" in shown
    assert previewed(core, "# system: CORE\naccount\ntbrandt\n").state == ImportRun.State.PREVIEWED


def test_what_the_first_reading_called_its_system_holds_for_the_next() -> None:
    core = readings.source(readings.system())
    applied(core, "# system: host-1\naccount\ntbrandt\n", day(1))
    assert previewed(core, "# system: host-2\naccount\ntbrandt\n", day(2)).state == ImportRun.State.FAILED


def test_a_time_in_the_future_is_refused(people: People, as_: As) -> None:
    source = readings.source()
    run = previewed(source, b"# taken: 2099-01-01T00:00:00Z\n" + HR)
    assert (run.state, run.taken_at) == (ImportRun.State.FAILED, None)
    form = {"file": file(HR), "taken_at": "2099-01-01T00:00"}
    response = as_(people.mikael).post(f"{NEW}?source={source.pk}", form)
    assert response.status_code == 422
    assert "in the future" in response.text


def test_the_file_s_own_time_counts_and_is_said_to_be_its(people: People, as_: As) -> None:
    run = previewed(readings.source(), b"# taken: 2026-03-05T06:00:00Z\n" + HR, day(9))
    assert run.taken_at is not None
    assert run.taken_at.day == 5
    assert "says the file" in as_(people.mikael).get(reverse("import_run", args=[run.pk])).text


# --- the count at the source ------------------------------------------------------------------------


def test_somebody_else_confirms_the_count(people: People, as_: As) -> None:
    run = applied(readings.source(), HR, day(1), by=people.mikael)
    url = reverse("import_confirm", args=[run.pk])
    wrong = as_(people.ines).post(url, {"version": run.version, "control_total": 3})
    assert wrong.status_code == 422
    assert "The file holds 2 rows and you read 3" in wrong.text
    assert as_(people.ines).post(url, {"version": run.version, "control_total": 2}).status_code == 302
    run = readings.fresh(run)
    assert (run.control_total, run.confirmed_by_id) == (2, people.ines.pk)
    event = Event.objects.about(run).get(verb=Verb.IMPORT_CONFIRMED)
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert facts["control_total"] == 2


def test_whoever_sent_it_can_t_confirm_it(people: People, as_: As) -> None:
    run = applied(readings.source(), HR, day(1), by=people.mikael)
    response = as_(people.mikael).post(
        reverse("import_confirm", args=[run.pk]), {"version": run.version, "control_total": 2}
    )
    assert response.status_code == 422
    assert "Somebody else has to read the count" in response.text
    with pytest.raises(IntegrityError, match="import_count_is_confirmed_by_another"), transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(
            confirmed_by_id=people.mikael.pk, confirmed_at=moment.now()
        )


def test_who_carries_out_on_the_system_sees_and_confirms_its_reading(people: People, as_: As) -> None:
    system = readings.system()
    run = applied(readings.source(system), CORE, day(1), by=people.mikael)
    url = reverse("import_run", args=[run.pk])
    assert as_(people.aiko).get(url).status_code == 404
    system.carriers.add(identity_of(people.aiko))
    shown = as_(people.aiko).get(url)
    assert shown.status_code == 200
    assert reverse("import_confirm", args=[run.pk]) in shown.text
    confirmed = as_(people.aiko).post(
        reverse("import_confirm", args=[run.pk]), {"version": run.version, "control_total": 1}
    )
    assert confirmed.status_code == 302


# --- sources ----------------------------------------------------------------------------------------


def test_the_list_says_what_is_fresh_late_waiting_and_in_quarantine(people: People, as_: As) -> None:
    applied(readings.source(name="Fresh one"), HR, moment.now() - timedelta(days=2))
    applied(readings.source(name="Late one"), HR, moment.now() - timedelta(days=60))
    previewed(readings.source(name="New one", is_released=False), HR)
    text = as_(people.ines).get(reverse("source_list")).text
    for words in (
        "Fresh one",
        "Late one",
        "New one",
        "fresh",
        "late",
        "in quarantine",
        "Somebody has to look",
    ):
        assert words in text


def test_a_source_shows_its_readings_and_is_released(people: People, as_: As) -> None:
    source = readings.source(is_released=False)
    previewed(source, HR)
    client = as_(people.mikael)
    url = reverse("source", args=[source.pk])
    assert "In quarantine" in client.get(url).text
    release = reverse("source_release", args=[source.pk])
    assert client.post(release, {"version": source.version + 1}).status_code == 409
    assert client.post(release, {"version": source.version}).status_code == 302
    assert "In quarantine" not in client.get(url).text
    assert Event.objects.about(source).filter(verb=Verb.SOURCE_RELEASED).exists()


def test_how_files_are_read_is_edited(people: People, as_: As) -> None:
    source, client = readings.source(mapping={}), as_(people.mikael)
    url = reverse("source_edit", args=[source.pk])
    form = {
        "version": source.version, "name": "HR nightly", "fresh_days": 2, "complete": "on", "dates": "dmy",
        "columns": "number = Kennziffer\nname = Wer",
    }  # fmt: skip
    assert client.post(url, form).status_code == 302
    source.refresh_from_db()
    assert source.mapping == {"number": "Kennziffer", "name": "Wer", "complete": "yes", "dates": "dmy"}
    shown = client.get(url).text
    assert "number = Kennziffer" in shown
    run = applied(source, "Kennziffer,Wer\n1,Ann\n", day(1))
    assert run.counts["person"]["new"] == 1
    assert Event.objects.about(source).filter(verb=Verb.SOURCE_EDITED).exists()


@pytest.mark.parametrize(
    ("columns", "words"),
    [("number", "Line 1: write it as"), ("number = x\nshoe = y", "Line 2: there is no field “shoe”")],
)
def test_an_unclear_mapping_is_refused_by_line(people: People, as_: As, columns: str, words: str) -> None:
    source = readings.source()
    form = {"version": source.version, "name": "x", "fresh_days": 2, "columns": columns}
    text = as_(people.mikael).post(reverse("source_edit", args=[source.pk]), form).text
    assert words in text


# --- who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("source", readings.source),
        ("import_run", lambda: previewed(readings.source(), HR)),
    ],
)
def test_what_an_outsider_may_not_see_does_not_exist(
    people: People, as_: As, name: str, make: Callable[[], Source | ImportRun]
) -> None:
    url = reverse(name, args=[make().pk])
    assert Client().get(url).status_code == 302
    for outsider in (people.omar, people.ruth, people.elena):
        assert as_(outsider).get(url).status_code == 404
    for reader in (people.ines, people.farid, people.mikael):
        assert as_(reader).get(url).status_code == 200


@pytest.mark.parametrize("name", ["import_apply", "import_discard"])
def test_a_reader_may_not_decide_on_a_reading(people: People, as_: As, name: str) -> None:
    run = previewed(readings.source(), HR)
    form = {"version": run.version}
    assert as_(people.ines).post(reverse(name, args=[run.pk]), form).status_code == 403
    assert as_(people.omar).post(reverse(name, args=[run.pk]), form).status_code == 404
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED
    assert reverse(name, args=[run.pk]) not in as_(people.ines).get(reverse("import_run", args=[run.pk])).text


def test_a_reader_may_neither_send_nor_edit_nor_release(people: People, as_: As) -> None:
    source = readings.source(is_released=False)
    assert as_(people.ines).get(NEW).status_code == 403
    assert as_(people.ines).get(reverse("source_edit", args=[source.pk])).status_code == 403
    assert (
        as_(people.ines).post(reverse("source_release", args=[source.pk]), {"version": 1}).status_code == 403
    )
    assert as_(people.omar).get(reverse("source_list")).status_code == 403
    assert (
        as_(people.farid).post(reverse("import_confirm", args=[previewed(source, HR).pk]), {}).status_code
        == 403
    )


def test_names_from_a_file_are_shown_as_text(people: People, as_: As) -> None:
    run = previewed(readings.source(), b'employee number,name\n1,"<script>alert(1)</script>"\n')
    text = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_wrong_source_is_not_found(people: People, as_: As) -> None:
    client = as_(people.mikael)
    assert client.get(f"{NEW}?source=nonsense").status_code == 404
    assert client.get(f"{NEW}?source={inventory.identity().pk}").status_code == 404


def test_a_lost_task_is_sent_again_by_the_clock() -> None:
    run = readings.received(readings.source(), HR)
    DBTaskResult.objects.all().delete()
    drain()
    assert readings.fresh(run).state == ImportRun.State.RECEIVED
    assert imports.resume(moment.now()) == 0  # it may still be on its way
    assert imports.resume(moment.now() + timedelta(minutes=11)) == 1
    drain()
    assert readings.fresh(run).state == ImportRun.State.PREVIEWED
    assert not Account.objects.exists()
