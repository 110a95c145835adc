"""How an access graph is drawn: what of it is shown, and where it stands.

However large a graph is, what is shown of it stays readable: of each thing the riskiest that it leads to, the
rest as one box that opens; as deep as was asked; and only what leads to what is searched for. Columns follow
the way from accounts to the right, so that arrows point one way; a circle's last arrow points back.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from accounts.models.access_graph import Graph, Node

SHOWN = 8  # that one thing leads to, unless it was opened
MOST, MOST_OPENED = 80, 240  # boxes in one drawing; more where somebody asked for more
DEPTH = 4
WIDE, HIGH, ACROSS, DOWN = 196, 44, 64, 12  # a box, and the room between boxes
RISKS = {True: 0, None: 1, False: 2}
KINDS = ("account", "act_as", "role", "group", "right")


@dataclass(slots=True)
class Box:
    """One node in its place, or what is folded into one."""

    key: str
    node: Node | None
    column: int = 0
    x: int = 0
    y: int = 0
    # Of a fold: how many things it stands for, and how many of them are privileged.
    count: int = 0
    privileged: int = 0
    # What the node leads to and is not shown.
    hidden: int = 0
    grant_id: int | None = None
    is_eligible: bool = False
    is_found: bool = False
    # Put there by whoever shows it: what its second line says, where it leads, and what opens it.
    caption: str = ""
    url: str = ""
    opener: str = ""
    # For the list: what stands under it, and whether it stands in full elsewhere above.
    children: list["Box"] = field(default_factory=list)
    is_repeated: bool = False

    @property
    def opens(self) -> str:
        """What shows more of the graph here: the node that it folds, or itself."""
        return self.key.removesuffix("-more")

    @property
    def middle(self) -> int:
        """Where arrows meet it."""
        return self.y + HIGH // 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """From box to box."""

    source: str
    target: str
    path: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes and arrows, the size of the whole, and the same as a list in a list."""

    boxes: list[Box]
    arrows: list[Arrow]
    tops: list[Box]
    width: int
    height: int
    total: int
    found: int

    def everywhere(self) -> list[Box]:
        """Each box, and each time it is only named in the list."""
        return [*self.boxes, *(child for box in self.boxes for child in box.children if child.is_repeated)]


def draw(
    graph: Graph, *, opened: frozenset[str] = frozenset(), words: str = "", depth: int = DEPTH
) -> Drawing:
    """The part of the graph that is asked for."""
    found = _found(graph, words)
    kept = _leading_to(graph, found) if words else set(graph.nodes)
    boxes, edges = _unfolded(graph, kept, opened, depth=depth if not words else len(graph.nodes))
    for box in boxes.values():
        box.is_found = box.key in found
    _in_columns(boxes, edges)
    _in_rows(boxes, edges)
    arrows = [_arrow(boxes[source], boxes[target]) for source, target in edges]
    return Drawing(
        list(boxes.values()),
        arrows,
        _listed(boxes, edges),
        width=max((box.x + WIDE for box in boxes.values()), default=0),
        height=max((box.y + HIGH for box in boxes.values()), default=0),
        total=len(graph.nodes),
        found=len(found),
    )


def _found(graph: Graph, words: str) -> set[str]:
    sought = words.casefold()
    return {
        key
        for key, node in graph.nodes.items()
        if sought and (sought in node.name.casefold() or sought in node.sub.casefold())
    }


def _leading_to(graph: Graph, found: set[str]) -> set[str]:
    sources: dict[str, list[str]] = defaultdict(list)
    for edge in graph.edges():
        sources[edge.target].append(edge.source)
    kept, waiting = set(found), list(found)
    while waiting:
        for source in sources[waiting.pop()]:
            if source not in kept:
                kept.add(source)
                waiting.append(source)
    return kept


def _risk(graph: Graph, key: str) -> tuple[int, bool, int, str]:
    node = graph.nodes[key]
    kind = KINDS.index(node.kind) if node.kind in KINDS else len(KINDS)
    return RISKS[node.is_privileged], not node.targets, kind, node.name.casefold()


