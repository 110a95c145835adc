"""Lists of identities, accounts, rights, credentials and systems: what filters mean, and who sees what."""

from datetime import timedelta
from html import unescape

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account, Application, GrantUse, Identity
from portal import moment
from tests.conftest import As
from tests.factories import inventory
from tests.factories.people import People, identity_of

pytestmark = pytest.mark.django_db

LISTS = ["identity_list", "account_list", "grant_list", "credential_list", "system_list"]


@pytest.fixture
def bank(people: People) -> People:
    """Two systems, a person, three machines; each row of a list can be told by its name."""
    at = moment.now()
    core = inventory.system(
        "CORE", environment="production", owner=identity_of(people.aiko), hosts=["core01"]
    )
    jump = inventory.system("JUMP", environment="test", is_gateway=True)
    app = Application.objects.create(
        name="Payments", created_at=inventory.LONG_AGO, owner=identity_of(people.tomas)
    )
    dana = inventory.identity("Dana Kovac", email="dana@nordhaven.test", manager=identity_of(people.tomas))
    settle = inventory.identity(
        "svc-settlement",
        kind="service",
        environment="production",
        owner=identity_of(people.aiko),
        open_findings=2,
    )
    bot = inventory.identity("bot-recon", kind="bot", environment="test", application=app)
    inventory.identity("svc-nobody", kind="service", status="left")
    inventory.identity("svc-lonely", kind="service")
    old = at - timedelta(days=400)
    personal = inventory.account(
        core, dana, "dkovac", kind="personal", email="dana@nordhaven.test", is_enabled=True
    )
    machine = inventory.account(core, settle, "settle", kind="machine", last_used_at=old, created_at=old)
    inventory.account(jump, bot, "recon", kind="machine", is_enabled=False, last_used_at=at, created_at=at)
    inventory.account(jump, None, "oracle_old", doubt="recycled")
    inventory.account(jump, None, "opsdesk", kind="shared")
    gone = inventory.account(core, dana, "dana-before", kind="personal")
    Account.objects.filter(pk=gone.pk).update(gone_run=gone.first_run, gone_at=at)
    _rights(personal, machine)
    _credentials(machine)
    return people


def _rights(personal: Account, machine: Account) -> None:
    at, core = moment.now(), machine.system
    admin = inventory.entitlement(core, "admin", plain_words="Change everything", marks=["admin"])
    read = inventory.entitlement(core, "read", privileged=False)
    odd = inventory.entitlement(core, "odd", privileged=None)
    standing = inventory.grant(machine, admin)
    inventory.grant(personal, admin, is_eligible=True, since=at - timedelta(days=3))
    inventory.grant(personal, admin, since=at - timedelta(hours=1), ends_at=at + timedelta(hours=3))
    inventory.grant(personal, read, since=None)
    inventory.grant(personal, odd, via=read)
    ended = inventory.grant(machine, read)
    type(ended).objects.filter(pk=ended.pk).update(
        held=DateTimeTZRange(inventory.LONG_AGO, at), known_to_run=machine.first_run
    )
    GrantUse.objects.create(grant=standing, last_used_at=at - timedelta(days=200))


def _credentials(machine: Account) -> None:
    at = moment.now()
    inventory.credential(
        machine, fingerprint="AKIAOLD", created_at=at - timedelta(days=912), expires_at=at + timedelta(days=9)
    )
    rotated = {"created_at": at - timedelta(days=912), "rotated_at": at - timedelta(days=2)}
    inventory.credential(machine, "token", "tok-new", **rotated, storage="HashiVault", last_used_at=at)
    inventory.credential(
        machine, "password", "slot 1", weakness="reused", last_used_at=at - timedelta(days=300)
    )
    gone = inventory.credential(machine, "token", "tok-gone")
    type(gone).objects.filter(pk=gone.pk).update(gone_run=machine.first_run, gone_at=at)


def shown(as_: As, people: People, name: str, query: str = "", who: str = "mikael") -> list[object]:
    answer = as_(people.by_role[who]).get(f"{reverse(name)}{query}")
    assert answer.status_code == 200
    return list(answer.context["rows"])


