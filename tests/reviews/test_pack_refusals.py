"""Packs that must not leave: altered in the vault, or with people who are not in the review."""

import io
import zipfile

import pytest
from django.urls import reverse

from accounts.models import Engagement
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault import services as vault
from portal.vault import store
from portal.vault.models import Blob
from reviews.models import Campaign, EvidencePack
from reviews.services import packs
from reviews.tasks.packs import build_pack
from tests.conftest import As
from tests.factories import inventory
from tests.factories import reviews as factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(people: People) -> factory.Bank:
    made = factory.bank(people)
    made.grant(made.hire("Dana Kovac"))
    blob = vault.keep([b"account,entitlement\n"], limit=1000)
    type(made.reading).objects.filter(pk=made.reading.pk).update(blob=blob)
    return made


def built(campaign: Campaign, people: People) -> EvidencePack:
    pack = packs.request(campaign, with_recordings=False, by=people.ines)
    drain()
    pack.refresh_from_db()
    assert pack.state == EvidencePack.State.READY, pack.error
    return pack


def test_an_altered_pack_is_said_not_given_out(people: People, as_: As, bank: factory.Bank) -> None:
    pack = built(bank.launched(), people)
    assert pack.blob is not None
    place = store.path_of(pack.blob.storage_key)
    place.chmod(0o600)
    place.write_bytes(b"something else")
    response = as_(people.ines).get(reverse("pack_file", args=[pack.code]))
    assert response.status_code == 409
    assert not Event.objects.about(pack).filter(verb=Verb.PACK_DOWNLOADED).exists()
    assert Blob.objects.get(pk=pack.blob.pk).state == Blob.State.ALTERED


def test_a_pack_that_is_being_built_is_not_built_by_a_second_message(
    people: People, bank: factory.Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = packs.request(bank.launched(), with_recordings=False, by=people.ines)
    builds = []

    def build(pack: EvidencePack) -> tuple[Blob, int]:
        builds.append(pack.code)
        if len(builds) == 1:
            build_pack.call(str(pack.pk))  # the same message again, meanwhile
        return vault.keep([b"a pack"], limit=100), 1

    monkeypatch.setattr("reviews.tasks.packs.build", build)
    build_pack.call(str(pack.pk))
    assert builds == [pack.code]
    assert Event.objects.about(pack).filter(verb=Verb.PACK_BUILT).count() == 1


def test_people_who_are_not_in_the_review_do_not_leave_with_it(people: People, bank: factory.Bank) -> None:
    hr = inventory.source(None, name="HR")
    whole = inventory.run(hr, blob=vault.keep([b"number,name\nE-9,Outside Person\n"], limit=100))
    Engagement.objects.create(identity=bank.tomas, source=hr, number="E-1", first_run=whole)
    pack = built(bank.launched(), people)
    assert pack.blob is not None
    with vault.open_verified(pack.blob) as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        for name in archive.namelist():
            assert b"Outside Person" not in archive.read(name), name
        assert any("1-population/readings/" in name for name in archive.namelist())
    assert identity_of(people.tomas).pk == bank.tomas.pk
