"""YAML of any format: what is cut, what stays where it was, and nodes that know their lines."""

import pytest

from accounts.connectors.admit_yaml import admit_yaml
from accounts.connectors.records import Unreadable
from accounts.connectors.yaml_items import YamlMap, plain, yaml_items

AWKWARD = """\
a: &x
  password: &p hunter2
  b: [ "ghp_abcdefghijklmnopqrstuvwxyz0123456789", ok ] # hunter2
c: *x
harmless: *p
token: !!str | # hunter2
   hunter2
   more
env:
  - {name: DB_PASSWORD, value: hunter2}
  - {name: OK, value: fine}
"api key":
  - hunter2
  - k: hunter2
pin: !!int 4711
? secret
: hunter2
ghp_abcdefghijklmnopqrstuvwxyz0123456789: x
password_required: true
last: line
"""


def admitted(text: str) -> tuple[str, dict[str, int]]:
    pieces: list[bytes] = []
    kept = admit_yaml(text, pieces.append)
    return b"".join(pieces).decode(), {one.name: one.count for one in kept.cut}


def test_values_under_secret_names_and_secrets_themselves_are_cut_where_they_stand() -> None:
    text, cut = admitted(AWKWARD)
    assert not any(secret in text for secret in ("hunter2", "4711", "ghp_"))
    assert {"password", "token", "DB_PASSWORD", "api key", "pin", "secret", "comment", "a key"} <= cut.keys()
    (item,) = yaml_items(text)
    assert plain(item.node) == {
        "a": {"password": None, "b": [None, "ok"]},
        "c": {"password": None, "b": [None, "ok"]},
        "harmless": None,  # it was the password, by another name
        "token": None,
        "env": [{"name": "DB_PASSWORD", "value": None}, {"name": "OK", "value": "fine"}],
        "api key": [None, {"k": None}],
        "pin": None,
        "secret": None,
        "cut-1": None,
        "password_required": True,
        "last": "line",
    }
    assert text.split("\n")[19] == "last: line"


def test_what_has_nothing_to_cut_stays_as_it_is() -> None:
    text = "a: [1, 'two']\r\n---\r\nb: |\r\n  three\r\n"
    assert admitted(text) == (text, {})


def test_nodes_know_their_lines_and_words_their_kind() -> None:
    text = "kind: List\nitems:\n- a: 1\n  b: 01\n- c: 'true'\n  d: yes\n---\n\nlast: true\n"
    found = [(item.line, item.is_element, plain(item.node)) for item in yaml_items(text, streamed="items")]
    assert found == [
        (3, True, {"a": 1, "b": "01"}),
        (5, True, {"c": "true", "d": "yes"}),
        (1, False, {"kind": "List", "items": []}),
        (9, False, {"last": True}),
    ]


def test_a_merged_mapping_gives_way_to_what_is_written() -> None:
    (item,) = yaml_items("base: &b {a: 1, c: 2}\nmade:\n  <<: *b\n  a: 3\n")
    assert isinstance(item.node, YamlMap)
    made = item.node.get("made")
    assert made is not None
    assert plain(made) == {"a": 3, "c": 2}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\n\na: 2\n", "duplicate_key", 3),
        ("a: {b: 1, b: 2}\n", "duplicate_key", 1),
        ("\na: !!python/name:os.system x\n", "unknown_tag", 2),
        ("a: &b {c: *b}\n", "unknown_alias", 1),
        ("<<: [1]\n", "not_yaml", 1),
        ("a: 'b\n", "truncated", 1),
        ("a: b\n c: d\n", "not_yaml", 2),
    ],
)
def test_what_readers_would_understand_differently_is_refused(text: str, code: str, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        list(yaml_items(text))
    assert (refused.value.code, refused.value.line) == (code, line)