DAY = f"{moment.now() - timedelta(days=100):%Y-%m-%d}"
MACHINES = {"svc-settlement", "bot-recon", "svc-nobody", "svc-lonely"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=dana", {"Dana Kovac"}),
        ("?q=DANA@nordhaven", {"Dana Kovac"}),
        ("?q=sv", {"svc-settlement", "svc-nobody", "svc-lonely"}),
        ("?q=vc", set()),
        ("?kind=machines", MACHINES),
        ("?kind=bot", {"bot-recon"}),
        ("?kind=machines&status=left", {"svc-nobody"}),
        ("?system=JUMP", {"bot-recon"}),
        ("?privileged=yes", {"Dana Kovac", "svc-settlement"}),
        ("?privileged=no&kind=machines", MACHINES - {"svc-settlement"}),
        ("?environment=test", {"bot-recon"}),
        ("?environment=unknown&kind=machines", {"svc-nobody", "svc-lonely"}),
        ("?owner=aiko", {"svc-settlement"}),
        ("?no_owner=on", {"svc-lonely"}),
        ("?application=pay", {"bot-recon"}),
        ("?findings=yes", {"svc-settlement"}),
        ("?findings=no&kind=machines", MACHINES - {"svc-settlement"}),
    ],
)
def test_identities(bank: People, as_: As, query: str, expected: set[str]) -> None:
    assert {str(one) for one in shown(as_, bank, "identity_list", query)} == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"dkovac", "settle", "recon", "oracle_old", "opsdesk"}),
        ("?q=dana", {"dkovac"}),
        ("?system=CORE", {"dkovac", "settle"}),
        ("?kind=shared", {"opsdesk"}),
        ("?kind=unknown", {"oracle_old"}),
        ("?whose=orphan", {"oracle_old"}),
        ("?whose=nobodys", {"opsdesk"}),
        ("?whose=linked", {"dkovac", "settle", "recon"}),
        ("?who=settlement", {"settle"}),
        ("?doubt=any", {"oracle_old"}),
        ("?doubt=older", set()),
        ("?enabled=yes", {"dkovac"}),
        ("?enabled=no", {"recon"}),
        ("?enabled=unknown", {"settle", "oracle_old", "opsdesk"}),
        ("?gone=gone", {"dana-before"}),
        ("?gone=all&system=CORE", {"dkovac", "settle", "dana-before"}),
        (f"?unused_before={DAY}", {"settle"}),
        (f"?created_since={DAY}", {"recon"}),
    ],
)
def test_accounts(bank: People, as_: As, query: str, expected: set[str]) -> None:
    assert {str(one) for one in shown(as_, bank, "account_list", query)} == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "",
            [
                "dkovac admin eligible",
                "dkovac admin time_boxed",
                "dkovac odd ",
                "dkovac read ",
                "settle admin standing",
            ],
        ),
        ("?right=everything", ["dkovac admin eligible", "dkovac admin time_boxed", "settle admin standing"]),
        ("?right=odd", ["dkovac odd "]),
        ("?system=JUMP", []),
        ("?stands=standing", ["settle admin standing"]),
        ("?stands=eligible", ["dkovac admin eligible"]),
        ("?stands=time_boxed", ["dkovac admin time_boxed"]),
        ("?privileged=yes&account=dkov", ["dkovac admin eligible", "dkovac admin time_boxed"]),
        ("?privileged=no", ["dkovac read "]),
        ("?privileged=unknown", ["dkovac odd "]),
        ("?who=settlement", ["settle admin standing"]),
        ("?via=through", ["dkovac odd "]),
        (f"?since={DAY}", ["dkovac admin eligible", "dkovac admin time_boxed"]),
        (f"?unused_before={DAY}", ["settle admin standing"]),
        ("?ends=yes", ["dkovac admin time_boxed"]),
        ("?ends=no&account=settle", ["settle admin standing"]),
        ("?ends_before=2999-01-01", ["dkovac admin time_boxed"]),
        ("?held=ended", ["settle read "]),
    ],
)
def test_rights_held(bank: People, as_: As, query: str, expected: list[str]) -> None:
    rows = shown(as_, bank, "grant_list", query)
    assert sorted(f"{one.account} {one.entitlement} {one.stands}" for one in rows) == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"AKIAOLD", "tok-new", "slot 1"}),
        ("?q=akia", {"AKIAOLD"}),
        ("?q=OLD", set()),
        ("?system=JUMP", set()),
        ("?kind=token", {"tok-new"}),
        ("?older=365", {"AKIAOLD"}),
        ("?expires_before=2999-01-01", {"AKIAOLD"}),
        ("?no_expiry=on", {"tok-new", "slot 1"}),
        ("?weak=on", {"slot 1"}),
        ("?storage=vault", {"tok-new"}),
        ("?storage=unknown", {"AKIAOLD", "slot 1"}),
        (f"?unused_before={DAY}", {"slot 1"}),
        ("?who=dana", set()),
        ("?gone=gone", {"tok-gone"}),
    ],
)
def test_credentials(bank: People, as_: As, query: str, expected: set[str]) -> None:
    rows = shown(as_, bank, "credential_list", query)
    assert {one.fingerprint for one in rows} == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["CORE", "JUMP"]),
        ("?q=cor", ["CORE"]),
        ("?q=CORE01", ["CORE"]),
        ("?environment=test", ["JUMP"]),
        ("?owner=aiko", ["CORE"]),
        ("?no_owner=on", ["JUMP"]),
        ("?gateway=on", ["JUMP"]),
        ("?sort=-code", ["JUMP", "CORE"]),
    ],
)
def test_systems(bank: People, as_: As, query: str, expected: list[str]) -> None:
    assert [str(one) for one in shown(as_, bank, "system_list", query)] == expected


