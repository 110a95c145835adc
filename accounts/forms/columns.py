"""What the columns of a table mean: one choice for each, beside its first values, before anything is kept.

Values and names that may be secrets are not shown, and a column that is named like one can't be chosen.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from django import forms
from django.utils.translation import gettext as _

from accounts.connectors import csv_accounts, csv_accounts_columns, hr_csv, tables, xlsx
from accounts.connectors.columns import Aliases, resolve
from accounts.connectors.connector import Connector
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name
from accounts.connectors.secret_values import holds_secret
from accounts.connectors.tables import Table

MOST = 200  # columns that are shown
ROWS = 3
_LONG = 60  # characters of a value that are shown


@dataclass(frozen=True, slots=True)
class Mappable:
    """A format whose columns may have any name: its fields by usual names, and which it can't do without."""

    fields: Aliases
    needs: tuple[tuple[str, ...], ...]
    options: tuple[str, ...]

    @property
    def needed(self) -> str:
        """The fields it can't do without, in words."""
        return "; ".join(_(" or ").join(map(words, group)) for group in self.needs)


MAPPABLE: Mapping[str, Mappable] = {
    hr_csv.KEY: Mappable(hr_csv.FIELDS, hr_csv.NEEDS, hr_csv.OPTIONS),
    csv_accounts.KEY: Mappable(csv_accounts_columns.FIELDS, csv_accounts.NEEDS, csv_accounts.OPTIONS),
}
PEOPLE, ACCOUNTS = hr_csv.KEY, csv_accounts.KEY


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file that is not kept yet."""

    name: str
    key: str  # of the form's field that says what it means
    values: tuple[str, ...]
    is_secret: bool
    recognised: str  # the field that its name stands for by itself

    @property
    def shown(self) -> str:
        """Its name. Without a header the first row stands here, and may hold anything."""
        return _("(not shown)") if holds_secret(self.name) else self.name[:_LONG]


class ColumnTable:
    """The columns of one uploaded table, and the choices for them."""

    def __init__(self, table: Table, kind: Mappable) -> None:
        self.kind = kind
        recognised = _recognised(table, kind)
        rows = list(_first(table))
        self.columns = [
            Column(
                name,
                f"column_{hashlib.sha256(name.encode()).hexdigest()[:12]}",
                () if is_secret_name(name) else tuple(_safe(row[place]) for row in rows),
                is_secret_name(name),
                recognised.get(place, ""),
            )
            for place, name in enumerate(table.columns[:MOST])
            if name
        ]

    def fields(self) -> Iterator[tuple[str, forms.ChoiceField]]:
        """A choice for every column that may be read."""
        needed = {field for group in self.kind.needs for field in group}
        every = [
            (field, _("%(field)s (needed)") % {"field": words(field)} if field in needed else words(field))
            for field in self.kind.fields
        ]
        for column in self.columns:
            if not column.is_secret:
                usual = _("as recognised: %(field)s") % {"field": words(column.recognised)}
                label = _("Meaning of the column “%(name)s”") % {"name": column.shown}
                yield (
                    column.key,
                    forms.ChoiceField(
                        label=label,
                        required=False,
                        choices=[("", usual if column.recognised else _("not used")), *every],
                        widget=forms.Select(attrs={"aria-label": label}),
                    ),
                )

    def mapping(self, given: Mapping[str, str]) -> dict[str, str]:
        """`{field: column}` as it was chosen. Raises ValueError with the field that two columns claim."""
        found: dict[str, str] = {}
        for column in self.columns:
            if field := given.get(column.key, ""):
                if field in found:
                    raise ValueError(field)
                found[field] = column.name
        return found


class ColumnsForm(forms.Form):
    """A form with one file: if that is a table, what its columns mean can be said."""

    table: ColumnTable | None = None
    chosen: Mapping[str, str] = {}  # field -> column, once it is clean

    def add_columns(self, format_key: str) -> None:
        """A field for each column of the file that was sent, if this format takes any columns."""
        file, kind = self.files.get("file") if self.is_bound else None, MAPPABLE.get(format_key)
        if file is None or kind is None:
            return
        head = xlsx.beginning(cast(BinaryIO, file), self.data.get("sheet") or None)
        table = tables.beginning(head, self.data.get("encoding") or None)
        if table is not None:
            self.table = ColumnTable(table, kind)
            self.fields.update(self.table.fields())

    @property
    def column_rows(self) -> list[tuple[Column, forms.BoundField | None]]:
        """Each column with the choice of what it means; none for one that is cut."""
        shown = self.table.columns if self.table is not None else []
        return [(one, None if one.is_secret else self[one.key]) for one in shown]

    def say_columns(self) -> None:
        """What was said of the columns, each field once."""
        try:
            self.chosen = self.table.mapping(self.cleaned_data) if self.table is not None else {}
        except ValueError as twice:
            said = _("Two columns can’t both be “%(field)s”.") % {"field": words(str(twice))}
            self.add_error(None, said)


def fields_of(connector: Connector) -> list[tuple[str, bool]]:
    """The fields that a column may be said to be, each with whether the format can't do without it."""
    kind = MAPPABLE.get(connector.key)
    needed = {field for group in kind.needs for field in group} if kind is not None else set()
    return [(field, field in needed) for field in connector.fields]


def words(field: str) -> str:
    """A field's name as people read it."""
    return field.replace("_", " ")


def _recognised(table: Table, kind: Mappable) -> dict[int, str]:
    return {place: field for field, place in resolve(table, kind.fields, {}, kind.options).items()}


def _first(table: Table) -> Iterator[list[str]]:
    """A few whole rows; what is cut off by the end of the beginning is not one."""
    rows = iter(table)
    found = 0
    try:
        row = next(rows, None)
        while row is not None and found < ROWS:
            following = next(rows, None)
            if following is not None and row.cells and tables.fits(row, table.columns):
                found += 1
                yield row.cells
            row = following
    except Unreadable:
        return


def _safe(cell: str) -> str:
    said = cell.strip()
    if holds_secret(said):
        return _("(not shown)")
    return said if len(said) <= _LONG else f"{said[:_LONG]}…"
