"""A leaver from plan to closed, on readings of files: asked, reported, back again, proven, handed over."""

from dataclasses import dataclass

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from accounts.clock.offboarding import begin_due, follow_running
from accounts.models import Account, CaseLine, Identity, Membership, OffboardingCase, Revocation, Source
from accounts.services import offboarding, revocations
from portal import moment
from tests.conftest import As
from tests.factories import inventory, readings
from tests.factories.people import People, identity_of
from tests.factories.readings import applied, day

pytestmark = pytest.mark.django_db

HEAD = "record,account,entitlement,enabled,kind,credential,credential kind,rotated\n"
DANA = "account,dkovac,,yes,,,,\ngrant,dkovac,POST,,,,,\ncredential,dkovac,,,,AK1,access key,2024-01-01\n"
SHARED = "account,opsdesk,,yes,shared,,,\ncredential,opsdesk,,,,pw,password,{}\n"
OTHERS = "account,aiko,,yes,,,,\ngrant,aiko,READ,,,,,\n"
HELD = HEAD + DANA + SHARED.format("2024-01-01") + OTHERS
DISABLED = HELD.replace("account,dkovac,,yes", "account,dkovac,,no").replace("grant,dkovac,POST,,,,,\n", "")
GONE = HEAD + SHARED.format("{:%Y-%m-%d}") + OTHERS


@dataclass
class Story:
    """The leaver, what they leave behind, and the case."""

    core: Source
    person: Identity
    robot: Identity
    case: OffboardingCase

    def states(self, *kinds: str) -> dict[str, str]:
        found = {line.kind: line.state for line in self.case.lines.all()}
        return {kind: found[kind] for kind in kinds or found}


@pytest.fixture
def story(people: People) -> Story:
    """Dana, planned by HR on the ninth day, begun by the clock on the tenth."""
    core = readings.source(readings.system())
    applied(core, HELD, day(1))
    person = inventory.identity("Dana Kovac", email="dana@nordhaven.test")
    Account.objects.filter(name="dkovac").update(identity=person, match_method=Account.Match.HAND)
    shared = Account.objects.get(name="opsdesk", kind=Account.Kind.SHARED)
    Membership.objects.create(account=shared, identity=person, during=DateTimeTZRange(day(1), None))
    robot = inventory.identity("bot-recon", "bot", owner=person, deputy=identity_of(people.tomas))
    with moment.simulated(day(9)):
        case = offboarding.schedule(
            person,
            reason=OffboardingCase.Reason.DISMISSED,
            local_time=day(10).replace(tzinfo=None),
            zone="UTC",
            actor=people.ruth.actor,
        )
    begin_due(day(10))
    case.refresh_from_db()
    return Story(core, person, robot, case)


def test_what_is_gone_is_done_and_what_comes_back_is_open(people: People, as_: As, story: Story) -> None:
    assert story.states() == {
        "account": "asked",
        "credential": "asked",
        "grant": "asked",
        "machine": "open",
        "membership": "asked",
    }
    applied(story.core, DISABLED, day(11))  # the right is gone, the account off, the key still there
    follow_running(day(11))
    assert story.states("account", "credential", "grant") == {
        "account": "done",
        "credential": "asked",
        "grant": "done",
    }
    applied(story.core, HELD, day(12))  # somebody gives everything back
    follow_running(day(12))
    assert story.states("account", "grant") == {"account": "open", "grant": "open"}
    assert story.case.lines.count() == 5  # the same things, no new lines
    for line in story.case.lines.filter(state=CaseLine.State.OPEN, kind__in=["grant", "account"]):
        url = reverse("offboarding_insist", args=[story.case.code, line.pk])
        with moment.simulated(day(13)):
            assert as_(people.ines).post(url, {"version": line.version}).status_code == 302
    applied(story.core, GONE.format(day(12)), day(14))
    follow_running(day(14))
    assert story.states("account", "credential", "grant", "membership") == {
        "account": "done",
        "credential": "done",
        "grant": "done",
        "membership": "done",
    }


def test_it_closes_when_all_is_proven_and_handed_over(people: People, as_: As, story: Story) -> None:
    removal = Revocation.objects.get(grant__account__identity=story.person)
    with moment.simulated(day(11)):
        revocations.report_done(removal, version=removal.version, ticket="OPS-1", by=people.aiko)
    applied(story.core, GONE.format(day(11)), day(12))
    case, hr = story.case, as_(people.ruth)
    close, sent = reverse("offboarding_close", args=[case.code]), {"version": case.version}
    with moment.simulated(day(12)):
        follow_running(day(12))
        refused = hr.post(close, sent)
        assert refused.status_code == 422
        assert "Machine identities they answer for: 1" in refused.text
        line = case.lines.get(kind="machine")
        url = reverse("offboarding_hand_over", args=[case.code, line.pk])
        as_(people.ines).post(url, {"version": line.version, "to": "tomas@nordhaven.test"})
        assert hr.post(close, sent).status_code == 302
    case.refresh_from_db()
    story.robot.refresh_from_db()
    assert (case.state, set(story.states().values())) == (OffboardingCase.State.CLOSED, {"done"})
    assert story.robot.owner == identity_of(people.tomas)
    assert not Membership.objects.filter(identity=story.person, during__upper_inf=True).exists()
    assert Identity.objects.get(pk=story.person.pk).status == Identity.Status.LEFT
