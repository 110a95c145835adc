"""How a file was asked for at the source, and how many rows the source counted, held against what came."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Account, ImportRun, Revocation, RevocationCause
from accounts.services import revocations
from portal.audit.models import Payload
from portal.audit.services import PORTAL
from portal.tasks.testing import drain
from tests.conftest import As
from tests.factories import readings
from tests.factories.people import People
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

THREE = "account,entitlement\na,READ\nb,READ\nc,\n"
TWO = "account,entitlement\na,READ\nc,\n"
QUERY = "SELECT * FROM grants WHERE owner <> 'SYS'"


def test_another_count_than_the_file_has_proves_nothing_gone(people: People, as_: As) -> None:
    core = readings.source(readings.system())
    applied(core, THREE, day(1))
    account = Account.objects.get(name="b")
    cause = revocations.Cause(RevocationCause.Kind.DECISION, "1", "CAM/1")
    asked = revocations.decide(account, act=Revocation.Act.REMOVE, cause=cause, actor=PORTAL, at=day(1))
    revocations.request(Revocation.objects.filter(pk=asked.pk), actor=PORTAL, at=day(1))
    run = previewed(core, TWO, day(2), source_count=3)
    assert not run.is_complete
    assert (run.counts["account"]["gone"], run.counts["grant"]["gone"]) == (0, 0)
    shown = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "The file holds 2 rows, and 3 were counted at the source" in shown
    run = readings.apply(run)
    assert not run.is_complete
    assert Account.objects.present().count() == 3
    assert Revocation.objects.get().not_proven == "not_complete"


def test_the_same_count_lets_the_file_prove_absence() -> None:
    core = readings.source(readings.system())
    applied(core, THREE, day(1), source_count=3)
    run = applied(core, TWO, day(2), source_count=2)
    assert run.is_complete
    assert set(Account.objects.present().values_list("name", flat=True)) == {"a", "c"}


def test_people_are_counted_by_their_rows() -> None:
    hr = readings.source()
    text = "employee number,name\n1,Ann\n2,Bo\n"
    assert previewed(hr, text, day(1), source_count=2).is_complete
    assert not previewed(hr, text, day(1), source_count=4).is_complete


def test_the_query_is_kept_with_the_reading_and_its_event(people: People, as_: As) -> None:
    run = previewed(readings.source(readings.system()), THREE, filter_text=f"  {QUERY}\n", source_count=3)
    assert (run.filter_text, run.source_count) == (QUERY, 3)
    facts = Payload.objects.get(event__verb="import.received", event__subject_id=str(run.pk)).facts
    assert facts is not None
    assert (facts["filter"], facts["source_count"]) == (QUERY, 3)
    shown = as_(people.mikael).get(reverse("import_run", args=[run.pk])).text
    assert "owner &lt;&gt; &#x27;SYS&#x27;" in shown
    assert "The source counted" in shown


def test_both_are_said_in_the_form(people: People, as_: As) -> None:
    source, client = readings.source(readings.system()), as_(people.mikael)
    page = f"{reverse('import_new')}?source={source.pk}"
    assert 'name="source_count"' in client.get(page).text
    sent = {"file": SimpleUploadedFile("core.csv", THREE.encode()), "filter_text": QUERY, "source_count": "4"}
    assert client.post(page, sent).status_code == 302
    drain()
    run = ImportRun.objects.get()
    assert (run.filter_text, run.source_count, run.is_complete) == (QUERY, 4, False)
    sent |= {"file": SimpleUploadedFile("core.csv", THREE.encode()), "source_count": "-1"}
    assert client.post(page, sent).status_code == 422
