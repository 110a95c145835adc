"""Canonical facts, cards and the Merkle root, by example tables."""

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from portal.audit import canonical, cards, merkle
from portal.audit.models import Card
from tests.factories import inventory

AT = datetime(2026, 10, 5, 14, 0, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "{}"),
        ({"b": 1, "a": None}, '{"a":null,"b":1}'),
        ({"a": True, "b": False}, '{"a":true,"b":false}'),
        ({"t": AT}, '{"t":"2026-10-05T14:00:00.000005Z"}'),
        ({"t": AT.astimezone(timezone(timedelta(hours=2)))}, '{"t":"2026-10-05T14:00:00.000005Z"}'),
        ({"d": date(2026, 10, 5)}, '{"d":"2026-10-05"}'),
        ({"u": UUID(int=1)}, '{"u":"00000000-0000-0000-0000-000000000001"}'),
        ({"b": b"\x00\xff"}, '{"b":"00ff"}'),
        ({"l": [1, {"z": 1, "y": 2}]}, '{"l":[1,{"y":2,"z":1}]}'),
        ({"s": {"b", "a"}}, '{"s":["a","b"]}'),
        ({"e": '€\n\u0007"\\/'}, '{"e":"€\\n\\u0007\\"\\\\/"}'),  # RFC 8785 §3.2.2.2
    ],
)
def test_bytes(facts: dict[str, object], expected: str) -> None:
    assert canonical.encode(facts) == expected.encode()


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), object(), gettext_lazy("Keep"), 1 + 2j])
def test_what_is_no_fact(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.encode({"x": value})


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        canonical.encode({"x": datetime(2026, 1, 1)})  # noqa: DTZ001 - that is the point


def test_many_rows_commit_to_count_and_order() -> None:
    rows = [{"n": 1}, {"n": 2}]
    assert canonical.digest_of_many(rows) == (2, hashlib.sha256(b'{"n":1}\n{"n":2}\n').digest())
    assert canonical.digest_of_many(rows[::-1])[1] != canonical.digest_of_many(rows)[1]


# Roots of RFC 6962's test tree (the leaves of certificate-transparency's merkletree test vectors).
LEAVES = [b"", b"\x00", b"\x10", b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_roots_of_the_published_tree(size: int) -> None:
    assert merkle.root(merkle.leaf_hash(leaf) for leaf in LEAVES[:size]).hex() == ROOTS[size]


def by_definition(hashes: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return merkle.node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


@given(st.integers(0, 300))
def test_streaming_is_the_definition(size: int) -> None:
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(size)]
    assert merkle.root(hashes) == by_definition(hashes)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["Ines Falk", 'quo"te \\ back', "tab\tnew\nline\x07", "€ ü 日本 😀", "</script>", ""]
)
def test_a_card_made_in_sql_is_the_card_made_in_python(name: str) -> None:
    names = canonical.encode({"kind": "human", "name": name}).decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_card('identity', 'x-1', %s)", [names])
        digest = bytes(cursor.fetchone()[0])
    card = Card.objects.get(digest=digest)
    expected = canonical.encode(
        {"id": "x-1", "names": {"kind": "human", "name": name}, "type": "identity", "v": 1}
    )
    assert card.body is not None
    assert card.salt is not None
    assert bytes(card.body) == expected
    assert canonical.commit(bytes(card.body), bytes(card.salt)) == digest
    assert cards.read(digest) == {"kind": "human", "name": name}


@pytest.mark.django_db
def test_an_erased_card_reads_as_nothing_and_its_digest_stays() -> None:
    identity = inventory.identity("Alex Berg")
    digest = bytes(identity.card or b"")
    cards.erase(digest)
    assert cards.read(digest) is None
    assert Card.objects.get(digest=digest).erased_at is not None


@pytest.mark.django_db
def test_the_same_name_gives_another_digest_each_time() -> None:
    assert cards.write("identity", 1, {"name": "A"}) != cards.write("identity", 1, {"name": "A"})
