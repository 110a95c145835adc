"""Whatever arrives: nothing but `NotReadable` is raised, and what comes out is safe to store and to show."""

import json
import re
from io import BytesIO
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessions_app.formats import read, sniff
from sessions_app.formats.controls import Token, Tokenizer
from sessions_app.formats.events import Event, NotReadable, Reading, RecordingHeader
from sessions_app.formats.player import kept, playable
from sessions_app.formats.transcript import chunked, transcribe

V2 = b'{"version": 2, "width": 80, "height": 24}\n'
V3 = b'{"version": 3, "term": {"cols": 80, "rows": 24}}\n'
V1 = b'{"version": 1, "width": 80, "height": 24, "stdout": ['

values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
keys = st.sampled_from(["width", "height", "term", "title", "env", "timestamp", "duration", "stdout"])
headers = st.dictionaries(keys, values).map(lambda found: {"version": 2, **found})
codes = st.sampled_from(["o", "i", "m", "r", "x", "e", "Q", "", 5])
near_events = st.tuples(values | st.floats(0, 100), codes, values | st.text(max_size=9))
near_lines = (near_events | values).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)

# Characters of which control sequences are made, so that fragments meet and combine.
pieces = st.sampled_from(
    [
        *"[]P_\\?;5hlmncACDGHJK@Xbtq$ (0",
        "1049",
        "999",
        "52;c;",
        "text",
        "漢",
        "e\u0301",
        "\ud800",
        "\u202e",
        *"\x1b\x07\x18\x9b\x9d\x9c\x90\r\n\b\t\x00",
        "\x1b[",
        "\x1b]",
        "⟦",
    ]
)
outputs = st.lists(pieces, max_size=40).map("".join)


def drain(data: bytes) -> Reading | None:
    try:
        reading = read(BytesIO(data))
        if not isinstance(reading, Reading):
            reading.finish()
            return None
        events = list(reading)
    except NotReadable:
        return None
    check_texts(events, reading.header)
    summary = reading.summary()
    assert summary.duration >= 0
    assert all(event.at >= 0 for event in events)
    return reading


def check_texts(events: list[Event], header: RecordingHeader) -> None:
    text = "".join(chunk.text for chunk in chunked(transcribe(events, cols=header.cols)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    last = 0.0
    first, *lines = [json.loads(line) for line in playable(header, events)]
    assert set(first) == {"version", "width", "height"}
    for at, code, data in lines:
        assert at >= last
        assert code in {"o", "m", "r"}
        assert not re.search("[\x80-\x9f\ud800-\udfff]", data)
        last = at
    for value in (header.title, header.command, header.term, *header.env.values()):
        assert value is None or not re.search("[\x00\x1b\x9b\ud800-\udfff]", value)


@given(st.binary(max_size=300))
@example(b"\x1f\x8b")
@example(b"{")
@example(b"\xef\xbb\xbf{\xff")
def test_any_bytes(data: bytes) -> None:
    drain(data)
    sniff(data)


@given(st.sampled_from([V1, V2, V3]), st.binary(max_size=200))
def test_any_bytes_behind_a_header(header: bytes, data: bytes) -> None:
    drain(header + data)


@given(headers, st.lists(near_lines, max_size=8))
@settings(max_examples=200)
def test_lines_that_are_nearly_events(header: dict[str, object], lines: list[bytes]) -> None:
    drain(json.dumps(header).encode() + b"\n" + b"\n".join(lines))
    drain(V3 + b"\n".join(lines))
    drain(V1 + b",".join(lines) + b"]}")


@given(outputs, st.lists(st.integers(0, 60), max_size=4))
@settings(max_examples=300)
def test_event_borders_change_neither_transcript_nor_copy(output: str, cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(output)]
    parts = [output[start:end] for start, end in pairwise(borders)]
    whole = [Event(1.0, "o", output, 2)]
    split = [Event(1.0, "o", part, 2) for part in parts]
    header = RecordingHeader("asciicast", 2, 20, 5)
    check_texts(split, header)
    assert list(transcribe(whole, cols=20)) == list(transcribe(split, cols=20))

    def drawn(events: list[Event]) -> str:
        return "".join(json.loads(line)[2] for line in list(playable(header, events))[1:])

    assert drawn(whole) == drawn(split)


@given(outputs)
@settings(max_examples=300)
def test_the_copy_holds_listed_sequences_alone_and_copying_it_again_changes_nothing(output: str) -> None:
    def once(text: str) -> str:
        return "".join(kept(token) for token in Tokenizer().feed(text))

    copied = once(output)
    assert once(copied) == copied
    again = Tokenizer()
    tokens: list[Token] = [*again.feed(copied), *again.end()]
    assert not [token for token in tokens if token.kind == "string"]
    sequences = {token.marks + token.final for token in tokens if token.kind == "csi"}
    assert not sequences & set("nctqxyi")