def _unfolded(
    graph: Graph, kept: set[str], opened: frozenset[str], *, depth: int
) -> tuple[dict[str, Box], list[tuple[str, str]]]:
    """Boxes by key, breadth first, and the edges between them; what is left out is one box a parent."""
    roots = sorted((key for key in graph.roots if key in kept), key=lambda key: _risk(graph, key))
    shown = _some(roots, is_open="top" in opened)
    boxes = {key: Box(key, graph.nodes[key]) for key in shown}
    waiting = deque((key, 0) for key in shown)
    following: dict[str, list[str]] = {}
    deep_enough = set()
    unasked = len(boxes)  # what was opened takes no room from the rest
    while waiting:
        key, level = waiting.popleft()
        by = {edge.target: edge for edge in graph.nodes[key].targets if edge.target in kept}
        following[key] = sorted(by, key=lambda target: _risk(graph, target))
        if level >= depth and key not in opened:
            deep_enough.add(key)
            continue
        is_open = key in opened
        for target in _some(following[key], is_open=is_open):
            has_room = len(boxes) < MOST_OPENED if is_open else unasked < MOST
            if target not in boxes and has_room:
                unasked += not is_open
                edge = by[target]
                boxes[target] = Box(
                    target, graph.nodes[target], grant_id=edge.grant_id, is_eligible=edge.is_eligible
                )
                waiting.append((target, level + 1))
    edges: list[tuple[str, str]] = []
    for key, targets in {"top": roots, **following}.items():
        edges += [(key, target) for target in targets if target in boxes and key != "top"]
        if left_out := [target for target in targets if target not in boxes]:
            if key in deep_enough:
                boxes[key].hidden = len(left_out)
                continue
            privileged = sum(graph.nodes[target].is_privileged is True for target in left_out)
            fold = Box(f"{key}-more", None, count=len(left_out), privileged=privileged)
            boxes[fold.key] = fold
            edges += [(key, fold.key)] if key != "top" else []
    return boxes, edges


def _some(keys: list[str], *, is_open: bool) -> list[str]:
    """The first of them; a box that stands for one thing would save nothing."""
    return keys if is_open or len(keys) <= SHOWN + 1 else keys[:SHOWN]


def _in_columns(boxes: dict[str, Box], edges: list[tuple[str, str]]) -> None:
    """Each to the right of all that lead to it; arrows that close a circle do not count."""
    targets: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        targets[source].append(target)
    done: list[str] = []
    state: dict[str, int] = {}  # 1 on the way down, 2 done
    back: set[tuple[str, str]] = set()
    for start in boxes:
        stack = [(start, iter(targets[start]))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            key, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[key] = 2
                done.append(key)
                stack.pop()
            elif state.get(following) == 1:
                back.add((key, following))
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(targets[following])))
    for key in reversed(done):
        for target in targets[key]:
            if (key, target) not in back:
                boxes[target].column = max(boxes[target].column, boxes[key].column + 1)


def _in_rows(boxes: dict[str, Box], edges: list[tuple[str, str]]) -> None:
    """Level with the first that leads there, then with the first they lead to, without touching."""
    near: dict[str, list[str]] = defaultdict(list)
    far: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        if boxes[source].column < boxes[target].column:
            near[target].append(source)
            far[source].append(target)
    columns: dict[int, list[Box]] = defaultdict(list)
    for box in boxes.values():
        box.x = box.column * (WIDE + ACROSS)
        columns[box.column].append(box)
    step = HIGH + DOWN
    for number in sorted(columns):
        _stand(columns[number], near, boxes, step)
    for number in sorted(columns, reverse=True):
        _stand(columns[number], far, boxes, step)
    top = min((box.y for box in boxes.values()), default=0)
    for box in boxes.values():
        box.y -= top


def _stand(column: list[Box], beside: dict[str, list[str]], boxes: dict[str, Box], step: int) -> None:
    wish = {box.key: min((boxes[key].y for key in beside[box.key]), default=box.y) for box in column}
    free = None
    # A stable order: what wishes for the same place stays as it was, a fold after what it belongs to.
    for box in sorted(column, key=lambda box: (wish[box.key], box.y)):
        box.y = wish[box.key] if free is None else max(wish[box.key], free)
        free = box.y + step


def _arrow(source: Box, target: Box) -> Arrow:
    is_back = target.column <= source.column
    from_x, to_x = source.x + WIDE, target.x
    if is_back:  # around below, so that it can be told from the others
        low = max(source.y, target.y) + HIGH + DOWN // 2
        path = f"M{from_x} {source.middle}C{from_x + 40} {low} {to_x - 40} {low} {to_x} {target.middle}"
    else:
        half = (from_x + to_x) // 2
        path = (
            f"M{from_x} {source.middle}C{half} {source.middle} {half} {target.middle} {to_x} {target.middle}"
        )
    return Arrow(source.key, target.key, path, is_back)


def _listed(boxes: dict[str, Box], edges: list[tuple[str, str]]) -> list[Box]:
    """The same as a list in a list: each box in full once, where it stands first, and named where else."""
    targets: dict[str, list[str]] = defaultdict(list)
    led_to = set()
    for source, target in edges:
        targets[source].append(target)
        led_to.add(target)
    tops = [box for box in boxes.values() if box.key not in led_to or box.column == 0]
    told: set[str] = set()
    waiting = deque(tops)
    told.update(box.key for box in tops)
    while waiting:
        box = waiting.popleft()
        for key in targets[box.key]:
            child = boxes[key]
            if key in told:
                box.children.append(Box(key, child.node, grant_id=child.grant_id, is_repeated=True))
            else:
                told.add(key)
                box.children.append(child)
                waiting.append(child)
    return tops
