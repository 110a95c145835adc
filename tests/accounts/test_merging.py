"""Duplicates merge and split: what moves, what stays as evidence, who may, and what is refused."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import Account, Engagement, Identity, Membership, OffboardingCase, Ownership, Source
from accounts.services import merging, offboarding, ownership, splitting
from portal import moment
from portal.audit.models import Event, Payload
from portal.audit.services import PORTAL
from portal.audit.versions import Conflict
from portal.users.models import User
from reviews.services.reviewers import barred_of
from tests.factories import inventory, readings
from tests.factories import people as factory
from tests.factories.people import People, identity_of
from tests.factories.readings import applied, day
from tests.factories.reviews import bank as make_bank
from tests.factories.reviews import item_of

pytestmark = pytest.mark.django_db


def engaged(person: Identity, number: str, source: Source | None = None, **fields: object) -> Engagement:
    source = source or inventory.source()
    values: dict[str, object] = {"employer": "Nordhaven Bank", "first_run": inventory.run(source)}
    return Engagement.objects.create(identity=person, source=source, number=number, **(values | fields))


@pytest.fixture
def chiara(db: None) -> tuple[Identity, Identity]:
    """As an employee, and as the contractor she was before."""
    kept = inventory.identity("Chiara Neri", email="neri@bank.test", department="Payments")
    duplicate = inventory.identity("Chiara Neri", email="neri@bank.test", title="Consultant")
    engaged(kept, "400")
    engaged(duplicate, "X-17", ends_on=date(2026, 3, 31))
    return kept, duplicate


def merge(kept: Identity, duplicate: Identity, by: User) -> Identity:
    return merging.merge(kept, duplicate, version=kept.version, duplicate_version=duplicate.version, by=by)


def test_everything_moves_and_the_duplicate_stays(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    account = inventory.account(inventory.system(), duplicate)
    machine = inventory.identity("svc-pay", kind="service")
    ownership.name_owner(machine, duplicate, role=Ownership.Role.OWNER, version=None, actor=PORTAL)
    report = inventory.identity("Samir Haddad", manager=duplicate)
    merge(kept, duplicate, people.mikael)
    for row in (kept, duplicate, account, machine, report):
        row.refresh_from_db()
    assert {one.number for one in kept.engagements.all()} == {"400", "X-17"}
    assert (account.identity, machine.owner, report.manager) == (kept, kept, kept)
    assert machine.ownerships.get().holder == kept
    assert (duplicate.merged_into, duplicate.status, duplicate.name) == (kept, "left", "Chiara Neri")
    assert (kept.title, kept.department, kept.status) == ("Consultant", "Payments", "active")
    assert list(Identity.objects.human().standing().filter(name="Chiara Neri")) == [kept]


def test_one_event_says_what_moved(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    account = inventory.account(inventory.system(), duplicate)
    merge(kept, duplicate, people.mikael)
    event = Event.objects.about(duplicate).get(verb="identity.merged")
    facts = Payload.objects.get(event=event).facts
    assert facts is not None
    assert (facts["into"], facts["accounts"]) == (str(kept.pk), [account.pk])
    assert event.actor_id == str(people.mikael.pk)


def test_a_shared_account_has_one_membership(people: People, chiara: tuple[Identity, Identity]) -> None:
    account = inventory.account(inventory.system(), kind=Account.Kind.SHARED)
    for one in chiara:
        Membership.objects.create(
            account=account, identity=one, during=DateTimeTZRange(inventory.LONG_AGO, None)
        )
    merge(*chiara, people.mikael)
    assert account.memberships.filter(identity=chiara[0]).count() == 2
    assert account.memberships.filter(during__upper_inf=True).count() == 1


def test_owner_and_deputy_in_one_person_leave_the_place_empty(
    people: People, chiara: tuple[Identity, Identity]
) -> None:
    kept, duplicate = chiara
    for first, second in ((kept, duplicate), (duplicate, kept)):
        machine = inventory.identity("svc", kind="service")
        ownership.name_owner(machine, first, role=Ownership.Role.OWNER, version=None, actor=PORTAL)
        ownership.name_owner(machine, second, role=Ownership.Role.DEPUTY, version=None, actor=PORTAL)
    merge(kept, duplicate, people.mikael)
    machines = Identity.objects.machines()
    assert {(one.owner_id, one.deputy_id) for one in machines} == {(kept.pk, None)}
    assert not Ownership.objects.filter(role="deputy", during__upper_inf=True).exists()


def test_nobody_becomes_their_own_manager(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    between = inventory.identity("Tina Between", manager=duplicate)
    Identity.objects.filter(pk=kept.pk).update(manager=between)
    kept.refresh_from_db()
    merge(kept, duplicate, people.mikael)
    kept.refresh_from_db()
    between.refresh_from_db()
    assert (kept.manager, between.manager) == (None, kept)


def test_a_direct_manager_who_is_the_duplicate(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    boss = inventory.identity("Boss")
    Identity.objects.filter(pk=duplicate.pk).update(manager=boss)
    Identity.objects.filter(pk=kept.pk).update(manager=duplicate)
    kept.refresh_from_db()
    duplicate.refresh_from_db()
    merge(kept, duplicate, people.mikael)
    kept.refresh_from_db()
    assert kept.manager == boss


def test_the_sign_in_follows(people: People, chiara: tuple[Identity, Identity]) -> None:
    user = factory.user("Chiara Neri", identity=chiara[1])
    merge(*chiara, people.mikael)
    user.refresh_from_db()
    assert user.identity_id == chiara[0].pk


def test_an_ended_sign_in_gives_way(people: People, chiara: tuple[Identity, Identity]) -> None:
    old, new = factory.user("Old Neri", identity=chiara[0]), factory.user("New Neri", identity=chiara[1])
    User.objects.filter(pk=old.pk).update(is_active=False)
    merge(*chiara, people.mikael)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.identity_id, new.identity_id) == (chiara[1].pk, chiara[0].pk)


def test_a_duplicate_of_a_duplicate_points_to_the_last(
    people: People, chiara: tuple[Identity, Identity]
) -> None:
    kept, duplicate = chiara
    last = inventory.identity("Chiara Neri-Rossi")
    engaged(last, "900")
    merge(kept, duplicate, people.mikael)
    kept.refresh_from_db()
    merge(last, kept, people.mikael)
    assert set(last.merged.all()) == {kept, duplicate}


def test_the_next_reading_of_hr_knows_her_by_both_numbers(people: People) -> None:
    header = "number,name,email,status\n"
    rows = "400,Chiara Neri,neri@bank.test,active\nX-17,Chiara Neri,c.neri@contract.test,active\n"
    hr = readings.source()
    applied(hr, header + rows, day(1))
    kept, duplicate = (Engagement.objects.get(number=number).identity for number in ("400", "X-17"))
    assert kept != duplicate
    merge(kept, duplicate, people.mikael)
    applied(hr, header + rows + "401,Chiara Neri,neri@bank.test,active\n", day(2))
    assert Engagement.objects.get(number="401").identity == kept
    assert Engagement.objects.filter(identity=kept).count() == 3
    duplicate.refresh_from_db()
    assert duplicate.merged_into == kept


def test_what_hr_planned_goes_on_about_her_and_is_told_to_nobody(
    people: People, chiara: tuple[Identity, Identity]
) -> None:
    kept, duplicate = chiara
    cases = []
    for one, days in ((kept, 9), (duplicate, 3)):
        cases.append(
            offboarding.schedule(
                one,
                reason=OffboardingCase.Reason.CONTRACT_END,
                local_time=(moment.now() + timedelta(days=days)).replace(
                    tzinfo=None, second=0, microsecond=0
                ),
                zone="UTC",
                actor=people.ruth.actor,
            )
        )
    assert merging.why_not(kept, duplicate, people.mikael) == ""
    merge(kept, duplicate, people.mikael)
    later, earlier = (OffboardingCase.objects.get(pk=case.pk) for case in cases)
    assert (later.state, earlier.state, earlier.identity) == ("cancelled", "planned", kept)
    facts = Payload.objects.get(event=Event.objects.get(verb="identity.merged")).facts
    assert "case" not in str(facts)


# --- What is refused ----------------------------------------------------------------------------------


def test_refusals(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    machine = inventory.identity("svc", kind="service")
    gone = inventory.identity("Gone", status="left")
    mikael = identity_of(people.mikael)
    for one, other, words in (
        (kept, kept, "same identity"),
        (kept, machine, "never one"),
        (machine, kept, "never one"),
        (kept, mikael, "yourself"),
        (gone, kept, "other way round"),
    ):
        with pytest.raises(ValidationError, match=words):
            merge(one, other, people.mikael)
    merge(kept, duplicate, people.mikael)
    duplicate.refresh_from_db()
    with pytest.raises(ValidationError, match="already"):
        merge(kept, duplicate, people.mikael)


def test_two_who_sign_in_are_not_merged(people: People, chiara: tuple[Identity, Identity]) -> None:
    factory.user("One Neri", identity=chiara[0])
    factory.user("Two Neri", identity=chiara[1])
    with pytest.raises(ValidationError, match="sign in"):
        merge(*chiara, people.mikael)


def test_open_reviews_are_passed_on_first(people: People, chiara: tuple[Identity, Identity]) -> None:
    bank = make_bank(people)
    grant = bank.grant(bank.hire("Dana Kovac"))
    item_of(bank.launched(), grant)
    tomas = identity_of(people.tomas)
    with pytest.raises(ValidationError, match="reviews to finish"):
        merge(chiara[0], tomas, people.mikael)


def test_what_changed_meanwhile_is_not_merged(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    with pytest.raises(Conflict):
        merging.merge(
            kept, duplicate, version=kept.version, duplicate_version=duplicate.version + 1, by=people.mikael
        )
    kept.refresh_from_db()
    assert kept.engagements.count() == 1


# --- Split --------------------------------------------------------------------------------------------


def split(whole: Identity, by: User, numbers: list[str], **fields: object) -> Identity:
    whole.refresh_from_db()
    rows = whole.engagements.filter(number__in=numbers)
    values: dict[str, object] = {"name": "Chiara Neri", "email": "", "accounts": [], "into": None}
    return splitting.split(
        whole,
        engagements=[one.pk for one in rows],
        version=whole.version,
        by=by,
        **(values | fields),  # type: ignore[arg-type]  # as the test says
    )


def test_what_was_one_is_two(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    mine = inventory.account(inventory.system(), kept)
    hers = inventory.account(inventory.system(), duplicate)
    merge(kept, duplicate, people.mikael)
    part = split(
        kept, people.mikael, ["X-17"], accounts=[hers.pk], name="Chiara Nero", email="nero@bank.test"
    )
    mine.refresh_from_db()
    hers.refresh_from_db()
    assert (mine.identity, hers.identity) == (kept, part)
    assert (part.name, part.email, part.kind, part.status) == (
        "Chiara Nero",
        "nero@bank.test",
        "human",
        "left",
    )
    assert part.engagements.get().number == "X-17"
    facts = Payload.objects.get(event=Event.objects.about(part).get(verb="identity.split")).facts
    assert facts is not None
    assert (facts["from"], facts["accounts"]) == (str(kept.pk), [hers.pk])


def test_a_merge_is_taken_back(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    merge(kept, duplicate, people.mikael)
    duplicate.refresh_from_db()
    Engagement.objects.filter(number="X-17").update(ends_on=None)
    assert split(kept, people.mikael, ["X-17"], into=duplicate) == duplicate
    duplicate.refresh_from_db()
    assert (duplicate.merged_into, duplicate.status) == (None, "active")


def test_split_refusals(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    stranger = inventory.account(inventory.system(), duplicate)
    engaged(kept, "401")
    with pytest.raises(ValidationError, match="at least one"):
        split(kept, people.mikael, [])
    with pytest.raises(ValidationError, match="has to stay"):
        split(kept, people.mikael, ["400", "401"])
    with pytest.raises(Conflict):
        split(kept, people.mikael, ["401"], accounts=[stranger.pk])
    with pytest.raises(ValidationError, match="yourself"):
        split(identity_of(people.mikael), people.mikael, [])
    kept.refresh_from_db()
    merge(kept, duplicate, people.mikael)
    duplicate.refresh_from_db()
    with pytest.raises(ValidationError, match="split that one"):
        split(duplicate, people.mikael, [])


def test_a_machine_is_split_by_its_accounts(people: People) -> None:
    machine = inventory.identity("svc-pay", kind="service")
    core = inventory.system()
    stays, goes = inventory.account(core, machine), inventory.account(core, machine)
    part = split(machine, people.mikael, [], accounts=[goes.pk], name="svc-pay-test")
    goes.refresh_from_db()
    stays.refresh_from_db()
    assert (goes.identity, stays.identity, part.kind) == (part, machine, "service")


def test_nobody_decides_on_what_became_theirs(people: People, chiara: tuple[Identity, Identity]) -> None:
    kept, duplicate = chiara
    bank = make_bank(people)
    grant = bank.grant(duplicate)
    item = item_of(bank.launched(), grant)
    assert kept.pk not in barred_of([item], moment.now())[item.pk]
    Account.objects.filter(pk=grant.account_id).update(identity=kept)  # as a merge moves it
    assert {kept.pk, duplicate.pk} <= barred_of([item], moment.now())[item.pk]
