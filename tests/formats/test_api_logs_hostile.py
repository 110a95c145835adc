"""Logs of API calls and their JSON: changed at random, packed oddly, and longer than memory."""

import json
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions_app.formats import cloudtrail, k8s_audit, read, sniff, ssm, teleport_events, teleport_play
from sessions_app.formats.calls import Repeats
from sessions_app.formats.events import NotReadable, Tally
from sessions_app.formats.format import AnyReading
from sessions_app.formats.json_records import Wrappers, json_records
from sessions_app.formats.lines import DEFAULT_LIMITS, Limits, Source
from tests.formats import test_cloudtrail, test_k8s_audit, test_ssm, test_teleport
from tests.formats.test_flat_memory_of_formats import BOUND, SIZE, Endless, behind, blocks, peak_of
from tests.formats.test_hostile_files import changed, changes, drain

CALLS = [
    test_cloudtrail.assumed(0, "ASIAONE"),
    test_cloudtrail.event(1, userIdentity=test_cloudtrail.role("ASIAONE", "x")),
]
PLAY = [test_teleport.started(), test_teleport.shown(0, b"abc"), test_teleport.shown(1, b"\xc3\xa9")]
VALID: dict[str, tuple[Callable[[Source], AnyReading], bytes]] = {
    "cloudtrail": (cloudtrail.read, test_cloudtrail.delivered(*CALLS)),
    "cloudtrail lines": (cloudtrail.read, test_k8s_audit.lines(*CALLS)),
    "k8s_audit": (
        k8s_audit.read,
        test_k8s_audit.lines(
            test_k8s_audit.event(1), test_k8s_audit.container(2, "exec", "command=ls&stdin=true")
        ),
    ),
    "teleport_events": (
        teleport_events.read,
        test_teleport.lines(
            test_teleport.started(), test_teleport.event(1, "exec", "T3002I", command="ls", exitCode="0")
        ),
    ),
    "teleport_play": (teleport_play.read, test_teleport.played(*PLAY)),
    "ssm": (ssm.read, test_ssm.lines(test_ssm.message(1, "$ ls", "a"), test_ssm.message(2, "b"))),
    "ssm text": (ssm.read, b"sh-4.2$ id\r\n\x1b[1muid\x1b[0m\r\n" * 4),
}
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("\ud800\x1b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", VALID)
@given(found=changes)
@settings(max_examples=200, deadline=None)
def test_a_changed_file(name: str, found: list[tuple[str, float, bytes]]) -> None:
    parser, valid = VALID[name]
    data = changed(valid, found)
    drain(lambda: parser(Source(BytesIO(data), DEFAULT_LIMITS)))
    drain(lambda: read(BytesIO(data)))
    sniff(data)


def replaced(value: Any, places: Iterator[int], other: Any) -> Any:
    """The same JSON with one of its values, deep inside, being another."""
    if next(places) == 0:
        return other
    if isinstance(value, dict):
        return {key: replaced(inner, places, other) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, places, other) for inner in value]
    return value


@pytest.mark.parametrize("name", [name for name in VALID if name != "ssm text"])
@given(place=st.integers(1, 60), other=values)
@settings(max_examples=200, deadline=None)
def test_a_value_of_another_kind(name: str, place: int, other: Any) -> None:
    parser, valid = VALID[name]
    if valid.startswith((b"[", b'{"Records"')):
        whole = json.loads(valid)
    else:
        whole = [json.loads(line) for line in valid.splitlines()]
    data = json.dumps(replaced(whole, iter(range(place, -10_000, -1)), other)).encode()
    drain(lambda: parser(Source(BytesIO(data), DEFAULT_LIMITS)))


def numbered_calls(make: Callable[[int], dict[str, Any]], key: str) -> Callable[[int], bytes]:
    return lambda number: json.dumps({**make(number % 60), key: str(number)}).encode()


