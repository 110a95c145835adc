"""Valid files that were changed at random: nothing but `NotReadable` is raised, and texts stay harmless."""

import json
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions_app.formats import auditd as auditd_format
from sessions_app.formats import auth_log as auth_log_format
from sessions_app.formats import (
    guacamole,
    plain_text,
    powershell,
    read,
    script_log,
    sniff,
    typescript,
    warpgate,
)
from sessions_app.formats import tlog as tlog_format
from sessions_app.formats import ttyrec as ttyrec_format
from sessions_app.formats.events import NotReadable, Reading
from sessions_app.formats.format import AnyReading
from sessions_app.formats.lines import DEFAULT_LIMITS, Source
from sessions_app.formats.parts import in_memory
from sessions_app.formats.player import playable
from sessions_app.formats.transcript import chunked, transcribe
from tests.formats import (
    test_auditd,
    test_auth_log,
    test_guacamole,
    test_powershell,
    test_tlog,
    test_warpgate,
)

DATA = Path(__file__).resolve().parents[1] / "data" / "formats"

pieces = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"\0" * 20, b"\xff", b"\xed\xa0\x80",
            b"\n", b"\r\n", b'"', b"\\ud800", b"{", b"]", b"9" * 30, b"-1",
            b"NaN",
            b"1e999", b",", b";", b"=", b"\x1b[2J", b"null", b"[" * 3000, b" " * 500, b"9999999.", b"x=",
        ]
    ),
)  # fmt: skip
changes = st.lists(
    st.tuples(st.sampled_from(["cut", "put", "replace", "double", "end"]), st.floats(0, 1), pieces),
    min_size=1,
    max_size=6,
)


def changed(data: bytes, found: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, piece in found:
        place = int(where * len(data))
        match kind:
            case "cut":
                data = data[:place] + data[place + 1 + 3 * len(piece) :]
            case "put":
                data = data[:place] + piece + data[place:]
            case "replace":
                data = data[:place] + piece + data[place + len(piece) :]
            case "double":
                data = data[:place] + data[max(0, place - 60) :]
            case _:
                data = data[:place]
    return data


def drain(reader: Callable[[], AnyReading]) -> None:
    try:
        reading = reader()
        found: list[Any] = list(reading)
        summary = reading.summary()
    except NotReadable:
        return
    assert summary.duration >= 0
    assert "hunter2" not in repr(summary.warnings)
    header = reading.header
    for value in (header.title, header.command, header.user, header.host, *header.facts.values()):
        assert value is None or not re.search("[\x00\x1b\x9b\ud800-\udfff]", value)
    if not isinstance(reading, Reading):
        shown = json.dumps(
            [asdict(one) for one in [*found, *reading.sessions]], default=str, ensure_ascii=False
        )
        assert not re.search(r"[\x9b\ud800-\udfff]|(?<!\\)(?:\\\\)*\\u00(?:00|1b)", shown)
        return
    text = "".join(chunk.text for chunk in chunked(transcribe(found, cols=header.cols)))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    assert list(playable(header, found))


TTYREC = b"".join(struct.pack("<III", 1_600_000_000 + n, n, 3) + b"abc" for n in range(9))
VALID: dict[str, tuple[Callable[[Source], AnyReading], bytes]] = {
    "typescript": (typescript.read, (DATA / "script-both.io").read_bytes()),
    "ttyrec": (ttyrec_format.read, TTYREC),
    "tlog": (tlog_format.read, test_tlog.lines(*[test_tlog.message(n) for n in (1, 2, 4)])),
    "tlog input": (tlog_format.read, (DATA / "tlog-input.json").read_bytes()),
    "guacamole": (guacamole.read, test_guacamole.recording(test_guacamole.instruction("key", 1, 1, 5))),
    "warpgate": (
        warpgate.read,
        test_warpgate.lines(test_warpgate.size(0.0, 80, 24), test_warpgate.data(1.0, "Output", b"abc")),
    ),
    "auditd": (
        auditd_format.read,
        b"node=a " + test_auditd.ran(1, b'argc=2 a0="cat" a1=6162') + test_auditd.ran(2, b'argc=1 a0="x"'),
    ),
    "auth_log": (
        auth_log_format.read,
        test_auth_log.lines(
            "web sshd[70]: Accepted password for bob from 192.0.2.2 port 5 ssh2",
            "web sudo: a : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls ; EXIT=2",
        ),
    ),
    "powershell": (
        powershell.read,
        (test_powershell.START + "PS C:\\>Get-Date\n>> x\n" + test_powershell.END).encode(),
    ),
    "plain_text": (plain_text.read, b"some words\nand more\n" * 5),
}


@pytest.mark.parametrize("name", VALID)
@given(found=changes)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_file(name: str, found: list[tuple[str, float, bytes]]) -> None:
    parser, valid = VALID[name]
    data = changed(valid, found)
    drain(lambda: parser(Source(BytesIO(data), DEFAULT_LIMITS)))
    drain(lambda: read(BytesIO(data)))
    sniff(data)


@given(changes, changes)
@settings(max_examples=200, deadline=None)
def test_a_changed_recording_of_several_files(
    timing: list[tuple[str, float, bytes]], output: list[tuple[str, float, bytes]]
) -> None:
    files = {
        "t.tm": changed((DATA / "script-streams.tm").read_bytes(), timing),
        "t.out": changed((DATA / "script-streams.out").read_bytes(), output),
        "t.in": (DATA / "script-streams.in").read_bytes(),
    }
    heads = {name: data[:65536] for name, data in files.items()}
    if script_log.recognises(heads):
        parts = {name: in_memory(name, data) for name, data in files.items()}
        drain(lambda: script_log.read(parts, DEFAULT_LIMITS))


@pytest.mark.parametrize("name", sorted(VALID.keys() - {"ttyrec"}))  # it ends where its frames do
def test_a_bomb_in_the_middle_is_stopped(name: str) -> None:
    parser, valid = VALID[name]
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(valid)]
    parts += [packer.compress(b"x" * 60_000 + b"\n") for _ in range(900)]
    bomb = b"".join([*parts, packer.flush()])
    with pytest.raises(NotReadable) as caught:
        list(parser(Source(BytesIO(bomb), DEFAULT_LIMITS)))
    assert caught.value.code in {"unpacks_too_much", "too_damaged", "line_too_long", "document_too_large"}