def test_a_leaver_who_owned_it_does_not_answer(bank: People, as_: As) -> None:
    Identity.objects.filter(pk=identity_of(bank.aiko).pk).update(status="left")
    names = {str(one) for one in shown(as_, bank, "identity_list", "?no_owner=on")}
    assert names == {"svc-lonely", "svc-settlement"}


@pytest.mark.parametrize("name", LISTS)
def test_a_filter_that_is_not_understood_is_said_and_shows_no_row(bank: People, as_: As, name: str) -> None:
    query = {"grant_list": "?stands=nonsense", "credential_list": "?older=many"}.get(
        name, "?environment=' OR 1=1 --"
    )
    query = {"account_list": "?kind=nonsense", "identity_list": "?kind=nonsense"}.get(name, query)
    answer = as_(bank.mikael).get(f"{reverse(name)}{query}")
    assert answer.status_code == 200
    assert not answer.context["rows"]
    assert "No row is shown while a filter is not understood" in answer.text
    # Nor does it leave as a file.
    assert answer.headers.get("Content-Disposition") is None
    exported = as_(bank.mikael).get(f"{reverse(name)}{query}&export=csv")
    assert "Content-Disposition" not in exported.headers


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("who", ["omar", "elena", "ruth"])
def test_outsiders_find_nothing_and_hr_only_who_people_are(
    bank: People, as_: As, name: str, who: str
) -> None:
    rows = shown(as_, bank, name, who=who)
    if name != "identity_list":
        assert rows == []
    elif who == "ruth":
        assert {"Dana Kovac", "svc-settlement"} <= {str(one) for one in rows}
    else:
        assert [str(one) for one in rows] in ([], ["Omar Haddad"])


@pytest.mark.parametrize("query", ["?privileged=yes", "?system=CORE", "?findings=yes", "?sort=-findings"])
def test_filters_tell_hr_nothing_of_what_people_hold(bank: People, as_: As, query: str) -> None:
    everybody = shown(as_, bank, "identity_list", who="ruth")
    found = shown(as_, bank, "identity_list", query, who="ruth")
    assert found in ([], everybody)
    page = as_(bank.ruth).get(f"{reverse('identity_list')}{query}").text
    assert "Findings" not in page


