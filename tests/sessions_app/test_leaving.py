"""What somebody who leaves holds here: the right to watch, and recorders they answer for."""

from django.db.models import Model

from accounts.models import CaseLine, Identity, OffboardingCase
from accounts.ports import Settled, holdings, settle
from portal import moment
from portal.audit.services import PORTAL
from portal.users.models import User
from portal.users.permissions import Perm
from portal.users.roles import Role
from sessions_app.answers import RECORDERS, WATCHING
from tests.factories import inventory
from tests.factories import people as factory
from tests.factories.people import identity_of
from tests.sessions_app.conftest import World


def line(leaver: Identity, kind: str, subject: Model) -> CaseLine:
    at = moment.now()
    case = OffboardingCase.objects.create(
        code=f"OFF-{kind}"[:16],
        identity=leaver,
        reason=OffboardingCase.Reason.OTHER,
        local_time="2026-10-06T16:00",
        zone="UTC",
        effective_at=at,
        started_by_id=leaver.pk,
        created_at=at,
    )
    return CaseLine.objects.create(
        case=case,
        kind=kind,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        label="x",
        disposition=CaseLine.Disposition.END,
    )


def settled(one: CaseLine) -> Settled | None:
    answers = {key: answer for key, answer in settle.ask(one, moment.now(), PORTAL).items() if answer}
    assert set(answers) <= {one.kind}
    return answers.get(one.kind)


def test_who_may_watch_holds_that_right_and_others_do_not(world: World) -> None:
    people = world.people
    [held] = holdings.ask(identity_of(people.farid))[WATCHING]
    assert (held.kind, held.subject, held.disposition) == (WATCHING, people.farid, CaseLine.Disposition.END)
    assert holdings.ask(identity_of(people.ines))[WATCHING] == []


def test_settling_it_takes_the_role_away_and_no_other(world: World) -> None:
    both = factory.user(
        "Both Roles", Role.SECURITY, Role.COMPLIANCE, identity=inventory.identity("Both Roles")
    )
    done = settled(line(identity_of(both), WATCHING, both))
    assert done is not None
    assert done.is_done
    both = User.objects.get(pk=both.pk)
    assert both.roles == [Role.COMPLIANCE]
    assert not both.may(Perm.RECORDING_WATCH)


def test_with_the_sign_in_the_right_has_ended(world: World) -> None:
    farid = world.people.farid
    User.objects.filter(pk=farid.pk).update(is_active=False)
    done = settled(line(identity_of(farid), WATCHING, farid))
    assert done is not None
    assert done.is_done
    assert User.objects.get(pk=farid.pk).roles == [Role.SECURITY]


def test_a_recorder_waits_for_a_new_owner(world: World) -> None:
    recorder = world.recorder()
    [held] = holdings.ask(world.dana)[RECORDERS]
    assert (held.subject, held.disposition) == (recorder, CaseLine.Disposition.HAND_OVER)
    one = line(world.dana, RECORDERS, recorder)
    waiting = settled(one)
    assert waiting is not None
    assert not waiting.is_done
    Identity.objects.filter(recorder=recorder).update(owner=inventory.identity("Next"))
    done = settled(one)
    assert done is not None
    assert done.is_done


def test_lines_of_other_rooms_are_left_to_them(world: World) -> None:
    one = line(world.dana, "something else", world.dana)
    mine = {
        key: answer
        for key, answer in settle.ask(one, moment.now(), PORTAL).items()
        if key in (WATCHING, RECORDERS)
    }
    assert mine == {WATCHING: None, RECORDERS: None}
