"""Records of a Kubernetes inventory: accounts, roles and groups first, then who is bound to what.

What a file only names is an account or entitlement too, as far as its name tells: never a silent loss.
"""

import re
from collections import Counter
from collections.abc import Iterator

from accounts.connectors.kubernetes.groups import BUILT_IN, MASTERS, built_in_groups, group_words
from accounts.connectors.kubernetes.kinds import (
    ACCOUNT_PREFIX,
    Binding,
    Group,
    Named,
    Person,
    Role,
    ServiceAccount,
    Subject,
    TokenSecret,
    service_account_of,
)
from accounts.connectors.kubernetes.objects import Inventory
from accounts.connectors.kubernetes.roles import Bound, Roles, bound_by
from accounts.connectors.kubernetes.rules import Judgement
from accounts.connectors.records import (
    Account,
    Credential,
    Entitlement,
    Grant,
    Inclusion,
    Mark,
    Record,
)

_MAIL = re.compile(r"[^@\s:]{1,64}@[^@\s:]{1,190}\.[A-Za-z]{2,24}")
# Users that are parts of Kubernetes itself.
_COMPONENTS = frozenset(
    {
        *("system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy"),
        *("system:apiserver", "system:kube-apiserver", "system:cloud-controller-manager"),
        *("system:kube-aggregator", "system:bootstrapper"),
    }
)
ANONYMOUS = "system:anonymous"


class Records:
    """The records of one inventory, and what its header has to say about them."""

    def __init__(self, read: Inventory, *, is_full: bool) -> None:
        self._read, self._is_full = read, is_full
        self._bindings = read.of(Binding)
        self._roles = Roles(read.of(Role), self._bindings)
        self._accounts: dict[str, Account] = {}
        self._groups: dict[str, int] = {}  # name -> line
        self._brought: dict[str, dict[Bound, int]] = {}  # group -> roles that it brings -> line
        self._judged_groups: dict[str, Judgement] = {}
        self.missing: dict[Bound, int] = {}
        self.absent_accounts: list[str] = []
        self.repeated = 0  # rights that more than one binding gives
        self.silent_groups: Counter[str] = Counter()
        self._bind()
        self._know_accounts()

    def records(self) -> Iterator[Record]:
        """What was rejected, then entitlements and accounts, then what names them."""
        yield from self._read.rejected
        yield from self._role_records()
        yield from self._group_records()
        yield from self._accounts.values()
        yield from self._inclusions()
        yield from self._grants()
        for one in self._read.of(TokenSecret):
            yield _credential(one)

    def _bind(self) -> None:
        for binding in self._bindings:
            bound = bound_by(binding)
            if self._roles.definition(bound) is None:
                self.missing.setdefault(bound, binding.at.line)
            for subject in binding.subjects:
                if subject.kind == "Group":
                    self._groups.setdefault(subject.name, binding.at.line)
                    self._brought.setdefault(subject.name, {}).setdefault(bound, binding.at.line)
        for group in self._read.of(Group):
            self._groups[group.at.name] = group.at.line

    def _know_accounts(self) -> None:
        for one in self._read.of(ServiceAccount):
            self._know(_service_account(one))
        for person in self._read.of(Person):
            self._know(_user(person.at.name, person.at.line, person))
        for binding in self._bindings:
            for subject in binding.subjects:
                if subject.kind == "User":
                    self._know(_user(subject.name, binding.at.line, None))
                elif subject.kind == "ServiceAccount":
                    self._know_absent(subject.namespace, subject.name, binding.at.line)
        for group in self._read.of(Group):
            for member in group.members:
                of = service_account_of(member)
                if of is None:
                    self._know(_user(member, group.at.line, None))
                else:
                    self._know_absent(*of, group.at.line)
        for token in self._read.of(TokenSecret):
            self._know_absent(token.at.namespace, token.account, token.at.line)
        if self._group_judgement("system:unauthenticated").is_privileged:
            self._know(_user(ANONYMOUS, self._groups["system:unauthenticated"], None))

    def _know(self, account: Account) -> None:
        self._accounts.setdefault(account.external_id, account)

    def _know_absent(self, namespace: str, name: str, line: int) -> None:
        """A service account that is bound or has a token, and that the file does not have as an object."""
        key = account_id(namespace, name)
        if key not in self._accounts:
            self.absent_accounts.append(f"{namespace}/{name}")
            self._accounts[key] = Account(
                external_id=key,
                name=key,
                line=line,
                display_name=f"{namespace}/{name}",
                kind="machine",
                identity_kind="workload",
                identity_key=f"{namespace}/{name}",
                # In a full list it does not exist, so nobody signs in as it until somebody makes it.
                is_enabled=False if self._is_full else None,
                hints=(("namespace", namespace),),
            )

    def _role_records(self) -> Iterator[Record]:
        told = set(self._roles.defined)
        for bound, role in self._roles.defined.items():
            yield self._roles.entitlement(bound, role.at.line)
        for binding in self._bindings:
            bound = bound_by(binding)
            if bound not in told:
                told.add(bound)
                yield self._roles.entitlement(bound, binding.at.line)

    def _group_records(self) -> Iterator[Record]:
        for name, line in self._groups.items():
            judged = self._group_judgement(name)
            yield Entitlement(
                external_id=f"group/{name}",
                name=name,
                kind="group",
                line=line,
                plain_words=group_words(name),
                is_privileged=judged.is_privileged,
                because=judged.because,
                reach=judged.reach,
                marks=judged.marks,
            )

    def _group_judgement(self, name: str) -> Judgement:
        if name not in self._judged_groups:
            self._judged_groups[name] = self._judge_group(name)
        return self._judged_groups[name]

    def _judge_group(self, name: str) -> Judgement:
        """A group is as privileged as the strongest role that it brings; one of Kubernetes' own by itself."""
        if name == MASTERS.name:
            return MASTERS.judgement
        judged = [(bound, self._roles.judgement(bound)) for bound in self._brought.get(name, {})]
        for wanted in (True, None):
            for bound, judgement in judged:
                if judgement.is_privileged is wanted:
                    marks: tuple[Mark, ...] = ("open_trust",) if wanted and name in BUILT_IN else ()
                    return Judgement(wanted, f"Through {bound.key}: {judgement.because}", marks)
        if not judged:
            return Judgement(False, "No binding of the file gives it anything.")
        return Judgement(False, "Nothing that it brings is privileged.")

    def _inclusions(self) -> Iterator[Record]:
        for bound, role in self._roles.defined.items():
            for part in self._roles.parts(role):
                child = Bound(is_cluster_role=True, name=part.at.name, namespace="")
                yield Inclusion(parent=bound.key, child=child.key, line=role.at.line)
        for name, brought in self._brought.items():
            for bound, line in brought.items():
                yield Inclusion(parent=f"group/{name}", child=bound.key, line=line)

    def _grants(self) -> Iterator[Record]:
        given: set[tuple[str, str]] = set()
        for account, entitlement, line in (*self._bound_accounts(), *self._members()):
            if (account, entitlement) in given:
                self.repeated += 1
            else:
                given.add((account, entitlement))
                yield Grant(account=account, entitlement=entitlement, line=line)

    def _bound_accounts(self) -> Iterator[tuple[str, str, int]]:
        for binding in self._bindings:
            for subject in binding.subjects:
                if subject.kind != "Group":
                    yield _account_of(subject), bound_by(binding).key, binding.at.line

    def _members(self) -> Iterator[tuple[str, str, int]]:
        for group in self._read.of(Group):
            for member in group.members:
                yield member, f"group/{group.at.name}", group.at.line
        yield from self._built_in_memberships()

    def _built_in_memberships(self) -> Iterator[tuple[str, str, int]]:
        """Who Kubernetes puts into its own groups by itself, where that matters.

        Groups that hold everybody are told once, in a note, unless what they bring is privileged.
        """
        for account in self._accounts.values():
            for name in built_in_groups(account.external_id):
                if name not in self._brought:
                    continue
                if name in BUILT_IN and not self._group_judgement(name).is_privileged:
                    self.silent_groups[name] += 1
                else:
                    yield account.external_id, f"group/{name}", account.line