def test_owners_see_their_machines_and_what_these_hold(bank: People, as_: As) -> None:
    assert {str(one) for one in shown(as_, bank, "identity_list", who="aiko")} == {
        "Aiko Mori",
        "svc-settlement",
    }
    # Aiko owns the system CORE: everything on it, and nothing on JUMP.
    assert {str(one) for one in shown(as_, bank, "account_list", who="aiko")} == {"dkovac", "settle"}
    assert len(shown(as_, bank, "grant_list", who="aiko")) == 5
    assert len(shown(as_, bank, "credential_list", who="aiko")) == 3
    assert [str(one) for one in shown(as_, bank, "system_list", who="aiko")] == ["CORE"]


def test_an_address_holds_the_whole_state(bank: People, as_: As) -> None:
    for number in range(60):
        inventory.identity(f"svc-{number:03}", kind="service", environment="test")
    url = f"{reverse('identity_list')}?kind=service&environment=test&sort=-name"
    client = as_(bank.mikael)
    page = client.get(url)
    assert [str(one) for one in page.context["rows"]][:2] == ["svc-059", "svc-058"]
    assert str(page.context["total"]) == "60"
    links = [part.split('"')[0] for part in unescape(page.text).split('href="') if part.startswith("?")]
    (following,) = (link for link in links if "after=" in link)
    for part in ("kind=service", "environment=test", "sort=-name"):
        assert part in following
    second = client.get(f"{reverse('identity_list')}{following}")
    assert [str(one) for one in second.context["rows"]] == [f"svc-{number:03}" for number in range(9, -1, -1)]


def test_how_many_fit_is_asked_for_beside_the_page_where_other_tables_answer(bank: People, as_: As) -> None:
    core = Account.objects.get(name="dkovac").system
    for number in range(55):
        inventory.account(core, inventory.identity(f"Person {number}"))
    client, url = as_(bank.mikael), f"{reverse('identity_list')}?system=CORE"
    page = client.get(url)
    assert page.context["total"] is None
    assert 'hx-get="?system=CORE&amp;count=1"' in page.text
    counted = client.get(f"{url}&count=1", headers={"HX-Request": "true"})
    assert counted.text.strip() == "<span>57</span>"
    # Without a script the link leads to the page with the number in it.
    assert str(client.get(f"{url}&count=1").context["total"]) == "57"


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_3_and_of_60_asks_as_often(
    bank: People, as_: As, name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, url = as_(bank.mikael), reverse(name)
    client.get(url)
    with django_assert_max_num_queries(8) as few:  # session, user and rail included
        client.get(url)
    for number in range(60):
        system = inventory.system(f"MORE-{number:02}")
        machine = inventory.identity(f"svc-more-{number}", kind="service")
        account = inventory.account(system, machine)
        inventory.grant(account, inventory.entitlement(system))
        inventory.credential(account)
    with django_assert_max_num_queries(len(few)):
        page = client.get(url)
    assert len(page.context["rows"]) == 50
    assert page.context["total"].number > 50


def test_empty_lists_say_what_to_do(people: People, as_: As) -> None:
    for name in LISTS[1:]:
        assert 'class="empty"' in as_(people.mikael).get(reverse(name)).text
    filtered = as_(people.mikael).get(f"{reverse('account_list')}?kind=shared").text
    assert "No account fits these filters" in filtered


def test_hostile_names_stay_text(people: People, as_: As) -> None:
    bad = "<img src=x onerror=alert(1)> {{ 7|add:7 }}"
    system = inventory.system("<b>SYS")
    account = inventory.account(system, inventory.identity(bad), name=bad, display_name=bad)
    inventory.grant(account, inventory.entitlement(system, bad, plain_words=bad))
    inventory.credential(account, fingerprint=bad, weakness=bad, storage=bad[:40])
    for name in LISTS:
        text = as_(people.mikael).get(reverse(name)).text
        assert "<img src=x" not in text
        assert "<b>SYS" not in text
    text = as_(people.mikael).get(f"{reverse('search')}?q=<img").text
    assert "<img src=x" not in text
    assert "{{ 7|add:7 }}" in text
