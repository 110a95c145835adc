"""Rows of the generic inventory CSV to records; memory grows by about thirty bytes a distinct key."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast, get_args

from accounts.connectors import tables, values
from accounts.connectors.connector import Options
from accounts.connectors.csv_accounts_columns import (
    ACCOUNT_KINDS,
    CREDENTIAL_KINDS,
    CREDENTIAL_OF_COLUMN,
    ELIGIBLE,
    ENTITLEMENT_KINDS,
    IDENTITY_KINDS,
    KIND_OF_COLUMN,
    RECORDS,
)
from accounts.connectors.csv_accounts_usual import Usual
from accounts.connectors.first_seen import FirstSeen
from accounts.connectors.records import (
    HINTS,
    Account,
    AccountKind,
    Credential,
    CredentialKind,
    Entitlement,
    EntitlementKind,
    Grant,
    IdentityKind,
    Record,
    Rejected,
)
from accounts.connectors.secret_names import normal
from accounts.connectors.tables import Row, Table
from accounts.connectors.values import Unclear

_ABOUT_ACCOUNT = (
    "display_name",
    "email",
    "employee_number",
    "identity",
    "identity_kind",
    "kind",
    "enabled",
    "disabled",
    "created",
    "last_login",
    *HINTS,
)
_ABOUT_ENTITLEMENT = (
    *("entitlement_name", "entitlement_kind", "description"),
    *("privileged", "because", "acts_as", "acts_on"),
)
_ABOUT_GRANT = ("since", "until", "expires", "last_used")
_ABOUT_CREDENTIAL = ("credential_kind", "enabled", "created", "rotated", "expires", "last_used")
_ANY_KIND = {**IDENTITY_KINDS, **ACCOUNT_KINDS}
_KINDS_OF_ACCOUNT = frozenset(get_args(AccountKind))


@dataclass(slots=True)
class _Draft:
    """What one row leaves behind if nothing in it is wrong."""

    records: list[Record] = field(default_factory=list)
    seen: list[tuple[FirstSeen, Hashable, Hashable]] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)  # only named
    entitlements: list[Entitlement] = field(default_factory=list)  # only named


class Inventory:
    """One file while it is read: what was described, what was only named."""

    def __init__(self, table: Table, at: Mapping[str, int], mapping: Options) -> None:
        self._table, self._at, self._mapping = table, at, mapping
        self._order, self._zone = values.order_of(mapping), values.zone_of(mapping)
        self._accounts, self._entitlements = FirstSeen(), FirstSeen()
        self._grants, self._credentials = FirstSeen(), FirstSeen()
        about = (_ABOUT_ACCOUNT, _ABOUT_ENTITLEMENT, _ABOUT_GRANT)
        self._usual = Usual(at, self._grants, about, order=self._order, zone=self._zone)
        self._named_accounts: dict[str, Account] = {}
        self._named_entitlements: dict[str, Entitlement] = {}
        self._hints = [hint for hint in HINTS if hint in at]
        self._account_places = self._places(_ABOUT_ACCOUNT)
        self._entitlement_places = self._places(_ABOUT_ENTITLEMENT)
        self._grant_places, self._credential_places = (
            self._places(_ABOUT_GRANT),
            self._places(_ABOUT_CREDENTIAL),
        )

    def records(self) -> Iterator[Record]:
        """Every record; a row that is rejected leaves none."""
        rows, width = 0, len(self._table.columns)
        for row in self._table:
            if len(row.cells) == width:
                rows += 1
            else:
                rows += row.counts
                if (refused := tables.ragged(row, self._table.columns)) is not None:
                    yield refused
                    continue
            if row.cells:
                try:
                    if (usual := self._usual.grant(row)) is not None:
                        yield usual
                        continue
                    draft = self._row(row)
                except Unclear as unclear:
                    yield Rejected(row.line, unclear.code, unclear.reason, row.excerpt)
                    continue
                self._remember(draft, row)
                yield from draft.records
        yield from (account for key, account in self._named_accounts.items() if key not in self._accounts)
        yield from (right for key, right in self._named_entitlements.items() if key not in self._entitlements)
        if (wrong := tables.wrong_total(self._table, rows)) is not None:
            yield wrong

    def _row(self, row: Row) -> _Draft:
        draft = _Draft()
        if "record" not in self._at:
            self._line(row, draft)
            return draft
        kind = values.word(self._cell(row, "record"), "record", RECORDS, self._mapping)
        if kind is None:
            raise Unclear(
                "unknown_word",
                "The row does not say what it is: write account, entitlement, grant or credential into the "
                "column “record”.",
            )
        if kind == "account":
            self._describe_account(row, draft, self._account_key(row), once=True)
        elif kind == "entitlement":
            self._describe_entitlement(row, draft, self._entitlement_key(row), once=True)
        elif kind == "grant":
            key, right = self._account_key(row), self._entitlement_key(row)
            self._name_account(row, draft, key)
            self._name_entitlement(row, draft, right)
            self._grant(row, draft, key, right)
        else:
            key = self._account_key(row)
            self._name_account(row, draft, key)
            self._credential(row, draft, key, may_repeat=False)
        return draft

    def _line(self, row: Row, draft: _Draft) -> None:
        """An inventory line: an account with what it holds."""
        key = self._account_key(row)
        self._describe_account(row, draft, key, once=False)
        has_right, has_credential = bool(self._text(row, "entitlement")), bool(self._text(row, "credential"))
        if has_right:
            right = self._entitlement_key(row)
            self._describe_entitlement(row, draft, right, once=False)
            self._grant(row, draft, key, right)
        elif self._text(row, "via"):
            raise Unclear(
                "missing_entitlement",
                "The row says through what something is held and not what. Name the entitlement.",
            )
        if has_credential:
            self._credential(row, draft, key, may_repeat=has_right)

    # what rows describe

    def _describe_account(self, row: Row, draft: _Draft, key: str, *, once: bool) -> None:
        content = tuple(row.cells[place] for place in self._account_places)
        if not once and self._account_places and not any(content):
            self._name_account(row, draft, key)
        elif self._is_new(self._accounts, key, content, f"The account {key}", once=once):
            draft.records.append(self._account(row, key))
            draft.seen.append((self._accounts, key, content))

    def _describe_entitlement(self, row: Row, draft: _Draft, key: str, *, once: bool) -> None:
        content = tuple(row.cells[place] for place in self._entitlement_places)
        if not once and self._entitlement_places and not any(content):
            self._name_entitlement(row, draft, key)
        elif self._is_new(self._entitlements, key, content, f"The entitlement {key}", once=once):
            draft.records.append(self._entitlement(row, key))
            draft.seen.append((self._entitlements, key, content))

    def _grant(self, row: Row, draft: _Draft, account: str, right: str) -> None:
        via = self._text(row, "via")
        content = tuple(row.cells[place] for place in self._grant_places)
        # What may be switched on is beside what is held: both may stand.
        is_eligible = values.word(self._cell(row, "eligible"), "eligible", ELIGIBLE, self._mapping) == "yes"
        key = (account, right, via, True) if is_eligible else (account, right, via)
        self._is_new(self._grants, key, content, f"That {account} holds {right}", once=True)
        starts_at, ends_at = self._moment(row, "since"), self._moment(row, "until")
        if ends_at is None and not self._text(row, "credential"):
            ends_at = self._moment(row, "expires")
        if starts_at and ends_at and ends_at < starts_at:
            raise Unclear(
                "ends_before_start",
                f"The end ({ends_at:%Y-%m-%d}) lies before the start ({starts_at:%Y-%m-%d}). Correct one of "
                "them.",
            )
        if via is not None:
            draft.entitlements.append(Entitlement(external_id=via, name=via, kind="group", line=row.line))
        draft.records.append(
            Grant(
                account=account,
                entitlement=right,
                line=row.line,
                via=via,
                starts_at=starts_at,
                ends_at=ends_at,
                last_used_at=self._moment(row, "last_used"),
                is_eligible=is_eligible,
            )
        )
        draft.seen.append((self._grants, key, content))

    def _credential(self, row: Row, draft: _Draft, account: str, *, may_repeat: bool) -> None:
        fingerprint = self._text(row, "credential")
        if fingerprint is None:
            raise Unclear(
                "missing_fingerprint",
                "The row names no credential. Give its public id: key id, serial or fingerprint, never the "
                "secret.",
            )
        kind = self._credential_kind(row)
        content = tuple(row.cells[place] for place in self._credential_places)
        if not self._is_new(
            self._credentials,
            (account, kind, fingerprint),
            content,
            f"The credential {fingerprint} of {account}",
            once=not may_repeat,
        ):
            return
        is_record = "record" in self._at
        draft.records.append(
            Credential(
                account=account,
                kind=kind,
                fingerprint=fingerprint,
                line=row.line,
                is_active=self._is_enabled(row) if is_record else None,
                created_at=self._moment(row, "created") if is_record else None,
                rotated_at=self._moment(row, "rotated"),
                expires_at=self._moment(row, "expires"),
                last_used_at=None if may_repeat else self._moment(row, "last_used"),
            )
        )
        draft.seen.append((self._credentials, (account, kind, fingerprint), content))

    # what rows only name

    def _name_account(self, row: Row, draft: _Draft, key: str) -> None:
        draft.accounts.append(Account(external_id=key, name=self._text(row, "account") or key, line=row.line))

    def _name_entitlement(self, row: Row, draft: _Draft, key: str) -> None:
        draft.entitlements.append(
            Entitlement(external_id=key, name=key, kind=self._kind_by_column(), line=row.line)
        )

    def _remember(self, draft: _Draft, row: Row) -> None:
        for seen, key, content in draft.seen:
            seen.note(key, row.line, content)
        if draft.records and isinstance(last := draft.records[-1], Grant):
            self._usual.learn(row, last)
        for account in draft.accounts:
            if account.external_id not in self._accounts:
                self._named_accounts.setdefault(account.external_id, account)
        for right in draft.entitlements:
            if right.external_id not in self._entitlements:
                self._named_entitlements.setdefault(right.external_id, right)

    # cells to values

    def _account(self, row: Row, key: str) -> Account:
        said = values.word(self._cell(row, "kind"), "kind", _ANY_KIND, self._mapping)
        kind = said if said in _KINDS_OF_ACCOUNT else None
        identity_kind = values.word(
            self._cell(row, "identity_kind"), "identity_kind", IDENTITY_KINDS, self._mapping
        )
        identity_kind = identity_kind or (said if kind is None else None)
        if kind is None and identity_kind not in (None, "human"):
            kind = "machine"
        use = "last_login"
        if (
            not self._text(row, use)
            and not self._text(row, "entitlement")
            and not self._text(row, "credential")
        ):
            use = "last_used"  # a line about the account alone
        last_used_at = self._moment(row, use)
        return Account(
            external_id=key,
            name=self._text(row, "account") or key,
            line=row.line,
            display_name=self._text(row, "display_name"),
            kind=cast("AccountKind | None", kind),
            identity_kind=cast("IdentityKind | None", identity_kind),
            identity_key=self._text(row, "identity"),
            employee_number=self._text(row, "employee_number"),
            email=self._text(row, "email"),
            is_enabled=self._is_enabled(row),
            created_at=self._moment(row, "created"),
            last_used_at=last_used_at,
            last_used_source=f"column {self._table.columns[self._at[use]]}" if last_used_at else None,
            hints=tuple([(hint, said) for hint in self._hints if (said := self._text(row, hint))]),
        )

    def _entitlement(self, row: Row, key: str) -> Entitlement:
        field_of_kind = (
            "kind" if "record" in self._at and not self._text(row, "entitlement_kind") else "entitlement_kind"
        )
        kind = values.word(self._cell(row, field_of_kind), field_of_kind, ENTITLEMENT_KINDS, self._mapping)
        is_privileged = values.yes_or_no(self._cell(row, "privileged"), "privileged")
        acts_as, acts_on = self._text(row, "acts_as"), self._text(row, "acts_on")
        because = self._words(row, "because")
        if is_privileged and because is None:
            because = "The system's own export marks it as privileged."
        return Entitlement(
            external_id=key,
            name=self._text(row, "entitlement_name") or key,
            line=row.line,
            kind=cast(
                "EntitlementKind", kind or ("act_as" if acts_as or acts_on else self._kind_by_column())
            ),
            plain_words=self._words(row, "description"),
            is_privileged=is_privileged,
            because=because,
            acts_as=acts_as,
            acts_on=acts_on,
        )

    def _credential_kind(self, row: Row) -> CredentialKind:
        column = (
            "kind" if "record" in self._at and not self._text(row, "credential_kind") else "credential_kind"
        )
        kind = values.word(self._cell(row, column), column, CREDENTIAL_KINDS, self._mapping)
        kind = kind or CREDENTIAL_OF_COLUMN.get(normal(self._table.columns[self._at["credential"]]))
        if kind is None:
            raise Unclear(
                "missing_kind",
                "The row does not say what kind of credential it is. Write one of: "
                f"{', '.join(get_args(CredentialKind))} into the column “credential kind”.",
            )
        return cast("CredentialKind", kind)

    def _kind_by_column(self) -> EntitlementKind:
        column = normal(self._table.columns[self._at["entitlement"]]) if "entitlement" in self._at else ""
        return cast("EntitlementKind", KIND_OF_COLUMN.get(column, "right"))

    def _is_enabled(self, row: Row) -> bool | None:
        enabled = values.yes_or_no(self._cell(row, "enabled"), "enabled")
        disabled = values.yes_or_no(self._cell(row, "disabled"), "disabled")
        if enabled is not None and enabled == disabled:
            raise Unclear(
                "contradiction", "The row says both enabled and disabled. Correct one of the two columns."
            )
        return enabled if enabled is not None else None if disabled is None else not disabled

    def _account_key(self, row: Row) -> str:
        key = self._text(row, "account_id" if "account_id" in self._at else "account")
        if key is None:
            raise Unclear(
                "missing_account", "The row names no account. Without one nobody can say whose it is."
            )
        return key

    def _entitlement_key(self, row: Row) -> str:
        key = self._text(row, "entitlement")
        if key is None:
            raise Unclear("missing_entitlement", "The row names no entitlement.")
        return key

    def _is_new(self, seen: FirstSeen, key: Hashable, content: Hashable, what: str, *, once: bool) -> bool:
        """True for something new; False for a repetition that is allowed; else the row is refused."""
        twin = seen.find(key, content)
        if twin is None:
            return True
        line, is_same = twin
        if not is_same:
            raise Unclear(
                "contradiction",
                f"{what} is already in line {line}, described differently. Make both rows agree.",
            )
        if once:
            raise Unclear("duplicate", f"{what} is already in line {line}. Remove one of the two rows.")
        return False

    def _moment(self, row: Row, name: str) -> datetime | None:
        return values.moment(self._cell(row, name), name, self._order, self._zone)

    def _text(self, row: Row, name: str) -> str | None:
        place = self._at.get(name)
        return None if place is None else values.text(row.cells[place])

    def _words(self, row: Row, name: str) -> str | None:
        return values.text(self._cell(row, name), values.WORDS_LIMIT)

    def _cell(self, row: Row, name: str) -> str:
        place = self._at.get(name)
        return "" if place is None else row.cells[place]

    def _places(self, names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self._at[name] for name in names if name in self._at)
