"""A campaign about session reach: only what opens privileged sessions on its systems, gateways included."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Account, Grant, ImportRun
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from portal.vault import services as vault
from reviews.models import Campaign, Exclusion, PopulationSource, ReviewItem
from reviews.services import campaigns, packs
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import identity_of
from tests.factories.reviews import Bank, facts_of

pytestmark = pytest.mark.django_db


class World:
    """CORE is entered directly and through JUMP; each has rights that open nothing as well."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.jump = inventory.system("JUMP", owner=bank.tomas, is_gateway=True)
        self.reading = inventory.run(inventory.source(self.jump))
        root = bank.account(None, name="root", kind=Account.Kind.ROLE)
        self.own = bank.grant(bank.hire("Dana Kovac"), bank.right("LEDGER_ADMIN"))
        self.harmless = bank.grant(bank.hire("Omar Haddad"), bank.right("READ", privileged=False))
        self.through = self.at_gateway(
            "root@core01", kind="act_as", acts_as=root, privileged=None, acts_as_name="root"
        )
        self.of_gateway = self.at_gateway("jump-operator")
        self.operator = self.of_gateway.account

    def at_gateway(self, name: str, **fields: Any) -> Grant:
        """A right at JUMP, held by a machine."""
        machine = inventory.identity(f"svc-{name}", "service", owner=identity_of(self.bank.leon))
        account = inventory.account(self.jump, machine, f"svc-{name}", first_run=self.reading)
        right = inventory.entitlement(self.jump, name, first_run=self.reading, **fields)
        return inventory.grant(account, right)

    def campaign(self, **fields: Any) -> Campaign:
        return self.bank.campaign(**({"session_reach": True} | fields))


@pytest.fixture
def world(bank: Bank) -> World:
    return World(bank)


def launched(world: World, **fields: Any) -> Campaign:
    draft = world.campaign(**fields)
    return campaigns.launch(draft, version=draft.version, by=world.bank.everybody.ines)


def judged(campaign: Campaign) -> set[int | None]:
    return set(ReviewItem.objects.filter(campaign=campaign, kind="grant").values_list("grant_id", flat=True))


def test_rights_of_gateways_are_in_it_and_what_opens_nothing_is_left_out(world: World) -> None:
    campaign = launched(world)
    assert judged(campaign) == {world.own.pk, world.through.pk}
    left_out = set(Exclusion.objects.filter(campaign=campaign).values_list("code", "kind", "subject_id"))
    assert ("no_session_reach", "grant", world.harmless.pk) in left_out
    # What a gateway holds beside it is no part of the scope, so it is not left out either.
    assert not [row for row in left_out if row[1:] == ("grant", world.of_gateway.pk)]


def test_without_the_scope_nothing_of_a_gateway_is_in_it(world: World) -> None:
    assert judged(launched(world, session_reach=False)) == {world.own.pk}


def test_a_gateway_brings_its_readings(world: World) -> None:
    campaign = launched(world)
    sources = PopulationSource.objects.filter(campaign=campaign, item_count__gt=0)
    assert set(sources.values_list("system_code", "run_id")) == {
        ("CORE", world.bank.reading.pk),
        ("JUMP", world.reading.pk),
    }


def test_a_stale_gateway_stops_the_launch(world: World) -> None:
    ImportRun.objects.filter(pk=world.reading.pk).update(taken_at=moment.now() - timedelta(days=400))
    found = campaigns.preview(world.campaign())
    assert [line.system_code for line in found.reds] == ["JUMP"]


def test_credentials_of_machines_that_can_enter_are_in_it_if_asked_for(world: World) -> None:
    mine = inventory.credential(world.through.account)
    inventory.credential(world.operator)
    for wanted, expected in ((True, {mine.pk}), (False, set())):
        campaign = launched(world, with_credentials=wanted)
        items = ReviewItem.objects.filter(campaign=campaign, kind="credential")
        assert set(items.values_list("credential_id", flat=True)) == expected


def test_the_scope_is_part_of_the_record_and_of_the_pack(world: World) -> None:
    for run in (world.bank.reading, world.reading):
        blob = vault.keep([str(run.pk).encode()], limit=100)
        ImportRun.objects.filter(pk=run.pk).update(blob=blob)
    campaign = launched(world)
    event = Event.objects.about(campaign).get(verb=Verb.CAMPAIGN_LAUNCHED)
    assert facts_of(event)["session_reach"] is True
    pack = packs.request(campaign, with_recordings=False, by=world.bank.everybody.ines)
    drain()
    pack.refresh_from_db()
    assert pack.blob is not None
    with vault.open_verified(pack.blob) as opened, zipfile.ZipFile(BytesIO(opened.read())) as bag:
        folder = bag.namelist()[0].partition("/")[0]
        said = json.loads(bag.read(f"{folder}/data/campaign.json"))
        systems = bag.read(f"{folder}/data/5-owners/systems.jsonl").decode()
    assert (said["session_reach"], said["systems"]) == (True, ["CORE"])
    assert {json.loads(line)["code"] for line in systems.splitlines()} == {"CORE", "JUMP"}


def test_compliance_chooses_it_in_the_form_and_sees_it_before_launch(world: World, as_: As) -> None:
    client = as_(world.bank.everybody.ines)
    due = (moment.now() + timedelta(days=20)).date().isoformat()
    sent = {
        "name": "Who may enter CORE",
        "systems": [str(world.bank.system.pk)],
        "kinds": ["human", "service"],
        "session_reach": "on",
        "fallback": "Ines Falk",
        "due_on": due,
        "evidence_days": "90",
    }
    answer = client.post(reverse("campaign_new"), sent, follow=True)
    assert "Session reach only" in answer.text
    made = Campaign.objects.get(name="Who may enter CORE")
    assert made.session_reach
    assert "root@core01" in answer.text
    edited = client.get(reverse("campaign_edit", args=[made.code])).text
    assert 'name="session_reach"' in edited
    assert 'id="id_session_reach" checked' in edited
