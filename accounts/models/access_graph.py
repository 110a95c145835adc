"""All that an identity's accounts reach: groups, roles, rights, accounts to act as, and what these reach.

One query walks it; what one person may not see of it is not walked. Nothing here knows how it is drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from accounts.models.account import Account
from accounts.models.entitlement import Entitlement, Grant
from portal.users.models import User
from portal.users.permissions import Perm

DEEPEST = 8  # steps from an account
MOST_STEPS = 5_000

STEPS = """
WITH RECURSIVE step AS (
  SELECT true AS is_account, a.id, NULL::boolean AS of_account, NULL::bigint AS of_id,
    NULL::bigint AS grant_id, false AS is_eligible, 0 AS depth
  FROM accounts_account a
  WHERE a.identity_id = %(identity)s AND a.gone_run_id IS NULL AND {account_is_seen}
  UNION
  SELECT n.is_account, n.id, s.is_account, s.id, n.grant_id, n.is_eligible, s.depth + 1
  FROM step s CROSS JOIN LATERAL (
    SELECT false AS is_account, g.entitlement_id AS id, g.id AS grant_id, g.is_eligible
    FROM accounts_grant g WHERE s.is_account AND g.account_id = s.id AND upper_inf(g.held) AND {grant_is_seen}
    UNION ALL
    SELECT false, i.child_id, NULL, false
    FROM accounts_inclusion i WHERE NOT s.is_account AND i.parent_id = s.id AND upper_inf(i.held)
    UNION ALL
    SELECT true, e.acts_as_id, NULL, false
    FROM accounts_entitlement e WHERE NOT s.is_account AND e.id = s.id AND e.acts_as_id IS NOT NULL) n
  WHERE s.depth < %(deepest)s)
SELECT is_account, id, of_account, of_id, grant_id, is_eligible FROM step LIMIT %(most)s
"""


class Edge(NamedTuple):
    """One thing leads to another; by a grant, where an account was given it."""

    source: str
    target: str
    grant_id: int | None
    is_eligible: bool


@dataclass(slots=True)
class Node:
    """An account or a right of any kind; an account without its key has no page for whoever asked."""

    key: str  # a12 is an account, e34 an entitlement
    kind: str  # account, or the kind of the entitlement
    name: str
    sub: str
    is_privileged: bool | None
    account_id: int | None = None
    entitlement_id: int | None = None
    targets: list[Edge] = field(default_factory=list)

    @property
    def is_account(self) -> bool:
        """Somebody can act by it."""
        return self.kind == "account"


@dataclass(slots=True)
class Graph:
    """What is reached, from the identity's own accounts on. `is_whole` is False where it was cut off."""

    nodes: dict[str, Node]
    roots: list[str]
    is_whole: bool

    def edges(self) -> Iterator[Edge]:
        """Every edge once."""
        for node in self.nodes.values():
            yield from node.targets


def graph_of(identity_id: UUID, user: User) -> Graph:
    """What the accounts of this identity reach now, as far as this person may see it; three queries."""
    told: dict[str, Any] = {"identity": identity_id, "deepest": DEEPEST, "most": MOST_STEPS + 1}
    seen = {"account_is_seen": "true", "grant_is_seen": "true"}
    if not user.may(Perm.INVENTORY_VIEW):
        accounts, grants = Account.objects.visible_to(user), Grant.objects.visible_to(user)
        seen["account_is_seen"] = f"a.id IN ({_embedded(accounts, 'a', told)})"
        seen["grant_is_seen"] = f"g.id IN ({_embedded(grants, 'g', told)})"
    with connection.cursor() as cursor:
        cursor.execute(STEPS.format(**seen), told)
        steps = cursor.fetchall()
    is_whole, steps = len(steps) <= MOST_STEPS, steps[:MOST_STEPS]
    graph = Graph({}, [], is_whole)
    _name(graph, {row[1] for row in steps if row[0]}, {row[1] for row in steps if not row[0]}, user)
    drawn = set()
    for is_account, key, of_account, of_id, grant_id, is_eligible in steps:
        target = _key(is_account, key)
        if of_id is None:
            graph.roots.append(target)
            continue
        edge = Edge(_key(of_account, of_id), target, grant_id, is_eligible)
        if edge not in drawn:  # what is reached by ways of different lengths comes more than once
            drawn.add(edge)
            graph.nodes[edge.source].targets.append(edge)
    return graph


def _name(graph: Graph, accounts: set[int], entitlements: set[int], user: User) -> None:
    rights = Entitlement.objects.filter(pk__in=entitlements).select_related("system")
    only = ("name", "plain_words", "kind", "is_privileged", "carries_privilege", "acts_as", "acts_as_name")
    called: dict[int, str] = {}
    for right in rights.only(*only, "system__code"):
        key = _key(False, right.pk)
        words = right.plain_words or right.system.code
        graph.nodes[key] = Node(key, right.kind, right.name, words, right.privilege, entitlement_id=right.pk)
        if right.acts_as_id:
            called[right.acts_as_id] = right.acts_as_name
    seen = Account.objects.visible_to(user).filter(pk__in=accounts).select_related("system")
    for account in seen.only("name", "kind", "system__code"):
        key = _key(True, account.pk)
        code = account.system.code
        graph.nodes[key] = Node(key, "account", account.name, code, None, account_id=account.pk)
    for pk in accounts:  # named by the right to act as it, and no more is to be seen of it
        key = _key(True, pk)
        graph.nodes.setdefault(key, Node(key, "account", called.get(pk, ""), "", None))


def _key(is_account: bool, pk: int) -> str:
    return f"{'a' if is_account else 'e'}{pk}"


def _embedded(rows: QuerySet[Any], prefix: str, told: dict[str, Any]) -> str:
    """The keys of these rows as a part of a statement with named parameters, which go to `told`."""
    try:
        statement, values = rows.values("pk").query.sql_with_params()
    except EmptyResultSet:  # the ORM knows already that there are none
        return "NULL"
    parts = statement.split("%s")
    names = [f"{prefix}{number}" for number in range(len(values))]
    told.update(zip(names, values, strict=True))
    return parts[0] + "".join(f"%({name})s{part}" for name, part in zip(names, parts[1:], strict=True))
