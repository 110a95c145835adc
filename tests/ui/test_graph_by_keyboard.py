"""The access graph in a real browser: arrow keys follow the arrows, and the tab key stops once."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route

from accounts.models.access_graph import Edge, Graph, Node
from accounts.views.graph_drawing import draw

HERE = "http://graph.test/"
STATIC = Path(__file__).resolve().parents[2] / "portal" / "static" / "portal"


def drawn() -> str:
    """dana.adm → Nested Ops → Domain Admins and root-on-core; dana.adm → Ledger."""
    names = ["dana.adm", "Nested Ops", "Domain Admins", "root-on-core", "Ledger"]
    nodes = {name: Node(name, "right", name, "CORE", None) for name in names}
    nodes["dana.adm"].kind = "account"
    for source, target in [*pairwise(names[:3]), ("Nested Ops", "root-on-core"), ("dana.adm", "Ledger")]:
        nodes[source].targets.append(Edge(source, target, None, False))
    drawing = draw(Graph(nodes, ["dana.adm"], True))
    context = {"shown": SimpleNamespace(pk=UUID(int=1)), "drawing": drawing, "is_whole": True, "depths": [1]}
    panel = render_to_string("accounts/_graph.html", context)
    head = '<!doctype html><html lang="en"><title>x</title><link rel="stylesheet" href="/graph.css">'
    return f'{head}<button id="before">before</button>{panel}<script src="/graph.js"></script>'


@pytest.fixture
def graph(browser: Browser) -> Iterator[Page]:
    """The panel alone, with its own script and style."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(HERE)
        if name:
            route.fulfill(path=STATIC / name)
        else:
            route.fulfill(body=drawn(), content_type="text/html")

    page = browser.new_page()
    page.route(f"{HERE}*", answer)
    page.goto(HERE)
    yield page
    page.close()


def focused(page: Page) -> str | None:
    return str(page.evaluate("document.activeElement.dataset.node"))


def test_arrows_go_from_box_to_box(graph: Page) -> None:
    graph.locator("[data-node='dana.adm']").focus()
    seen = []
    for key in (
        "ArrowRight",
        "ArrowDown",
        "ArrowUp",
        "ArrowRight",
        "ArrowDown",
        "ArrowLeft",
        "ArrowLeft",
        "ArrowLeft",
    ):
        graph.keyboard.press(key)
        seen.append(focused(graph))
    middle, right = {"Nested Ops", "Ledger"}, {"Domain Admins", "root-on-core"}
    assert {*seen[:3]} == middle
    assert {seen[3], seen[4]} <= right | middle
    assert seen[-2:] == ["dana.adm", "dana.adm"]
    graph.keyboard.press("ArrowRight")
    graph.keyboard.press("Home")
    assert focused(graph) == "dana.adm"


def test_the_tab_key_stops_once(graph: Page) -> None:
    assert graph.locator("svg.graph [tabindex='0']").count() == 1
    graph.locator("[data-node='Ledger']").focus()
    assert graph.locator("svg.graph [tabindex='0']").get_attribute("data-node") == "Ledger"


def test_what_leads_to_a_box_stands_out_and_only_that(graph: Page) -> None:
    graph.locator("[data-node='Domain Admins']").focus()
    lit = graph.locator(".box.lit").evaluate_all("boxes => boxes.map(box => box.dataset.node)")
    assert set(lit) == {"dana.adm", "Nested Ops", "Domain Admins"}
    assert graph.locator("path.lit").count() == 2
    graph.locator("#before").focus()
    assert graph.locator(".lit").count() == 0
