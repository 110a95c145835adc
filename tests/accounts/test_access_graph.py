"""Drawing an access graph: what is folded, where boxes stand, and that circles end."""

from itertools import pairwise

from accounts.models.access_graph import Edge, Graph, Node
from accounts.views.graph_drawing import HIGH, MOST, MOST_OPENED, SHOWN, WIDE, Drawing, draw


def graph(*edges: tuple[str, str], privileged: frozenset[str] = frozenset()) -> Graph:
    """Accounts are called a…, everything else is a right."""
    keys = dict.fromkeys(key for edge in edges for key in edge)
    nodes = {
        key: Node(key, "account" if key.startswith("a") else "right", key, "", key in privileged or None)
        for key in keys
    }
    led_to = {target for _source, target in edges}
    for source, target in edges:
        nodes[source].targets.append(Edge(source, target, None, False))
    return Graph(nodes, [key for key in keys if key.startswith("a") and key not in led_to], True)


def shown(drawing: Drawing) -> set[str]:
    return {box.key for box in drawing.boxes}


def test_columns_follow_the_longest_way() -> None:
    drawing = draw(graph(("a1", "domain"), ("a1", "ops"), ("ops", "domain")))
    assert {box.key: box.column for box in drawing.boxes} == {"a1": 0, "ops": 1, "domain": 2}
    assert not any(arrow.is_back for arrow in drawing.arrows)


def test_boxes_do_not_touch() -> None:
    wide = [(f"a{n}", f"r{m}") for n in range(5) for m in range(n, n + 6)]
    boxes = draw(graph(*wide)).boxes
    for column in {box.column for box in boxes}:
        stack = sorted(box.y for box in boxes if box.column == column)
        assert all(lower - upper > HIGH for upper, lower in pairwise(stack))
    assert min(box.y for box in boxes) == 0
    assert max(box.x for box in boxes) >= WIDE


def test_a_circle_ends_and_its_last_arrow_points_back() -> None:
    drawing = draw(graph(("a1", "one"), ("one", "two"), ("two", "one")))
    assert shown(drawing) == {"a1", "one", "two"}
    assert [(arrow.source, arrow.target) for arrow in drawing.arrows if arrow.is_back] == [("two", "one")]


def test_of_many_the_riskiest_are_shown_and_the_rest_folded() -> None:
    many = [("a1", f"right{number:03}") for number in range(300)]
    wide = graph(*many, privileged=frozenset({"right299", "right150"}))
    drawing = draw(wide)
    assert {"right299", "right150"} <= shown(drawing)
    assert len(drawing.boxes) == 1 + SHOWN + 1
    (fold,) = (box for box in drawing.boxes if box.node is None)
    assert (fold.count, fold.privileged, fold.opens) == (300 - SHOWN, 0, "a1")
    opened = draw(wide, opened=frozenset({"a1"}))
    assert len(opened.boxes) == MOST_OPENED + 1
    assert sum(box.count for box in opened.boxes) == 301 - MOST_OPENED


def test_opening_shows_more_however_full_the_drawing_is() -> None:
    edges = [("a1", f"g{n}") for n in range(8)] + [
        (f"g{n}", f"r{n}-{m:02}") for n in range(8) for m in range(30)
    ]
    full = graph(*edges)
    before, after = draw(full), draw(full, opened=frozenset({"g7"}))
    assert sum(box.node is not None for box in before.boxes) <= MOST
    assert {f"r7-{m:02}" for m in range(30)} <= shown(after)
    assert not {f"r7-{m:02}" for m in range(30)} <= shown(before)
    kept = {box.key for box in before.boxes if box.node is not None}
    assert kept <= shown(after)  # and nothing else has to go for it


def test_nothing_is_lost_between_boxes_and_folds() -> None:
    edges = [("a1", f"g{n}") for n in range(20)] + [
        (f"g{n}", f"r{n}-{m}") for n in range(20) for m in range(15)
    ]
    drawing = draw(graph(*edges))
    assert len(drawing.boxes) < MOST + 30
    assert (
        sum(box.node is not None for box in drawing.boxes)
        + sum(box.count for box in drawing.boxes)
        + sum(15 for _folded in range(20 - SHOWN))
        == 1 + 20 + 300
    )  # what folded groups lead to is behind them


def test_what_lies_too_deep_is_counted_and_opens() -> None:
    chain = graph(*pairwise(["a1", *(f"r{number}" for number in range(8))]))
    drawing = draw(chain, depth=2)
    assert shown(drawing) == {"a1", "r0", "r1"}
    assert {box.key: box.hidden for box in drawing.boxes} == {"a1": 0, "r0": 0, "r1": 1}
    assert "r2" in shown(draw(chain, depth=2, opened=frozenset({"r1"})))


def test_searching_goes_as_deep_as_it_must() -> None:
    chain = graph(*pairwise(["a1", *(f"r{number}" for number in range(8))]), ("a1", "other"))
    drawing = draw(chain, words="R7", depth=1)
    assert shown(drawing) == {"a1", *(f"r{number}" for number in range(8))}
    assert [box.key for box in drawing.boxes if box.is_found] == ["r7"]


def test_the_list_holds_every_box_once_in_full() -> None:
    drawing = draw(graph(("a1", "ops"), ("a2", "ops"), ("ops", "domain"), ("a1", "domain")))
    in_full: list[str] = []
    waiting = list(drawing.tops)
    while waiting:
        box = waiting.pop()
        if not box.is_repeated:
            in_full.append(box.key)
            waiting += box.children
    assert sorted(in_full) == sorted(shown(drawing))


def test_nothing_to_draw_is_drawn() -> None:
    drawing = draw(Graph({}, [], True))
    assert (drawing.boxes, drawing.arrows, drawing.tops, drawing.width, drawing.height) == ([], [], [], 0, 0)
