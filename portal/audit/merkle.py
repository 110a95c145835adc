"""The Merkle tree hash of RFC 9162 §2.1.1, used for the population of a campaign. Plain Python.

Leaves enter as their data; a leaf's hash is SHA-256(0x00 ‖ data), a node's SHA-256(0x01 ‖ left ‖ right),
the empty tree's SHA-256 of nothing.
"""

import hashlib
from collections.abc import Iterable


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, streaming: memory is one hash per level of the tree."""
    stack: list[tuple[int, bytes]] = []  # (height, hash), heights strictly falling
    for leaf in leaf_hashes:
        height, node = 0, leaf
        while stack and stack[-1][0] == height:
            node = node_hash(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
    if not stack:
        return hashlib.sha256().digest()
    # RFC 9162 splits at the largest power of two below n, so what is left folds from the right.
    _, folded = stack.pop()
    while stack:
        folded = node_hash(stack.pop()[1], folded)
    return folded
