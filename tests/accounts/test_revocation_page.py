"""One removal: its chain, why a reading proves nothing, other ways to the same right, and the way back."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse

from accounts.connectors.removal_commands import Removal, commands_for
from accounts.models import Grant, ImportRun, Revocation, RevocationCause
from accounts.services import revocations
from accounts.services.revocations import Cause
from portal import moment
from portal.audit.models import Event
from portal.audit.verbs import Verb
from tests.conftest import As
from tests.factories import inventory, leaver
from tests.factories.leaver import Leaver
from tests.factories.people import People

pytestmark = pytest.mark.django_db
AT = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
ONE = Cause(RevocationCause.Kind.DECISION, "1", "CAM-2026-03/1")
TWO = Cause(RevocationCause.Kind.CASE, "2", "OFF-2026-41")
Act, State = Revocation.Act, Revocation.State


@pytest.fixture
def dana(people: People) -> Leaver:
    return leaver.dana(people)


@pytest.fixture
def removal(people: People, dana: Leaver) -> Revocation:
    with moment.simulated(AT):
        return revocations.decide_and_request(dana.grant, act=Act.REMOVE, cause=ONE, actor=people.tomas.actor)


def test_the_chain_with_who_when_and_how_long(people: People, as_: As, removal: Revocation) -> None:
    with moment.simulated(AT + timedelta(hours=5)):
        revocations.report_done(removal, version=removal.version, ticket="OPS-1", by=people.aiko)
    run = leaver.reading(removal.system, AT + timedelta(hours=30))
    Revocation.objects.filter(pk=removal.pk).update(
        state="verified", last_seen_at=AT, verified_at=run.taken_at, verified_run=run
    )
    page = as_(people.ines).get(reverse("revocation", args=[removal.pk])).text
    assert "by Tomas Brandt" in page
    assert "by Aiko Mori" in page
    assert "5 h after it was asked for" in page
    assert "1 d 6 h after it was asked for" in page
    assert "first proven absent" in page
    # Who decided would say why; who reported is for everybody.
    carrier = as_(people.aiko).get(reverse("revocation", args=[removal.pk])).text
    assert "by Aiko Mori" in carrier
    assert "Tomas Brandt" not in carrier


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("taken_before", "taken before the removal was asked for"),
        ("not_complete", "does not list everything"),
        ("time_unknown", "does not say when it was taken"),
        ("has_rejects", "rows of it could not be read"),
        ("something_new", "not proven"),
    ],
)
def test_why_a_reading_proves_nothing(
    people: People, as_: As, removal: Revocation, code: str, words: str
) -> None:
    run = leaver.reading(removal.system, AT - timedelta(hours=1))
    Revocation.objects.filter(pk=removal.pk).update(not_proven=code, not_proven_run=run)
    for url in ("/revocations/", reverse("revocation", args=[removal.pk])):
        page = as_(people.aiko).get(url).text
        assert words in page
        assert "1 Oct 2026, 08:00" in page


def test_a_reading_without_a_time_is_named_by_its_arrival(
    people: People, as_: As, removal: Revocation
) -> None:
    run = leaver.reading(removal.system, AT)
    ImportRun.objects.filter(pk=run.pk).update(taken_at=None)
    Revocation.objects.filter(pk=removal.pk).update(not_proven="time_unknown", not_proven_run=run)
    page = as_(people.aiko).get(reverse("revocation", args=[removal.pk])).text
    assert "received 1 Oct 2026, 09:00" in page


def test_gone_here_still_reached_by_another_group(
    people: People, as_: As, dana: Leaver, removal: Revocation
) -> None:
    group = inventory.entitlement(dana.core, "ops-night", first_run=dana.account.first_run)
    inventory.grant(dana.account, dana.right, via=group)
    page = as_(people.aiko).get(reverse("revocation", args=[removal.pk])).text
    assert "reached by another way too" in page
    assert "through ops-night" in page
    run = leaver.reading(dana.core, AT + timedelta(days=1))
    Revocation.objects.filter(pk=removal.pk).update(
        state="verified", verified_at=run.taken_at, verified_run=run
    )
    page = as_(people.aiko).get(reverse("revocation", args=[removal.pk])).text
    assert "Gone here, still reached by another way" in page


def test_it_cannot_be_done_because(people: People, as_: As, removal: Revocation) -> None:
    client, url = as_(people.aiko), reverse("revocation_impossible", args=[removal.pk])
    refused = client.post(url, {"version": removal.version, "because": "  "})
    assert refused.status_code == 200
    assert "This field is required" in refused.text
    sent = {"version": removal.version, "because": "It comes with the core role"}
    assert client.post(url, sent).status_code == 302
    assert client.post(url, sent).status_code == 409
    removal.refresh_from_db()
    assert (removal.state, removal.impossible_because) == ("impossible", "It comes with the core role")
    assert leaver.facts(removal, Verb.REVOCATION_NOT_POSSIBLE)["because"] == "It comes with the core role"
    assert "It comes with the core role" in as_(people.ines).get("/revocations/").text


@pytest.mark.parametrize(("who", "status"), [("aiko", 403), ("mikael", 403), ("omar", 404), ("ruth", 404)])
def test_only_compliance_asks_again(
    people: People, as_: As, removal: Revocation, who: str, status: int
) -> None:
    revocations.impossible(removal, version=None, because="no", by=people.aiko)
    url = reverse("revocation_again", args=[removal.pk])
    assert as_(people.by_role[who]).post(url, {"version": removal.version}).status_code == status
    assert as_(people.ines).post(url, {"version": removal.version}).status_code == 302
    removal.refresh_from_db()
    assert removal.state == State.REQUESTED


def test_what_came_back_gets_a_removal_of_its_own(people: People, dana: Leaver, removal: Revocation) -> None:
    run = leaver.reading(dana.core, AT + timedelta(days=1))
    Grant.objects.filter(pk=dana.grant.pk).update(
        held=DateTimeTZRange(inventory.LONG_AGO, run.taken_at), known_to_run=run
    )
    Revocation.objects.filter(pk=removal.pk).update(
        state="reappeared", verified_at=run.taken_at, verified_run=run, reappeared_run=run
    )
    removal.refresh_from_db()
    with pytest.raises(ValidationError, match="not there any more"):
        revocations.ask_again(removal, version=None, actor=people.ines.actor)
    back = inventory.grant(dana.account, dana.right, AT + timedelta(days=2))
    asked = revocations.ask_again(removal, version=None, actor=people.ines.actor)
    removal.refresh_from_db()
    assert (removal.state, asked.grant, asked.state) == (State.REAPPEARED, back, State.REQUESTED)
    assert list(asked.causes.values_list("label", flat=True)) == ["CAM-2026-03/1"]


def test_two_causes_share_one_removal_and_each_is_taken_back_alone(
    people: People, dana: Leaver, removal: Revocation
) -> None:
    actor = people.ines.actor
    joined = revocations.decide(dana.grant, act=Act.REMOVE, cause=TWO, actor=actor)
    assert joined == removal
    assert revocations.withdraw(ONE, actor=actor) == 0
    removal.refresh_from_db()
    assert removal.state == State.REQUESTED
    assert revocations.withdraw(TWO, actor=actor) == 1
    removal.refresh_from_db()
    assert removal.state == State.WITHDRAWN
    assert Event.objects.about(removal).filter(verb=Verb.REVOCATION_WITHDRAWN).count() == 1


def test_a_harder_act_and_an_earlier_end_win(people: People, dana: Leaver) -> None:
    actor, end = people.ines.actor, AT + timedelta(days=30)
    limited = revocations.decide(dana.grant, act=Act.LIMIT, cause=ONE, actor=actor, ends_at=end)
    sooner = revocations.decide(dana.grant, act=Act.LIMIT, cause=TWO, actor=actor, ends_at=AT)
    assert (limited, sooner.ends_at, sooner.act) == (sooner, AT, Act.LIMIT)
    removed = revocations.decide(dana.grant, act=Act.REMOVE, cause=TWO, actor=actor)
    assert removed.act == Act.REMOVE
    assert revocations.decide(dana.grant, act=Act.LIMIT, cause=ONE, actor=actor).act == Act.REMOVE


def test_a_limit_says_until_when(people: People, as_: As, dana: Leaver) -> None:
    limited = revocations.decide_and_request(dana.grant, act=Act.LIMIT, cause=ONE, actor=people.ines.actor)
    Revocation.objects.filter(pk=limited.pk).update(ends_at=AT)
    page = as_(people.aiko).get(reverse("revocation", args=[limited.pk])).text
    assert "end by itself on 1 Oct 2026" in page


ARN = "arn:aws:iam::987654321098:user/ci/deploy"
ROLE = "arn:aws:iam::987654321098:role/night"
GROUP = "arn:aws:iam::987654321098:group/admins"
POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.mark.parametrize(
    ("removal", "lines"),
    [
        (
            Removal("remove", "grant", ARN, POLICY),
            [f"aws iam detach-user-policy --user-name deploy --policy-arn {POLICY}"],
        ),
        (
            Removal("remove", "grant", ROLE, POLICY),
            [f"aws iam detach-role-policy --role-name night --policy-arn {POLICY}"],
        ),
        (
            Removal("remove", "grant", ARN, f"{ARN}#inline:let me in; rm -rf /"),
            ["aws iam delete-user-policy --user-name deploy --policy-name 'let me in; rm -rf /'"],
        ),
        (
            Removal("remove", "grant", ARN, POLICY, via=GROUP),
            ["aws iam remove-user-from-group --group-name admins --user-name deploy"],
        ),
        (
            Removal("remove", "grant", ARN, GROUP),
            ["aws iam remove-user-from-group --group-name admins --user-name deploy"],
        ),
        (Removal("remove", "grant", ARN, f"{ROLE}#act-as"), []),
        (
            Removal("remove", "credential", ARN, credential_kind="access_key", fingerprint="AKIA1"),
            ["aws iam delete-access-key --user-name deploy --access-key-id AKIA1"],
        ),
        (
            Removal("remove", "credential", ARN, credential_kind="access_key", fingerprint="access key 1"),
            ["aws iam list-access-keys --user-name deploy"],
        ),
        (Removal("limit", "grant", ARN, POLICY), []),
        (Removal("remove", "grant", "arn:aws:iam::1:root", POLICY), []),
        (Removal("remove", "grant", "no arn at all", POLICY), []),
        (Removal("remove", "grant", f"{ARN}\n; reboot", POLICY), []),
    ],
)
def test_commands_are_quoted_text(removal: Removal, lines: list[str]) -> None:
    assert commands_for("aws_authorization", removal) == lines
    assert commands_for("csv_accounts", removal) == []


def test_commands_stand_on_the_list_of_who_carries_out(people: People, as_: As, dana: Leaver) -> None:
    source = inventory.source(dana.core, connector="aws_authorization")
    run = inventory.run(source, inventory.LONG_AGO)
    account = inventory.account(dana.core, None, ARN, first_run=run)
    policy = inventory.entitlement(dana.core, POLICY, first_run=run)
    removal = revocations.decide_and_request(
        inventory.grant(account, policy), act=Act.REMOVE, cause=ONE, actor=people.ines.actor
    )
    command = "aws iam detach-user-policy --user-name deploy --policy-arn"
    assert command in as_(people.aiko).get("/revocations/").text
    revocations.report_done(removal, version=None, by=people.aiko)
    assert command not in as_(people.aiko).get("/revocations/?state=reported").text


@pytest.mark.parametrize(
    ("act", "words"),
    [(Act.LIMIT, "end proven"), (Act.ROTATE, "rotation proven"), (Act.DISABLE, "proven disabled")],
)
def test_what_was_not_removed_is_never_called_gone(
    people: People, as_: As, removal: Revocation, act: str, words: str
) -> None:
    run = leaver.reading(removal.system, AT + timedelta(hours=30))
    proven = {"act": act, "state": "verified", "verified_at": run.taken_at, "verified_run": run}
    Revocation.objects.filter(pk=removal.pk).update(**proven, ends_at=AT + timedelta(days=30))
    client = as_(people.ines)
    for url in (
        reverse("revocation", args=[removal.pk]),
        f"{reverse('revocation_list')}?state=verified",
        reverse("grant", args=[removal.grant_id]),
    ):
        # The filter of the list names the state itself; what counts is what the row says.
        main = re.sub(r"<select.*?</select>", "", client.get(url).text.partition("<main")[2], flags=re.DOTALL)
        assert words in main
        assert "verified gone" not in main.lower()
        assert "first proven absent" not in main


def test_what_was_taken_back_is_not_said_to_wait(people: People, as_: As, dana: Leaver) -> None:
    with moment.simulated(AT):
        revocations.decide(dana.grant, act=Act.REMOVE, cause=ONE, actor=people.tomas.actor)
        revocations.withdraw(ONE, actor=people.tomas.actor)
    url, client = reverse("revocation_list"), as_(people.ines)
    page = client.get(f"{url}?state=withdrawn").text
    assert "taken back" in page
    assert "not asked for yet" not in page
    for state in ("", "?state=all"):  # nobody's work any more, unless somebody asks for it
        assert "LEDGER_ADMIN" not in client.get(url + state).text
        assert "LEDGER_ADMIN" not in client.get(reverse("revocation_csv") + state).getvalue().decode()
    assert "LEDGER_ADMIN" in page