def account_id(namespace: str, name: str) -> str:
    """How the cluster itself calls a service account, in its audit log and as a user."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def _account_of(subject: Subject) -> str:
    return account_id(subject.namespace, subject.name) if subject.kind == "ServiceAccount" else subject.name


def _service_account(one: ServiceAccount) -> Account:
    at: Named = one.at
    key = account_id(at.namespace, at.name)
    return Account(
        external_id=key,
        name=key,
        line=at.line,
        display_name=f"{at.namespace}/{at.name}",
        kind="machine",
        identity_kind="workload",
        identity_key=f"{at.namespace}/{at.name}",
        created_at=at.created_at,
        hints=one.hints,
    )


def _user(name: str, line: int, person: Person | None) -> Account:
    """A user is whatever name the sign-in gives; parts of Kubernetes are known by theirs."""
    is_component = name in _COMPONENTS or name.startswith("system:node:")
    is_mail = _MAIL.fullmatch(name) is not None and not name.endswith(".gserviceaccount.com")
    return Account(
        external_id=name,
        name=name,
        line=line,
        display_name=person.full_name if person is not None else None,
        kind="machine" if is_component else "shared" if name == ANONYMOUS else None,
        identity_kind="workload" if is_component else None,
        identity_key=name if is_component else None,
        email=name if is_mail else None,
        created_at=person.at.created_at if person is not None else None,
    )


def _credential(one: TokenSecret) -> Credential:
    where = f"{one.at.namespace}/{one.at.name}"
    return Credential(
        account=account_id(one.at.namespace, one.account),
        kind="token",
        fingerprint=one.uid or where,
        line=one.at.line,
        is_active=not one.is_invalid,
        created_at=one.at.created_at,
        last_used_at=one.last_used_at,
        storage=f"Kubernetes Secret {where}",
        weakness="never expires and is bound to no pod",
    )
