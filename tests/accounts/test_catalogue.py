"""What rights mean: described in place, suggested and settled, taken over from a catalogue."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Entitlement
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory, readings
from tests.factories import people as factory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


def right(name: str = "FI_PAY_07", **fields: object) -> Entitlement:
    made = inventory.entitlement(fields.pop("system", None) or inventory.system("CORE"), name, **fields)  # type: ignore[arg-type]  # a factory's
    inventory.grant(inventory.account(made.system), made)
    return made


def described(made: Entitlement, **said: object) -> dict[str, object]:
    return {
        "version": made.version,
        "plain_words": "Post payments up to 10,000",
        "risk": "",
        "is_privileged": "yes",
        "because": "",
        "owner": "",
        **said,
    }


def uploaded(client: Client, text: str) -> "object":
    file = SimpleUploadedFile("rights.csv", text.encode())
    return client.post(reverse("catalogue_new"), {"file": file})


def test_words_are_written_in_place_and_readings_leave_them_alone(people: People, as_: As) -> None:
    made = right()
    answer = as_(people.mikael).post(reverse("right", args=[made.pk]), described(made, risk="Fraud"))
    assert answer.status_code == 302
    made.refresh_from_db()
    assert (made.plain_words, made.risk, made.described_by) == ("Post payments up to 10,000", "Fraud", "hand")
    event = Event.objects.get(verb=Verb.RIGHT_DESCRIBED)
    assert event.subject_id == str(made.pk)


def test_two_who_write_at_once_do_not_overwrite_each_other(people: People, as_: As) -> None:
    made = right()
    client = as_(people.mikael)
    client.post(reverse("right", args=[made.pk]), described(made))
    assert client.post(reverse("right", args=[made.pk]), described(made, risk="Late")).status_code == 409


def test_whether_it_is_privileged_wants_a_reason_and_reaches_what_brings_it(people: People, as_: As) -> None:
    made = right(privileged=None)
    group = inventory.entitlement(made.system, "payers", privileged=None, kind="group")
    inventory.inclusion(group, made)
    client, url = as_(people.mikael), reverse("right", args=[made.pk])
    assert "Say why" in client.post(url, described(made)).content.decode()
    client.post(url, described(made, because="It moves money"))
    group.refresh_from_db()
    assert (group.carries_privilege, group.privileged_through_id) == (True, made.pk)
    made.refresh_from_db()
    client.post(url, described(made, is_privileged="no", because="Only drafts"))
    group.refresh_from_db()
    assert (group.carries_privilege, group.privileged_through_id) == (False, None)


def test_who_owns_a_right_may_explain_it_without_a_role(people: People, as_: As) -> None:
    made = right(owner=factory.identity_of(people.tomas))
    url = reverse("right", args=[made.pk])
    assert as_(people.tomas).post(url, described(made)).status_code == 302
    assert as_(people.omar).get(url).status_code == 404
    assert as_(people.ines).get(url).status_code == 200
    assert as_(people.ines).post(url, described(made)).status_code == 403


def test_words_of_the_same_name_are_suggested_and_settled(people: People, as_: As) -> None:
    known = right(plain_words="Read the ledger")
    twin = right(system=inventory.system("OTHER"))
    other = right("X", system=inventory.system("THIRD"))
    client = as_(people.mikael)
    client.post(reverse("right_suggest"))
    twin.refresh_from_db()
    assert (twin.plain_words, twin.described_by) == ("Read the ledger", "suggested")
    assert not Entitlement.objects.get(pk=other.pk).plain_words
    client.post(reverse("right_settle"), {"right": [twin.pk, known.pk], "act": "confirm"})
    twin.refresh_from_db()
    assert twin.described_by == "hand"
    assert Entitlement.objects.get(pk=known.pk).described_by == "import"


def test_a_rejected_suggestion_leaves_no_words(people: People, as_: As) -> None:
    made = right(plain_words="Wrong", described_by="suggested")
    as_(people.mikael).post(reverse("right_settle"), {"right": [made.pk], "act": "reject"})
    made.refresh_from_db()
    assert (made.plain_words, made.described_by) == ("", "import")


def test_a_catalogue_is_looked_at_and_then_taken_over(people: People, as_: As) -> None:
    made, same = right(), right("FI_READ", plain_words="Read", system=inventory.system("OTHER"))
    text = (
        "system,right,description,privileged,because,password\n"
        f"CORE,{made.name},Post payments,no,Only drafts,hunter2\n"
        f"OTHER,{same.name},Read,,,\n"
        "CORE,NOBODY,Words,,,\n"
        "CORE,FI_PAY_07,Twice,,,\n"
    )
    client = as_(people.mikael)
    answer = client.post(reverse("catalogue_new"), {"file": SimpleUploadedFile("r.csv", text.encode())})
    found = answer.context["found"]
    assert ([entry.line for entry in found.entries], found.same) == ([2], 1)
    assert [(one.line, one.code) for one in found.rejected] == [(4, "unknown_right"), (5, "duplicate_right")]
    made.refresh_from_db()
    assert made.plain_words == ""
    client.post(reverse("catalogue_take_over"), {"seal": answer.context["seal"]})
    made.refresh_from_db()
    assert (made.plain_words, made.is_privileged, made.described_by) == ("Post payments", False, "catalogue")


def test_a_preview_belongs_to_who_looked_at_it_and_to_what_stood_then(people: People, as_: As) -> None:
    made = right()
    client = as_(people.mikael)
    file = SimpleUploadedFile("r.csv", f"right,words\n{made.name},Post\n".encode())
    seal = client.post(reverse("catalogue_new"), {"file": file}).context["seal"]
    take = reverse("catalogue_take_over")
    assert client.post(take, {"seal": seal + "x"}).status_code == 422
    Entitlement.objects.filter(pk=made.pk).update(plain_words="Post")
    assert client.post(take, {"seal": seal}).status_code == 422


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "no column for"),
        (b"right,words\nX\n", "Line 2"),
        (b"right,words\n\xff\xfe,x\n", "UTF-8"),
        (b"%PDF-1.4", "PDF"),
    ],
)
def test_what_is_no_catalogue_is_refused_with_the_place(
    people: People, as_: As, content: bytes, says: str
) -> None:
    file = SimpleUploadedFile("r.csv", BytesIO(content).read())
    answer = as_(people.mikael).post(reverse("catalogue_new"), {"file": file})
    assert answer.status_code == 200
    assert says in answer.content.decode()


def test_how_much_has_words_opens_its_rows(people: People, as_: As) -> None:
    core = inventory.system("CORE")
    right("A", system=core, plain_words="Does A")
    without = right("B", system=core)
    right("C", system=core, plain_words="Maybe", described_by="suggested")
    inventory.entitlement(core, "unused")
    client = as_(people.ines)
    (row,) = (one for one in client.get(reverse("right_coverage")).context["rows"] if one["system"] == core)
    assert (row["total"], row["known"], row["suggested"], row["without"]) == (3, 1, 1, 1)
    shown = client.get(reverse("right_list"), {"system": "CORE", "words": "without"}).context["rows"]
    assert [one.pk for one in shown] == [without.pk]


def test_the_list_as_a_file_is_a_catalogue(people: People, as_: As) -> None:
    right("=FI_PAY", plain_words="+words")
    body = b"".join(as_(people.ines).get(reverse("right_list"), {"export": "csv"}).streaming_content).decode()  # type: ignore[attr-defined]  # streams
    assert body.splitlines()[0].startswith("system,external_id,name,kind,plain_words")
    assert "'=FI_PAY" in body


def test_who_may_not_see_the_inventory_sees_no_rights(people: People, as_: As) -> None:
    right()
    assert as_(people.omar).get(reverse("right_list")).context["rows"] == []
    assert as_(people.ruth).get(reverse("right_coverage")).status_code == 403
    assert as_(people.ines).get(reverse("catalogue_new")).status_code == 403


def test_a_reading_that_does_not_know_keeps_what_somebody_judged() -> None:
    core = readings.system()
    source = readings.source(core)
    head = "account,entitlement,privileged,because\n"
    readings.applied(source, f"{head}ann,PAY,,\n", readings.day(1))
    Entitlement.objects.filter(name="PAY").update(
        is_privileged=False, because="Only drafts", described_by="catalogue"
    )
    readings.applied(source, f"{head}ann,PAY,,moves money\n", readings.day(2))
    kept = Entitlement.objects.get(name="PAY")
    assert (kept.is_privileged, kept.because) == (False, "Only drafts")
    readings.applied(source, f"{head}ann,PAY,yes,moves money\n", readings.day(3))
    told = Entitlement.objects.get(name="PAY")
    assert (told.is_privileged, told.because) == (True, "moves money")
