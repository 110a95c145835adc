"""The list with its filters, the upload by hand, and what the page of a session says."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.users.models import User
from sessions_app.models import Recording, Session
from tests.factories import inventory
from tests.sessions_app.conftest import BEGAN, World, cast_file

SignIn = Callable[[User], Client]
LIST = "/sessions/"
UPLOAD = "/sessions/upload/"


def text(response: Any) -> str:
    return unescape(response.content.decode())


def listed(client: Client, **query: Any) -> list[str]:
    page = client.get(LIST, query).context["page"]
    return [session.code for session in page.object_list]


@pytest.fixture
def three(world: World) -> list[Session]:
    """With a grant, without one, and under an unknown account on another system."""
    world.grant()
    jsmith = inventory.account(world.system, inventory.identity("John Smith"), "jsmith")
    core = inventory.system("CORE")
    return [
        world.session(cast_file("apples\r\n")),
        world.session(cast_file("pears\r\n", began=BEGAN - timedelta(days=2)), account_name=jsmith.name),
        world.session(
            cast_file("plums\r\n", began=BEGAN - timedelta(days=9)), account_name="ghost", system=core
        ),
    ]


def test_the_list_shows_the_newest_first(world: World, three: list[Session], as_: SignIn) -> None:
    assert listed(as_(world.people.ines)) == [session.code for session in three]


def test_as_a_panel_of_another_page_it_says_what_that_page_means(
    world: World, three: list[Session], as_: SignIn
) -> None:
    client = as_(world.people.ines)
    account = three[0].account_id

    def panel(**query: Any) -> str:
        return text(client.get(LIST, query, headers={"HX-Request": "true"}))

    assert three[0].code in panel(account=account)
    assert "Account of" not in panel(account=account)  # the page around it is about that account
    later = (three[0].started_at + timedelta(days=9)).date()
    empty = panel(account=account, since=later.isoformat())
    assert f"No session since {later.day} {later:%b %Y}." in empty
    assert "All sessions" not in empty
    assert "No session." in panel(account=999_999)
    # The list itself, asked for with the same filters, says that it is filtered.
    assert "No session fits these filters." in text(client.get(LIST, {"account": 999_999}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"system": "CORE"}, [2]),
        ({"match": "grant"}, [0]),
        ({"match": "no_grant"}, [1]),
        ({"match": "no_account"}, [2]),
        ({"who": "smith"}, [1]),
        ({"who": "kovac"}, [0]),
        ({"who": "ghost"}, [2]),
        ({"since": (BEGAN - timedelta(days=3)).date()}, [0, 1]),
        ({"until": (BEGAN - timedelta(days=3)).date()}, [2]),
        ({"recording": "sealed"}, [0, 1, 2]),
        ({"recording": "held"}, []),
        ({"words": "pears"}, [1]),
        ({"words": "pears or plums"}, [1, 2]),
        ({"words": "nothing like it"}, []),
        ({"who": "smith", "match": "grant"}, []),
    ],
)
def test_filters(
    world: World, three: list[Session], as_: SignIn, query: dict[str, object], found: list[int]
) -> None:
    assert listed(as_(world.people.farid), **query) == [three[number].code for number in found]


def test_links_of_other_pages_filter_by_key(world: World, three: list[Session], as_: SignIn) -> None:
    client = as_(world.people.ines)
    assert listed(client, identity=world.dana.pk) == [three[0].code]
    assert listed(client, account=world.account.pk) == [three[0].code]
    assert listed(client, grant=three[0].grant_id) == [three[0].code]


def test_words_are_searched_by_those_who_may_watch_only(
    world: World, three: list[Session], as_: SignIn
) -> None:
    client = as_(world.people.ines)
    assert len(listed(client, words="pears")) == 3
    assert 'name="words"' not in text(client.get(LIST))


def test_filters_that_can_not_be_read_say_so(world: World, three: list[Session], as_: SignIn) -> None:
    answer = as_(world.people.ines).get(LIST, {"since": "soon", "system": "NOWHERE", "grant": "9" * 30})
    assert answer.status_code == 200
    assert len(answer.context["form"].errors) == 3


def test_the_list_tells_a_stranger_of_nothing(world: World, three: list[Session], as_: SignIn) -> None:
    page = text(as_(world.people.omar).get(LIST))
    assert not any(word in page for word in ("CORE", "JUMP", "Kovac", *(session.code for session in three)))


def test_the_list_takes_as_many_queries_for_thirty_as_for_three(
    world: World, three: list[Session], as_: SignIn
) -> None:
    client = as_(world.people.farid)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(LIST)
        return len(captured)

    queries()
    before = queries()
    for number in range(27):
        world.file(cast_file(f"more {number}", began=BEGAN - timedelta(minutes=number)))
    assert len(listed(client)) == 30
    assert queries() == before


def test_htmx_gets_the_rows_alone(world: World, three: list[Session], as_: SignIn) -> None:
    answer = as_(world.people.ines).get(LIST, headers={"HX-Request": "true"})
    assert "<html" not in text(answer)
    assert three[0].code in text(answer)


def test_many_sessions_are_paged(world: World, three: list[Session], as_: SignIn) -> None:
    rows = [
        Session(
            code=f"T-{number}", system=world.system, started_at=BEGAN - timedelta(days=30, minutes=number)
        )
        for number in range(60)
    ]
    Session.objects.bulk_create(rows)
    client = as_(world.people.ines)
    assert len(listed(client)) == 50
    assert len(listed(client, page=2)) == 13
    assert len(listed(client, page="none")) == 50


# The page of a session


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "2 min under the account of Dana Kovac, through JUMP. Who acted is not established."),
        (
            {"account_name": "orphan"},
            "2 min under the account orphan, which belongs to nobody known, through JUMP.",
        ),
        ({"account_name": "ghost"}, "2 min under an account filed as “ghost”, through JUMP."),
    ],
)
def test_the_head_says_under_which_account_and_no_more(
    world: World, as_: SignIn, said: dict[str, Any], sentence: str
) -> None:
    inventory.account(world.system, None, "orphan")
    session = world.session(**said)
    page = text(as_(world.people.ines).get(reverse("session", args=[session.code])))
    assert sentence in " ".join(page.split())


def test_the_chain_says_what_held_and_what_is_unknown(world: World, as_: SignIn) -> None:
    world.grant()
    session = world.session(acted_as="root@core01")
    page = text(as_(world.people.ines).get(reverse("session", args=[session.code])))
    assert "dkovac on JUMP, linked to Dana Kovac by hand" in page
    assert "No request is recorded" in page
    assert "Always on" in page
    assert "no recorder vouches" in page


def test_a_session_being_read_asks_again(world: World, as_: SignIn) -> None:
    recording = world.receive()
    url = reverse("session", args=[recording.session.code])
    client = as_(world.people.ines)
    assert 'hx-trigger="every 2s"' in text(client.get(url))
    fragment = client.get(url, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in text(fragment)
    assert "HX-Refresh" not in fragment.headers


def test_names_from_outside_are_only_ever_text(world: World, as_: SignIn) -> None:
    name = "<img src=x onerror=alert(1)>{{7*7}}"
    recording = world.file(file_name=f"{name}.cast", account_name=name, acted_as=name, external_id=name)
    for url in (LIST, reverse("session", args=[recording.session.code])):
        raw = as_(world.people.farid).get(url).content.decode()
        assert "<img src=x" not in raw
        assert "{{7*7}}" in raw


# Upload by hand


def upload(client: Client, data: bytes, name: str = "core01.cast", **fields: str) -> Any:
    file = SimpleUploadedFile(name, data)
    return client.post(UPLOAD, {"file": file, "system": "JUMP", "account": "dkovac"} | fields)


UPLOADERS = {
    "ines": 403,
    "tomas": 403,
    "ruth": 403,
    "mikael": 200,
    "aiko": 403,
    "farid": 200,
    "elena": 403,
    "omar": 403,
}


@pytest.mark.parametrize("name", UPLOADERS)
def test_who_may_upload(world: World, as_: SignIn, name: str) -> None:
    client = as_(world.people.by_role[name])
    assert client.get(UPLOAD).status_code == UPLOADERS[name]
    posted = upload(client, cast_file()).status_code
    assert posted == (302 if UPLOADERS[name] == 200 else 403)
    assert Recording.objects.exists() == (UPLOADERS[name] == 200)


def test_an_upload_leads_to_its_session(world: World, as_: SignIn) -> None:
    answer = upload(as_(world.people.farid), cast_file(), acted_as="root@core01")
    session = Session.objects.get()
    assert answer.headers["Location"] == reverse("session", args=[session.code])
    assert session.recorder is None


def test_an_upload_of_the_same_bytes_says_so(world: World, as_: SignIn) -> None:
    client = as_(world.people.farid)
    upload(client, cast_file())
    client.get(LIST)
    answer = client.get(upload(client, cast_file()).headers["Location"])
    assert "Nothing was added" in text(answer)
    assert Recording.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "fields", "field", "words"),
    [
        (b"", {}, "file", "The file is empty"),
        (b"%PDF-1.7", {}, "file", "This is a PDF document"),
        (cast_file(), {"system": "NOWHERE"}, "system", "No system has this code"),
        (cast_file(), {"account": ""}, "account", "required"),
        (cast_file(began=None), {}, "started_at", "does not say when it began"),
        (cast_file(), {"started_at": "2126-01-01T10:00"}, "started_at", "in the future"),
    ],
)
def test_a_form_that_can_not_be_filed_says_where_and_why(
    world: World, as_: SignIn, data: bytes, fields: dict[str, str], field: str, words: str
) -> None:
    answer = upload(as_(world.people.mikael), data, **fields)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert not Session.objects.exists()


def test_an_upload_over_the_limit_is_told_what_to_do(world: World, as_: SignIn, settings: Any) -> None:
    settings.PORTAL_UPLOAD_LIMIT = 100
    answer = upload(as_(world.people.mikael), cast_file("x" * 500))
    assert answer.status_code == 413
    assert not Recording.objects.exists()


def test_an_upload_from_a_recorder_keeps_to_its_coverage(world: World, as_: SignIn) -> None:
    recorder = world.recorder(since=BEGAN + timedelta(hours=1))
    client = as_(world.people.mikael)
    upload(client, cast_file(), recorder=recorder.code)
    session = Session.objects.get()
    assert session.recorder == recorder
    recorder.refresh_from_db()
    assert recorder.last_seen_at is None  # a person uploaded it: no sign of life
    page = text(client.get(reverse("session", args=[session.code])))
    assert "did not cover JUMP" in page
    assert "held unprocessed" in text(client.get(LIST))
