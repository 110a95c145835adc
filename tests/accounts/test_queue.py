"""The queue of accounts that belong to nobody known: linked, refused, a machine's, shared, or all at once."""

from typing import Any, cast
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import Account, CorrelationRefusal, CorrelationRule, Identity, System
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db

Of, To = CorrelationRule.Of, CorrelationRule.To
ACTS = ["orphan_link", "orphan_refuse", "orphan_machine", "orphan_shared"]


@pytest.fixture
def core(db: None) -> System:
    return inventory.system("CORE")


@pytest.fixture
def rule(db: None) -> CorrelationRule:
    return CorrelationRule.objects.get(of=Of.LOGIN, to=To.EMAIL_LOCAL)


def claim(person: Identity, rule: CorrelationRule, doubt: str = "") -> dict[str, object]:
    told = {"identity": str(person.pk), "rule": str(rule.pk), "confidence": rule.confidence}
    return told | ({"doubt": doubt} if doubt else {})


def orphan(core: System, name: str, *claims: dict[str, object], **fields: Any) -> Account:
    return inventory.account(core, name=name, claims=list(claims), **fields)


def test_those_with_somebody_proposed_come_first_with_who_why_and_how_sure(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    orphan(core, "aaa")
    orphan(core, "zzz", claim(identity_of(people.tomas), rule))
    text = as_(people.mikael).get(reverse("orphan_list")).text
    assert text.index("zzz") < text.index("aaa")
    assert "Tomas Brandt" in text
    assert "70 %" in text
    assert "login name = e-mail address before the @" in text
    assert "nobody matches" in text


def test_one_click_links(people: People, as_: As, core: System, rule: CorrelationRule) -> None:
    account, tomas = orphan(core, "tb", claim(identity_of(people.tomas), rule)), identity_of(people.tomas)
    url = reverse("orphan_link", args=[account.pk])
    sent = {"version": account.version, "identity": tomas.pk}
    answer = as_(people.mikael).post(f"{url}?system=CORE", sent)
    assert answer["Location"] == f"{reverse('orphan_list')}?system=CORE"
    account.refresh_from_db()
    assert (account.identity, account.match_method, account.confidence) == (tomas, "hand", 100)
    assert account.claims == []
    assert Event.objects.about(account).get(verb=Verb.ACCOUNT_LINKED).actor_id == str(people.mikael.pk)


def test_htmx_gets_the_line_alone(people: People, as_: As, core: System, rule: CorrelationRule) -> None:
    account, tomas = orphan(core, "tb", claim(identity_of(people.tomas), rule)), identity_of(people.tomas)
    url, sent = reverse("orphan_link", args=[account.pk]), {"version": 1, "identity": tomas.pk}
    answer = as_(people.mikael).post(url, sent, headers={"HX-Request": "true"})
    assert answer.text.strip().startswith(f'<tbody id="line-{account.pk}"')
    assert "belongs to Tomas Brandt" in answer["HX-Trigger"]


def test_only_somebody_who_is_proposed_is_linked_so(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    account = orphan(core, "tb", claim(identity_of(people.tomas), rule))
    sent = {"version": 1, "identity": identity_of(people.aiko).pk}
    assert as_(people.mikael).post(reverse("orphan_link", args=[account.pk]), sent).status_code == 422
    account.refresh_from_db()
    assert account.identity is None


def test_none_of_these_is_kept(people: People, as_: As, core: System, rule: CorrelationRule) -> None:
    account = orphan(core, "tb", claim(identity_of(people.tomas), rule), doubt="older")
    as_(people.mikael).post(reverse("orphan_refuse", args=[account.pk]), {"version": account.version})
    account.refresh_from_db()
    assert (account.claims, account.doubt, account.identity) == ([], "", None)
    kept = CorrelationRefusal.objects.get()
    assert (kept.account, kept.identity, kept.said_by) == (account, identity_of(people.tomas), people.mikael)
    event = Event.objects.about(account).get(verb=Verb.ACCOUNT_CLAIMS_REFUSED)
    facts: Any = event.payload.facts
    assert facts["identities"][0]["identity"] == str(identity_of(people.tomas).pk)


@pytest.mark.parametrize("name", ["orphan_link", "orphan_refuse", "orphan_machine", "orphan_shared"])
def test_what_changed_meanwhile_is_not_overwritten(
    people: People, as_: As, core: System, rule: CorrelationRule, name: str
) -> None:
    tomas = identity_of(people.tomas)
    account = orphan(core, "tb", claim(tomas, rule))
    sent = {"version": 7, "identity": tomas.pk, "name": "tb", "kind": "service"}
    if name == "orphan_shared":
        sent["kind"] = "shared"
    assert as_(people.mikael).post(reverse(name, args=[account.pk]), sent).status_code == 409
    account.refresh_from_db()
    assert (account.identity, account.kind, len(account.claims)) == (None, "", 1)
    assert not Identity.objects.machines().exists()


def test_a_machine_that_is_known_is_taken_and_another_one_is_made(
    people: People, as_: As, core: System
) -> None:
    known = inventory.identity("svc-known", kind="service")
    client = as_(people.mikael)
    for name, kind in (("svc-known", "bot"), ("svc-new", "bot")):
        account = orphan(core, name)
        url = reverse("orphan_machine", args=[account.pk])
        assert name in client.get(url).text
        assert client.post(url, {"version": account.version, "name": name, "kind": kind}).status_code == 302
    linked = {one.name: one.identity for one in Account.objects.select_related("identity")}
    assert linked["svc-known"] == known
    made = linked["svc-new"]
    assert made is not None
    assert (made.name, made.kind) == ("svc-new", "bot")
    assert set(Account.objects.values_list("kind", flat=True)) == {"machine"}
    assert Event.objects.filter(verb=Verb.ACCOUNT_KIND_SAID).count() == 2


def test_a_shared_account_gets_its_members_and_leaves_the_queue(
    people: People, as_: As, core: System
) -> None:
    account = orphan(core, "opsdesk")
    client, url = as_(people.mikael), reverse("orphan_shared", args=[account.pk])
    sent = {"version": account.version, "kind": "shared", "members": "Tomas Brandt\nAiko Mori, Tomas Brandt"}
    assert client.post(url, sent).status_code == 302
    account.refresh_from_db()
    assert (account.kind, account.kind_by_hand) == ("shared", True)
    assert {one.identity.name for one in account.memberships.all()} == {"Tomas Brandt", "Aiko Mori"}
    client.get(reverse("home"))  # reads the message that names the account
    assert "opsdesk" not in client.get(reverse("orphan_list")).text


def test_an_unknown_member_is_said_and_nothing_is_done(people: People, as_: As, core: System) -> None:
    account = orphan(core, "opsdesk")
    sent = {"version": account.version, "kind": "shared", "members": "Tomas Brandt, Nobody Known"}
    answer = as_(people.mikael).post(reverse("orphan_shared", args=[account.pk]), sent)
    assert answer.status_code == 422
    assert "Nobody Known" in answer.text
    account.refresh_from_db()
    assert (account.kind, account.memberships.count()) == ("", 0)


def test_all_of_one_rule_are_looked_at_and_linked_in_one_act(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    tomas, aiko = identity_of(people.tomas), identity_of(people.aiko)
    gone = inventory.identity("Gone Away", status="left")
    good = [orphan(core, "tb", claim(tomas, rule)), orphan(core, "am", claim(aiko, rule))]
    orphan(core, "two", claim(tomas, rule), claim(aiko, rule))
    orphan(core, "old", claim(tomas, rule, "older"))
    orphan(core, "left", claim(gone, rule))
    orphan(core, "doubted", claim(tomas, rule), doubt="recycled")
    client, url = as_(people.mikael), f"{reverse('orphan_alike')}?rule={rule.pk}"
    looked = client.get(url)
    assert [step.account.name for step in looked.context["happening"]] == ["am", "tb"]
    assert len(looked.context["steps"]) == 6
    assert not Account.objects.exclude(identity=None).exists()
    tokens = [step.token for step in looked.context["happening"]]
    assert client.post(url, {"row": tokens}).status_code == 302
    assert set(Account.objects.exclude(identity=None).values_list("name", "confidence", "version")) == {
        ("tb", 100, good[0].version + 1),
        ("am", 100, good[1].version + 1),
    }
    events = Event.objects.filter(verb=Verb.ACCOUNT_LINKED)
    assert {cast("Any", event.payload.facts)["rule"] for event in events} == {str(rule.pk)}
    assert events.count() == 2


def test_one_that_changed_stops_all_of_them(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    tomas = identity_of(people.tomas)
    one, other = orphan(core, "a", claim(tomas, rule)), orphan(core, "b", claim(tomas, rule))
    url = f"{reverse('orphan_alike')}?rule={rule.pk}"
    client = as_(people.mikael)
    for rows in (
        [f"{one.pk}:1:{tomas.pk}", f"{other.pk}:2:{tomas.pk}"],
        [f"{one.pk}:1:{tomas.pk}", f"{other.pk}:1:{identity_of(people.aiko).pk}"],
        [f"{one.pk}:1:{tomas.pk}", f"{other.pk}:1:{uuid4()}"],
    ):
        assert client.post(url, {"row": rows}).status_code == 409
    assert client.post(url, {"row": [f"{one.pk}:1:{tomas.pk}", f"999999:1:{tomas.pk}"]}).status_code == 422
    assert client.post(url, {"row": ["x:1:y"]}).status_code == 422
    assert client.post(url, {}).status_code == 422
    assert not Account.objects.exclude(identity=None).exists()


def test_filters_narrow_the_queue(people: People, as_: As, core: System, rule: CorrelationRule) -> None:
    other = CorrelationRule.objects.get(of=Of.DISPLAY_NAME)
    orphan(core, "first", claim(identity_of(people.tomas), rule))
    orphan(core, "second", claim(identity_of(people.aiko), other))
    orphan(core, "third", doubt="older")
    held = orphan(inventory.system("OTHER"), "fourth")
    inventory.grant(held, inventory.entitlement(held.system))
    client = as_(people.ines)
    for query, names in {
        f"rule={rule.pk}": {"first"},
        "proposed=yes": {"first", "second"},
        "proposed=no": {"third", "fourth"},
        "doubt=any": {"third"},
        "privileged=yes": {"fourth"},
        "system=OTHER": {"fourth"},
        "q=sec": {"second"},
        "rule=nonsense": set(),
    }.items():
        found = client.get(f"{reverse('orphan_list')}?{query}").context["queue"]
        assert {row.account.name for row in found} == names, query


def test_pages_of_the_queue_follow_each_other(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    names = [f"acct{number:03d}" for number in range(70)]
    reading = orphan(core, "acct").first_run
    Account.objects.filter(name="acct").update(kind="shared")
    for number, name in enumerate(names):
        claims = [claim(identity_of(people.tomas), rule)] if number % 7 == 0 else []
        orphan(core, name, *claims, first_run=reading)
    client, seen, after = as_(people.mikael), [], ""
    for _ in range(2):
        answer = client.get(f"{reverse('orphan_list')}?after={after}")
        seen += [row.account.name for row in answer.context["queue"]]
        after = answer.context["list"].after
    assert seen == names[::7] + [name for number, name in enumerate(names) if number % 7]


def test_home_says_how_many_wait_with_a_proposal(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    orphan(core, "a", claim(identity_of(people.tomas), rule))
    orphan(core, "b")
    assert "1 with somebody proposed" in as_(people.mikael).get(reverse("home")).text


# --- rules -----------------------------------------------------------------------------------------------


def told(rule: CorrelationRule, **other: object) -> dict[str, object]:
    given = {
        "version": rule.version,
        "of": rule.of,
        "to": rule.to,
        "strip": rule.strip,
        "confidence": rule.confidence,
        "position": rule.position,
        "is_on": "on",
    }
    return given | other


def test_a_rule_is_saved_only_as_it_was_looked_at(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    tomas = identity_of(people.tomas)
    login = tomas.email.partition("@")[0]
    account = orphan(core, login)
    client, url = as_(people.mikael), reverse("correlation_rule", args=[rule.pk])
    looked = client.post(url, told(rule, confidence=92))
    assert looked.context["outcome"].linked == 1
    assert login in looked.text
    seal = looked.context["form"].seal
    assert client.post(url, told(rule, confidence=95, looked=seal, save="1")).status_code == 200
    rule.refresh_from_db()
    assert rule.confidence == 70, "what was not looked at is not saved"
    assert client.post(url, told(rule, confidence=92, looked=seal, save="1")).status_code == 302
    drain()
    account.refresh_from_db()
    assert (account.identity, account.match_method, account.confidence) == (tomas, "rule", 92)


def test_a_stale_form_sets_nothing(people: People, as_: As, rule: CorrelationRule) -> None:
    client, url = as_(people.mikael), reverse("correlation_rule", args=[rule.pk])
    seal = client.post(url, told(rule, confidence=80)).context["form"].seal
    sent = told(rule, confidence=80, version=9, looked=seal, save="1")
    assert client.post(url, sent).status_code == 409
    rule.refresh_from_db()
    assert rule.confidence == 70


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"of": "employee_number", "strip": ""}, "never the same"),
        ({"of": "email"}, "Only a login name"),
        ({"confidence": 101}, "100"),
        ({"to": "first_last"}, "There is a rule that compares the same"),
        ({}, "Nothing is different"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    people: People, as_: As, rule: CorrelationRule, other: dict[str, object], words: str
) -> None:
    client, url = as_(people.mikael), reverse("correlation_rule", args=[rule.pk])
    looked = client.post(url, told(rule, **other))
    if looked.status_code == 200:
        sent = told(rule, **other, looked=looked.context["form"].seal, save="1")
        looked = client.post(url, sent)
    assert looked.status_code == 422
    assert words in looked.text
    assert not Event.objects.filter(verb=Verb.CORRELATION_RULE_CHANGED).exists()


def test_a_new_rule_is_made_for_one_system(people: People, as_: As, core: System) -> None:
    client, url = as_(people.mikael), reverse("correlation_rule_new")
    sent = {"of": "name", "to": "number", "confidence": 100, "position": 5, "system": core.pk, "is_on": "on"}
    seal = client.post(url, sent).context["form"].seal
    assert client.post(url, sent | {"looked": seal, "save": "1"}).status_code == 302
    made = CorrelationRule.objects.get(of="name", to="number")
    assert (made.system, made.confidence, CorrelationRule.objects.in_force()[0]) == (core, 100, made)
    assert "CORE" in client.get(reverse("correlation_rules")).text


def test_rules_are_listed_with_what_they_propose(
    people: People, as_: As, core: System, rule: CorrelationRule
) -> None:
    orphan(core, "a", claim(identity_of(people.tomas), rule))
    answer = as_(people.ines).get(reverse("correlation_rules"))
    assert {one: count for one, count in answer.context["rows"] if count} == {rule: 1}
    assert reverse("correlation_rule", args=[rule.pk]) not in answer.text, "readers change none"


@pytest.mark.parametrize(
    ("who", "status"), [("ines", 403), ("farid", 403), ("ruth", 404), ("omar", 404), ("elena", 404)]
)
@pytest.mark.parametrize("name", ACTS)
def test_readers_look_and_outsiders_do_not(
    people: People, as_: As, core: System, rule: CorrelationRule, who: str, status: int, name: str
) -> None:
    account = orphan(core, "tb", claim(identity_of(people.tomas), rule))
    sent = {"version": 1, "identity": identity_of(people.tomas).pk, "name": "x", "kind": "service"}
    assert as_(people.by_role[who]).post(reverse(name, args=[account.pk]), sent).status_code == status
    account.refresh_from_db()
    assert (account.identity, len(account.claims)) == (None, 1)
