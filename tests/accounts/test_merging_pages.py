"""The pages on which identities are merged and split: looked at first, then done."""

import pytest
from django.urls import reverse

from accounts.models import Identity
from tests.accounts.test_merging import engaged, merge
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(people: People) -> tuple[Identity, Identity]:
    """Chiara Neri with two numbers."""
    kept, duplicate = inventory.identity("Chiara Neri"), inventory.identity("chiara neri")
    engaged(kept, "400")
    engaged(duplicate, "X-17")
    return kept, duplicate


def test_likely_duplicates_are_offered_and_others_found(
    people: People, two: tuple[Identity, Identity], as_: As
) -> None:
    client, url = as_(people.mikael), reverse("identity_merge", args=[two[0].pk])
    assert f"?other={two[1].pk}" in client.get(url).content.decode()
    assert "Tomas Brandt" in client.get(url, {"q": "tomas"}).content.decode()
    assert "Nobody else fits" in client.get(url, {"q": "nobody at all"}).content.decode()


def test_look_then_merge(people: People, two: tuple[Identity, Identity], as_: As) -> None:
    kept, duplicate = two
    client, url = as_(people.mikael), reverse("identity_merge", args=[kept.pk])
    looked = client.get(url, {"other": str(duplicate.pk)})
    assert "X-17" in looked.content.decode()
    assert duplicate.engagements.exists()
    form = looked.context["form"].initial
    assert client.post(url, form).status_code == 302
    duplicate.refresh_from_db()
    assert duplicate.merged_into == kept
    assert "See who it is" in client.get(reverse("identity", args=[duplicate.pk])).content.decode()
    assert client.post(url, form).status_code == 422


def test_a_merge_that_is_refused_has_no_button(
    people: People, two: tuple[Identity, Identity], as_: As
) -> None:
    machine = inventory.identity("svc", kind="service")
    answer = as_(people.mikael).get(reverse("identity_merge", args=[two[0].pk]), {"other": str(machine.pk)})
    assert "never one" in answer.content.decode()
    assert 'class="button danger"' not in answer.content.decode()


def test_what_changed_meanwhile_is_a_conflict(
    people: People, two: tuple[Identity, Identity], as_: As
) -> None:
    sent = {"other": str(two[1].pk), "version": two[0].version, "other_version": two[1].version + 1}
    assert as_(people.mikael).post(reverse("identity_merge", args=[two[0].pk]), sent).status_code == 409


def test_look_then_split(people: People, two: tuple[Identity, Identity], as_: As) -> None:
    kept, duplicate = two
    merge(kept, duplicate, people.mikael)
    kept.refresh_from_db()
    client, url = as_(people.mikael), reverse("identity_split", args=[kept.pk])
    moving = kept.engagements.get(number="X-17")
    sent = {"version": kept.version, "engagements": [moving.pk], "name": "Chiara Nero"}
    looked = client.post(url, sent)
    assert looked.status_code == 200
    assert looked.context["going"] == ["X-17, Nordhaven Bank"]
    assert kept.engagements.count() == 2
    done = client.post(url, {**dict(looked.context["sent"]), "step": "split"})
    part = Identity.objects.get(name="Chiara Nero")
    assert done.headers["Location"] == reverse("identity", args=[part.pk])
    assert part.engagements.get() == moving


def test_a_split_without_a_name_is_asked_again(
    people: People, two: tuple[Identity, Identity], as_: As
) -> None:
    kept, duplicate = two
    client = as_(people.mikael)
    for whole in (duplicate, kept):
        whole.refresh_from_db()
        sent = {"version": whole.version, "engagements": [whole.engagements.earliest("pk").pk]}
        answer = client.post(reverse("identity_split", args=[whole.pk]), sent)
        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == ["name"]
        if whole == duplicate:
            merge(kept, duplicate, people.mikael)


@pytest.mark.parametrize("page", ["identity_merge", "identity_split"])
@pytest.mark.parametrize(
    ("name", "status"), [("mikael", 200), ("ines", 403), ("ruth", 403), ("farid", 403), ("omar", 404)]
)
def test_who_may(
    people: People, two: tuple[Identity, Identity], as_: As, page: str, name: str, status: int
) -> None:
    assert as_(getattr(people, name)).get(reverse(page, args=[two[0].pk])).status_code == status


def test_the_owner_of_a_machine_does_not_merge_it(people: People, as_: As) -> None:
    owner = people.tomas.identity_id
    machine = inventory.identity("svc", kind="service", owner_id=owner)
    assert as_(people.tomas).get(reverse("identity_merge", args=[machine.pk])).status_code == 403