CLOUDTRAIL = numbered_calls(test_cloudtrail.event, "eventID")
K8S = numbered_calls(test_k8s_audit.event, "auditID")
TELEPORT = numbered_calls(lambda number: test_teleport.event(number, "exec", "T3002I"), "uid")
MAKERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "cloudtrail": lambda: behind(b'{"Records":[', blocks(lambda number: CLOUDTRAIL(number) + b",")),
    "k8s_audit": lambda: blocks(lambda number: K8S(number) + b"\n"),
    "teleport_events": lambda: behind(b"[", blocks(lambda number: TELEPORT(number) + b",\n")),
    "teleport_play": lambda: behind(
        test_teleport.lines(test_teleport.started()),
        blocks(lambda number: test_teleport.lines(test_teleport.shown(number - 1, b"x" * 60, ms=number))),
    ),
    "ssm": lambda: blocks(lambda number: test_ssm.lines(test_ssm.message(number % 60, "x" * 60))),
    "ssm text": lambda: blocks(lambda _: b"sh-4.2$ id\r\nuid=1001\r\n"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_memory_is_flat(name: str) -> None:
    def drain_all() -> int:
        reading = read(Endless(MAKERS[name]()))  # type: ignore[arg-type]  # a stream is read from, no more
        assert reading.header.format == name.split(maxsplit=1)[0]
        return sum(1 for _ in reading)

    found, peak = peak_of(drain_all)
    assert found >= SIZE // 70_000
    assert peak < BOUND


@pytest.mark.parametrize("name", VALID)
def test_a_bomb_is_stopped(name: str) -> None:
    parser, valid = VALID[name]
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(valid)]
    parts += [packer.compress(b"x" * 60_000 + b"\n") for _ in range(900)]
    bomb = b"".join([*parts, packer.flush()])
    with pytest.raises(NotReadable) as caught:
        list(parser(Source(BytesIO(bomb), DEFAULT_LIMITS)))
    assert caught.value.code in {"unpacks_too_much", "too_damaged", "line_too_long"}


def objects(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[list[Any], dict[str, int]]:
    tally = Tally()
    found = [one.value for one in json_records(Source(BytesIO(data), limits), tally, Wrappers("Records"))]
    return found, dict(tally.summary().warning_counts)


@pytest.mark.parametrize(
    ("data", "found", "notices"),
    [
        (b'{"a":1}', [{"a": 1}], {}),
        (b'[{"a":"]}\\"{"},{"b":[{"c":{}}]}]', [{"a": ']}"{'}, {"b": [{"c": {}}]}], {}),
        (b'{"Records":[{"a":1}],"Records":[{"a":2}]}', [{"a": 1}, {"a": 2}], {"duplicate_key": 1}),
        (b'{"x":{"y":1},"z":null,"Records":[{"a":1}],"o":{"b":2},"p":"q","r":[{}],"n":5}', [{"a": 1}], {}),
        (b'[{"a":1},{"b" 2},{"c":3}]', [{"a": 1}, {"c": 3}], {"bad_json": 1}),
        (b'[1,"two",{"a":1},null]', [{"a": 1}], {"not_an_object": 3}),
        (b'[[{"a":1}]]]]}}', [{"a": 1}], {}),
        (b'[{"a":1},{"b":"', [{"a": 1}], {"truncated": 1}),
        (b'[{"a":1},{"b":"\\', [{"a": 1}], {"truncated": 1}),
        (b'[{"a":1}', [{"a": 1}], {"truncated": 1}),
        (b'{"a":1}\0\0\n\x1e{"a":2}\n', [{"a": 1}, {"a": 2}], {}),
        (b'[{"a":"\xff"}]', [{"a": "\ufffd"}], {"wrong_encoding": 1}),
        (b"[" * 100, [], {"nested_too_deep": 1, "truncated": 1}),
        (b"", [], {}),
    ],
)
def test_objects_out_of_json(data: bytes, found: list[Any], notices: dict[str, int]) -> None:
    assert objects(data) == (found, notices)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_borders_of_blocks_change_nothing(sizes: list[int]) -> None:
    data = b'{"m":{"n":"{","o":{"p":{}}},"Records":[{"a":"x\\"]"},{"b":"\xc3\xa9"}],"k":[1,2]}'

    class Pieces(BytesIO):
        """Reads a little at a time."""

        def read(self, _size: int | None = -1, /) -> bytes:
            sizes.append(sizes.pop(0))
            return super().read(sizes[-1])

    tally = Tally()
    found = [one.value for one in json_records(Source(Pieces(data)), tally, Wrappers("Records"))]
    assert found == [{"a": 'x"]'}, {"b": "é"}]
    assert tally.summary().warning_counts == {}


def test_many_small_mistakes_take_no_long_time() -> None:
    with pytest.raises(NotReadable) as caught:
        objects(b"[" + b"1," * 500_000)
    assert caught.value.code == "too_damaged"
    found, _ = objects(b'{"Records":[{"a":1}],' + b'"b":1,' * 100_000 + b"}")
    assert found == [{"a": 1}]


def test_repeats_are_told_among_the_last() -> None:
    repeats = Repeats(size=3)
    assert [repeats.is_new(name) for name in "abacdab"] == [True, True, False, True, True, False, False]
    assert [repeats.is_new(name) for name in "efghij"] == [True] * 6
    assert repeats.is_new("a")
