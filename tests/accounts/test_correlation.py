"""Rules of correlation: what is sure links, what is less sure is proposed, and what people said holds."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Account, CorrelationRule, Identity, Source
from accounts.models.correlation import claims_of
from accounts.services import correlation, identities, orphans
from portal.audit.models import Event
from portal.audit.verbs import Verb
from portal.tasks.testing import drain
from tests.factories import inventory, readings
from tests.factories.readings import applied, day, previewed

pytestmark = pytest.mark.django_db

HR = "employee number,name,email,start date,end date,status\n"
JON = "2,Jon Smith,jon.smith@bank.test,2020-01-01,,active\n"
ZOE = "3,Zoë Ångström-Lind,zal@bank.test,2020-01-01,,active\n"
ACCOUNTS = "account,display name,employee number,email,created,kind\n"
Of, To = CorrelationRule.Of, CorrelationRule.To


@pytest.fixture
def hr() -> Source:
    return readings.source()


@pytest.fixture
def core() -> Source:
    return readings.source(readings.system())


def account(name: str) -> Account:
    return Account.objects.get(name=name)


def person(name: str) -> Identity:
    return Identity.objects.get(name=name)


def rule(of: str, to: str) -> CorrelationRule:
    return CorrelationRule.objects.get(of=of, to=to)


def values(one: CorrelationRule, **other: object) -> dict[str, object]:
    names = ("of", "to", "strip", "confidence", "position", "is_on", "system")
    return {name: getattr(one, name) for name in names} | other


def claimed(name: str) -> list[tuple[str, int, str]]:
    return [
        (Identity.objects.get(pk=claim.identity_id).name, claim.confidence, claim.doubt)
        for claim in claims_of(account(name).claims)
    ]


@pytest.mark.parametrize(
    ("login", "shown", "confidence"),
    [
        ("jon.smith", "", 70),
        ("adm-jon.smith", "", 70),
        ("SVC-Jon.Smith", "", 70),
        ("jsmith", "", 50),
        ("adm-jsmith", "", 50),
        ("x1", "Jon Smith", 60),
        ("x2", "SMITH,  Jon", 60),
        ("x3", "Jon  Smith", 60),
    ],
)
def test_what_is_less_sure_is_proposed_and_not_linked(
    hr: Source, core: Source, login: str, shown: str, confidence: int
) -> None:
    applied(hr, HR + JON, day(1))
    row = f'{login},"{shown}",,,,\n'
    assert previewed(core, ACCOUNTS + row, day(1)).preview["links"] == {}
    applied(core, ACCOUNTS + row, day(1))
    assert (account(login).identity, account(login).doubt) == (None, "")
    assert claimed(login) == [("Jon Smith", confidence, "")]


@pytest.mark.parametrize(
    "row", ["zoe.angstromlind,,,,,\n", "zangstromlind,,,,,\n", "x,Zoe Angstrom-Lind,,,,\n"]
)
def test_accents_and_hyphens_do_not_tell_people_apart(hr: Source, core: Source, row: str) -> None:
    applied(hr, HR + ZOE, day(1))
    applied(core, ACCOUNTS + row, day(1))
    assert claimed(row.split(",", maxsplit=1)[0])[0][0] == "Zoë Ångström-Lind"


def test_a_sure_link_says_how_sure(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "a,,2,,,\nb,,,jon.smith@bank.test,,\n", day(1))
    found = [(one.match_method, one.confidence, one.claims) for one in map(account, "ab")]
    assert found == [("number", 100, []), ("email", 95, [])]


def test_people_who_come_later_are_proposed_and_those_who_are_renamed_no_longer(
    hr: Source, core: Source
) -> None:
    applied(core, ACCOUNTS + "jsmith,,,,,\n", day(1))
    assert claimed("jsmith") == []
    applied(hr, HR + JON, day(1))
    assert claimed("jsmith") == [("Jon Smith", 50, "")]
    version = account("jsmith").version
    applied(hr, HR + JON, day(2))
    assert account("jsmith").version == version, "nothing is written twice"
    applied(hr, HR + JON.replace("Jon Smith", "Jon Miller"), day(3))
    assert claimed("jsmith") == []


def test_all_who_may_be_meant_are_proposed_the_surest_first(hr: Source, core: Source) -> None:
    applied(hr, HR + JON + "4,Jane Smith,jsmith@bank.test,,,\n", day(1))
    applied(core, ACCOUNTS + "jsmith,,,,,\n", day(1))
    assert claimed("jsmith") == [("Jane Smith", 70, ""), ("Jon Smith", 50, "")]


def test_what_many_have_in_common_proposes_nobody(hr: Source, core: Source) -> None:
    many = "".join(f"{n},J{n} Smith,j{n}@bank.test,,,\n" for n in range(10, 16))
    applied(hr, HR + many, day(1))
    applied(core, ACCOUNTS + "jsmith,,,,,\n", day(1))
    assert claimed("jsmith") == []


def test_an_account_older_than_the_person_is_proposed_with_that(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jon.smith,,,,2015-01-01,\nold,,2,,2015-01-01,\n", day(1))
    assert claimed("jon.smith") == [("Jon Smith", 70, "older")]
    assert claimed("old") == [("Jon Smith", 100, "older")]
    assert account("old").doubt == Account.Doubt.OLDER


def test_a_leavers_login_is_proposed_as_recycled(hr: Source, core: Source) -> None:
    john = "1,John Smith,john@bank.test,2010-01-01,,active\n"
    applied(hr, HR + john, day(1))
    applied(core, "account id,account,employee number\ng1,jsmith,1\n", day(1))
    applied(hr, HR + john.replace(",,active", ",2025-05-31,left") + JON, day(2))
    applied(core, "account id,account,employee number\ng2,jsmith,\n", day(3))
    new = Account.objects.get(external_id="g2")
    assert (person("Jon Smith").pk, "recycled") in {
        (one.identity_id, one.doubt) for one in claims_of(new.claims)
    }


def test_machines_and_shared_accounts_are_nobodys(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jsmith,,,,,service account\njon.smith,,,,,shared\n", day(1))
    assert [claimed("jsmith"), claimed("jon.smith")] == [[], []]


def test_a_rule_that_is_made_sure_links_by_rule(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jon.smith,,,,,\nold.smith,,,,,\n", day(1))
    one, by = rule(Of.LOGIN, To.EMAIL_LOCAL), readings.iam()
    outcome = correlation.look(one, values(one, confidence=90))
    assert (outcome.linked, outcome.claimed, outcome.looked_at, outcome.is_whole) == (1, 0, 2, True)
    assert [(example.account_id, example.identity_id) for example in outcome.examples] == [
        (account("jon.smith").pk, person("Jon Smith").pk)
    ]
    assert account("jon.smith").identity is None, "looking changes nothing"
    correlation.change_rule(one, values(one, confidence=90), version=one.version, by=by)
    drain()
    found = account("jon.smith")
    assert (found.identity, found.match_method, found.confidence) == (person("Jon Smith"), "rule", 90)
    assert found.claims == []
    changed, done = Event.objects.about(one).order_by("pk")
    assert (changed.verb, done.verb) == (Verb.CORRELATION_RULE_CHANGED, Verb.CORRELATION_APPLIED)
    facts: Any = done.payload.facts
    assert facts["linked"] == 1


def test_a_rule_of_one_system_is_silent_on_others(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    other = readings.system("OTHER")
    one = rule(Of.LOGIN, To.EMAIL_LOCAL)
    correlation.change_rule(one, values(one, system=other), version=one.version, by=readings.iam())
    off = rule(Of.LOGIN, To.FIRST_LAST)
    correlation.change_rule(off, values(off, is_on=False), version=off.version, by=readings.iam())
    drain()
    applied(core, ACCOUNTS + "jon.smith,,,,,\n", day(1))
    applied(readings.source(other), ACCOUNTS + "jon.smith,,,,,\n", day(1))
    found = {one.system.code: bool(one.claims) for one in Account.objects.select_related("system")}
    assert found == {"CORE": False, "OTHER": True}


def test_two_rules_that_are_sure_and_disagree_link_nobody(hr: Source, core: Source) -> None:
    applied(hr, HR + JON + "4,Jane Smith,jane@bank.test,,,\n", day(1))
    one = rule(Of.LOGIN, To.EMAIL_LOCAL)
    correlation.change_rule(one, values(one, confidence=99), version=one.version, by=readings.iam())
    drain()
    applied(core, ACCOUNTS + "jon.smith,,4,,,\n", day(1))
    assert (account("jon.smith").identity, account("jon.smith").doubt) == (None, Account.Doubt.AMBIGUOUS)
    assert {name for name, *_ in claimed("jon.smith")} == {"Jon Smith", "Jane Smith"}


def test_none_of_these_is_remembered(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jon.smith,,,,,\nold,,2,,2015-01-01,\n", day(1))
    for name in ("jon.smith", "old"):
        orphans.refuse(account(name), version=account(name).version, by=readings.iam())
        assert (account(name).claims, account(name).doubt) == ([], "")
    applied(core, ACCOUNTS + "jon.smith,,,,,\nold,,2,,2021-01-01,\n", day(2))
    applied(hr, HR + JON, day(2))
    assert [account(name).claims for name in ("jon.smith", "old")] == [[], []]
    assert account("old").identity is None, "not even where it is sure now"
    assert Event.objects.about(account("old")).filter(verb=Verb.ACCOUNT_CLAIMS_REFUSED).exists()


def test_after_a_refusal_somebody_else_is_proposed_and_never_linked(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "old,,2,,2015-01-01,\n", day(1))
    orphans.refuse(account("old"), version=account("old").version, by=readings.iam())
    applied(readings.source(employer="Fjordpay"), HR + "2,Ola Nord,ola@fjordpay.test,2010-01-01,,\n", day(1))
    assert account("old").identity is None
    assert claimed("old") == [("Ola Nord", 100, "")]


def test_what_was_unlinked_by_hand_is_not_proposed_again(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    applied(core, ACCOUNTS + "jon.smith,,2,,,\n", day(1))
    identities.unlink_account(account("jon.smith"), version=None, actor=readings.iam().actor)
    applied(core, ACCOUNTS + "jon.smith,,2,,,\n", day(2))
    assert (account("jon.smith").identity, account("jon.smith").claims) == (None, [])


def test_what_somebody_said_of_the_kind_outlives_a_reading(hr: Source, core: Source) -> None:
    applied(core, ACCOUNTS + "desk,,,,,personal\n", day(1))
    orphans.is_shared(
        account("desk"),
        [],
        kind=Account.Kind.SHARED,
        version=account("desk").version,
        actor=readings.iam().actor,
    )
    applied(core, ACCOUNTS + "desk,Desk,,,,personal\n", day(2))
    assert (account("desk").kind, account("desk").display_name) == ("shared", "Desk")


def test_a_merged_person_is_not_proposed(hr: Source, core: Source) -> None:
    kept = inventory.identity("Jon Smith", email="jon.smith@bank.test")
    inventory.identity("Jon Smith", email="jon.smith@bank.test", status="left", merged_into=kept)
    applied(core, ACCOUNTS + "jon.smith,,,,,\nb,,,jon.smith@bank.test,,\n", day(1))
    assert [claim.identity_id for claim in claims_of(account("jon.smith").claims)] == [kept.pk]
    assert account("b").identity == kept


def test_beginnings_are_words_and_no_patterns(hr: Source, core: Source) -> None:
    applied(hr, HR + JON, day(1))
    one = rule(Of.LOGIN, To.EMAIL_LOCAL)
    correlation.change_rule(one, values(one, strip=".*, (%s, \\"), version=one.version, by=readings.iam())
    drain()
    applied(core, ACCOUNTS + ".*jon.smith,,,,,\nwhatjon.smith,,,,,\n", day(1))
    assert claimed(".*jon.smith") == [("Jon Smith", 70, "")]
    assert claimed("whatjon.smith") == []


def test_an_unlinked_account_has_no_confidence_left(hr: Source, core: Source) -> None:
    one = inventory.account(inventory.system("X"), name="x", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    identities.link_account(one, inventory.identity("A"), version=None, actor=readings.iam().actor)
    assert one.confidence == 100
    identities.unlink_account(one, version=None, actor=readings.iam().actor)
    assert one.confidence is None
