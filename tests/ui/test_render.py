"""A view answers a page or its fragment, and what went wrong in the same two forms."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.test import Client, RequestFactory

from portal.ui import errors, render

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor(face: None) -> Client:
    return Client(raise_request_exception=False)


def test_a_page_has_its_frame_and_a_fragment_has_none(visitor: Client) -> None:
    page = visitor.get("/workbench/")
    part = visitor.get("/workbench/", headers=HTMX)
    assert b"<main" in page.content
    assert b"<main" not in part.content
    assert b'id="row"' in part.content
    assert "HX-Request" in page["Vary"]
    assert "HX-Request" in part["Vary"]


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_a_boosted_link_and_a_restored_page_get_the_whole(visitor: Client, header: str) -> None:
    assert b"<main" in visitor.get("/workbench/", headers={**HTMX, header: "true"}).content


def test_messages_travel_beside_a_fragment(visitor: Client) -> None:
    answer = visitor.post("/answer/kept/", headers=HTMX)
    assert "portal:say" in answer["HX-Trigger"]
    assert "Kept. Undo it until you sign off." in answer["HX-Trigger"]


def test_messages_stand_on_a_page(visitor: Client) -> None:
    answer = visitor.post("/answer/kept/")
    assert "HX-Trigger" not in answer
    assert b"Kept. Undo it until you sign off." in answer.content


def test_a_conflict_says_what_changed(visitor: Client) -> None:
    answer = visitor.post("/answer/conflict/", headers={"Referer": "http://testserver/workbench/?page=2"})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Samir Haddad decided Keep." in text
    assert "&lt;b&gt;markup&lt;/b&gt;" in text
    assert 'href="http://testserver/workbench/?page=2"' in text
    assert answer["Cache-Control"] == "no-store"


def test_a_conflict_never_leads_to_another_site(visitor: Client) -> None:
    answer = visitor.post("/answer/conflict/", headers={"Referer": "https://elsewhere.example/"})
    assert b"elsewhere.example" not in answer.content


@pytest.mark.parametrize("name", ["400", "403", "404", "409", "413", "422", "500", "csrf"])
def test_what_went_wrong_comes_as_a_page_and_as_a_few_lines(visitor: Client, name: str) -> None:
    status = 403 if name == "csrf" else int(name)
    page = visitor.get(f"/styleguide/{name}/")
    part = visitor.get(f"/styleguide/{name}/", headers=HTMX)
    assert (page.status_code, part.status_code) == (status, status)
    assert page.content.decode().count("<h1>") == 1
    assert page["X-Request-ID"] in page.content.decode()
    assert b"<html" not in part.content
    assert b"<strong>" in part.content


def test_an_unknown_address_is_the_same_as_one_that_is_not_yours(visitor: Client) -> None:
    answer = visitor.get("/no/such/place/")
    assert answer.status_code == 404
    assert b"There is nothing here for you." in answer.content


def test_a_fault_is_drawn_without_the_database_and_without_its_cause(visitor: Client) -> None:
    answer = visitor.post("/answer/fault/")
    assert answer.status_code == 500
    assert b"on purpose" not in answer.content
    assert answer["X-Request-ID"] in answer.content.decode()


def test_a_form_that_is_too_old_is_refused_with_a_way_on(face: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/answer/kept/", headers={"Referer": "http://testserver/workbench/"})
    assert answer.status_code == 403
    assert "This form is too old." in answer.content.decode()
    assert 'href="http://testserver/workbench/"' in answer.content.decode()


def test_too_many_bytes_are_a_413(face: None) -> None:
    answer = errors.bad_request(RequestFactory().post("/"), RequestDataTooBig())
    assert answer.status_code == 413


def test_a_refusal_says_its_reason(face: None) -> None:
    answer = errors.forbidden(
        RequestFactory().get("/"), PermissionDenied("Nobody decides on their own access.")
    )
    assert b"Nobody decides on their own access." in answer.content


def test_a_request_without_an_id_has_no_empty_line_for_it(face: None) -> None:
    assert b'class="request"' not in render.problem(RequestFactory().get("/"), 422, "Not yet", "Why").content
