"""Applications carry ownership: whoever owns one answers for its machines that have no owner of their own."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import ports
from accounts.models import Application, CaseLine, Grant, Identity, Ownership
from accounts.services import applications, case_lines, ownership
from portal import moment
from portal.audit.models import Event
from portal.audit.services import PORTAL
from portal.audit.verbs import Verb
from portal.audit.versions import Conflict
from portal.users.models import User
from reviews.services import campaigns, population, reviewers
from sessions_app.models import Session
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories import people as factory
from tests.factories import reviews as review_factory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(people: People) -> User:
    return factory.user("Leon Weiss", identity=inventory.identity("Leon Weiss", email="leon@nordhaven.test"))


@pytest.fixture
def payments(owner: User) -> Application:
    return applications.create(name="Payments", actor=PORTAL, owner=identity_of(owner))


def machine(name: str, **fields: object) -> Identity:
    return inventory.identity(name, "service", **fields)


def test_iam_makes_one_with_owner_and_deputy(people: People, as_: As, owner: User) -> None:
    form = {"name": "Ledger", "description": "Books", "owner": "Leon Weiss", "deputy": "Tomas Brandt"}
    assert as_(people.mikael).post(reverse("application_new"), form).status_code == 302
    made = Application.objects.get(name="Ledger")
    assert (made.owner, made.deputy) == (identity_of(owner), identity_of(people.tomas))
    assert Event.objects.about(made).filter(verb=Verb.APPLICATION_CREATED).count() == 1
    assert Event.objects.about(made).filter(verb=Verb.OWNER_NAMED).count() == 2
    assert made.name in as_(people.mikael).get(reverse("application_list")).text


def test_a_second_one_of_the_same_name_is_refused(people: People, as_: As, payments: Application) -> None:
    response = as_(people.mikael).post(reverse("application_new"), {"name": "PAYMENTS"})
    assert "of this name already" in response.text
    assert Application.objects.count() == 1


def test_its_machines_are_not_unowned_and_its_owner_sees_them(
    as_: As, owner: User, payments: Application
) -> None:
    inherits = machine("svc-pay", application=payments)
    left = machine("svc-old", application=payments, owner=inventory.identity("Gone", status="left"))
    alone = machine("svc-alone")
    assert list(Identity.objects.unowned()) == [alone]
    assert set(Identity.objects.visible_to(owner).machines()) == {inherits, left}
    page = as_(owner).get(reverse("my_machines")).text
    assert "svc-pay" in page
    assert "owner of Payments" in page
    assert as_(owner).get(reverse("identity_edit", args=[inherits.pk])).status_code == 200


@pytest.mark.parametrize(
    ("own", "through", "expected"),
    [
        (None, "active", "through"),
        ("active", "active", "own"),
        ("left", "active", "through"),
        ("left", "left", "own"),
        ("left", None, "own"),
        (None, None, None),
    ],
)
def test_who_answers_for_a_machine(own: str | None, through: str | None, expected: str | None) -> None:
    """The same answer in Python and in the statement that freezes a review."""
    mine = inventory.identity("own", status=own) if own else None
    theirs = inventory.identity("through", status=through) if through else None
    application = Application.objects.create(name="A", owner=theirs, created_at=inventory.LONG_AGO)
    one = machine("svc", owner=mine, application=application)
    assert (one.answered_by.name if one.answered_by else None) == expected


def test_an_unprivileged_right_is_attested_by_the_applications_owner(people: People) -> None:
    bank = review_factory.bank(people)
    dana = inventory.identity("Dana")
    payments = applications.create(name="Payments", actor=PORTAL, owner=dana)
    bank.grant(machine("svc-pay", application=payments), bank.right(privileged=False))
    draft = bank.campaign(privileged_only=False)
    campaigns.preview(draft)
    (row,) = population.page_of_items(draft, offset=0, limit=10)
    assert (row["reviewer"], row["reviewer_rule"]) == ("Dana", "owner")


def test_a_privileged_right_is_not_decided_by_the_applications_owner(people: People) -> None:
    bank = review_factory.bank(people)
    leon = identity_of(bank.leon)
    payments = applications.create(name="Payments", actor=PORTAL, owner=leon)
    grant = bank.grant(machine("svc-pay", application=payments))
    campaign = bank.launched()
    item = review_factory.item_of(campaign, grant)
    # Leon owns the system too, and gives way: he is frozen as accountable, so he may not decide later either.
    assert item.accountable_id == leon.pk
    assert item.assignment.reviewer_id == bank.ines.pk
    assert reviewers.barred_of([item], moment.now())[item.pk] == {grant.account.identity_id, leon.pk}


def test_edits_by_its_owner_do_not_reach_name_and_owner(
    people: People, as_: As, owner: User, payments: Application
) -> None:
    form = {
        "version": payments.version,
        "name": "Mine",
        "description": "Moves money",
        "owner": "Tomas Brandt",
        "deputy": "Tomas Brandt",
    }
    assert as_(owner).post(reverse("application_edit", args=[payments.pk]), form).status_code == 302
    payments.refresh_from_db()
    assert (payments.name, payments.description) == ("Payments", "Moves money")
    assert (payments.owner, payments.deputy) == (identity_of(owner), identity_of(people.tomas))
    late = as_(owner).post(reverse("application_edit", args=[payments.pk]), form | {"description": "x"})
    assert late.status_code == 409


def test_owner_and_deputy_can_swap(people: People, owner: User, payments: Application) -> None:
    tomas, leon = identity_of(people.tomas), identity_of(owner)
    applications.edit(payments, {"deputy": tomas}, version=payments.version, actor=PORTAL)
    values = {"owner": tomas, "deputy": leon}
    applications.edit(payments, values, version=payments.version, actor=PORTAL)
    payments.refresh_from_db()
    assert (payments.owner, payments.deputy) == (tomas, leon)
    running = Ownership.objects.filter(application=payments, during__upper_inf=True)
    assert {(held.role, held.holder) for held in running} == {("owner", tomas), ("deputy", leon)}


def test_machines_are_assigned_by_name_and_taken_out(people: People, as_: As, payments: Application) -> None:
    one, two = machine("svc-a"), machine("svc-b")
    client, url = as_(people.mikael), reverse("application_assign", args=[payments.pk])
    assert client.post(url, {"machines": "svc-a\nsvc-b\n"}).status_code == 302
    assert set(payments.machines.all()) == {one, two}
    assert Event.objects.about(one).filter(verb=Verb.IDENTITY_EDITED).count() == 1
    assert client.post(url, {"act": "leave", "row": [str(one.pk)]}).status_code == 302
    assert set(payments.machines.all()) == {two}
    refused = client.post(url, {"machines": "svc-nobody"})
    assert refused.status_code == 422
    assert "svc-nobody" in refused.text


def test_a_machine_that_changed_meanwhile_is_not_assigned(payments: Application) -> None:
    one = machine("svc-a")
    with pytest.raises(Conflict):
        applications.assign({one.pk: one.version + 1}, payments, actor=PORTAL)
    one.refresh_from_db()
    assert one.application is None


def test_it_is_retired_only_without_machines(people: People, as_: As, payments: Application) -> None:
    one = machine("svc-a", application=payments)
    with pytest.raises(ValidationError, match="1 active machine"):
        applications.retire(payments, version=payments.version, actor=PORTAL)
    payments.refresh_from_db()
    assert payments.status == Application.Status.ACTIVE
    Identity.objects.filter(pk=one.pk).update(status=Identity.Status.LEFT)
    url = reverse("application_retire", args=[payments.pk])
    assert as_(people.mikael).post(url, {"version": payments.version}).status_code == 302
    payments.refresh_from_db()
    assert payments.status == Application.Status.RETIRED
    with pytest.raises(ValidationError, match="retired"):
        applications.assign([machine("svc-b").pk], payments, actor=PORTAL)


def test_a_leavers_deputy_stands_in_for_it_and_owns_after_accepting(people: People, as_: As) -> None:
    dana = leaver.dana(people)
    ledger = applications.create(name="Ledger", actor=PORTAL, owner=dana.person, deputy=dana.deputy)
    inherits = machine("svc-ledger", application=ledger)
    assert [one.label for one in ports.holdings.ask(dana.person)["application"]] == ["Ledger"]
    case = leaver.begun(dana, people.ruth)
    ledger.refresh_from_db()
    assert (ledger.owner, ledger.stand_in) == (dana.person, dana.deputy)
    line = CaseLine.objects.get(case=case, kind="application")
    assert line.state == CaseLine.State.OPEN
    by = factory.user("Leon Weiss", identity=dana.deputy)
    assert inherits in Identity.objects.visible_to(by)
    url = reverse("application_accept", args=[ledger.pk])
    assert as_(by).post(url, {"version": ledger.version}).status_code == 302
    ledger.refresh_from_db()
    assert (ledger.owner, ledger.deputy, ledger.stand_in) == (dana.deputy, None, None)
    line.refresh_from_db()
    assert line.state == CaseLine.State.DONE


def test_a_leavers_application_is_handed_over_by_hand(people: People) -> None:
    dana = leaver.dana(people)
    ledger = applications.create(name="Ledger", actor=PORTAL, owner=dana.person)
    behind = applications.create(name="Behind", actor=PORTAL, deputy=dana.person)
    case = leaver.begun(dana, people.ruth)
    behind.refresh_from_db()
    assert behind.deputy is None
    line = CaseLine.objects.get(case=case, kind="application")
    case_lines.hand_over(line, to=identity_of(people.tomas), version=line.version, by=people.ruth)
    ledger.refresh_from_db()
    line.refresh_from_db()
    assert (ledger.owner, line.state) == (identity_of(people.tomas), CaseLine.State.DONE)


def test_sessions_of_its_machines_are_its_owners_to_know_of(owner: User, payments: Application) -> None:
    core = inventory.system("CORE")
    account = inventory.account(core, machine("svc-pay", application=payments))
    session = Session.objects.create(
        code="SES-1",
        system=core,
        account=account,
        identity=account.identity,
        started_at=moment.now(),
    )
    assert list(Session.objects.visible_to(owner)) == [session]
    assert Grant.objects.visible_to(owner).count() == 0


def test_nobody_else_sees_or_changes_it(people: People, as_: As, payments: Application) -> None:
    edit, show = (reverse(name, args=[payments.pk]) for name in ("application_edit", "application"))
    assert as_(people.omar).get(show).status_code == 404
    assert as_(people.ines).get(show).status_code == 200
    assert as_(people.ines).post(edit, {}).status_code == 403
    assert payments.name not in as_(people.omar).get(reverse("application_list")).text


def test_the_page_asks_the_same_for_3_and_for_60_machines(
    people: People, as_: As, payments: Application, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        machine(f"svc-{number:03}", application=payments)
    client = as_(people.mikael)
    with django_assert_max_num_queries(16):
        first = client.get(reverse("application", args=[payments.pk]))
    assert "svc-049" in first.text
    assert "svc-050" not in first.text
    after = first.context["machines"].after
    rest = client.get(reverse("application", args=[payments.pk]) + f"?after={after}").text
    assert "svc-050" in rest
    assert "svc-059" in rest
    assert "svc-049" not in rest


def test_a_stand_in_for_a_machine_is_recorded_as_before(people: People) -> None:
    one = machine("svc", owner=inventory.identity("Gone", status="left"))
    ownership.stand_in(one, identity_of(people.tomas), actor=PORTAL, at=moment.now())
    event = Event.objects.about(one).get(verb=Verb.OWNER_STOOD_IN)
    assert event.facts["holder"] == str(people.tomas.identity_id)
    assert "last_resort" not in event.facts
