"""Which column holds which field: by the source's own mapping, else by the names that systems use."""

from collections.abc import Mapping, Sequence

from accounts.connectors.connector import Options
from accounts.connectors.records import Unreadable
from accounts.connectors.secret_names import is_secret_name, normal
from accounts.connectors.tables import Table

Aliases = Mapping[str, tuple[str, ...]]  # field -> column names in the form of `normal`, the likeliest first


def aliases(table: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """`{"email": "e-mail | mail"}` with every name in normal form."""
    return {
        field: tuple(dict.fromkeys(normal(name) for name in names.split("|")))
        for field, names in table.items()
    }


def resolve(table: Table, known: Aliases, mapping: Options, options: Sequence[str]) -> dict[str, int]:
    """The place of every field that has a column. A column with a secret's name is never one."""
    at = _mapped(table, known, mapping, options)
    names = {
        normal(name): place
        for place, name in reversed(list(enumerate(table.columns)))
        if name and not is_secret_name(name)
    }
    taken = set(at.values())
    for field, candidates in known.items():
        if field in at:
            continue
        for candidate in candidates:
            place = names.get(candidate)
            if place is not None and place not in taken:
                at[field] = place
                taken.add(place)
                break
    return at


def require(table: Table, at: Mapping[str, int], groups: Sequence[tuple[str, ...]]) -> None:
    """Every group needs one of its fields. Unknown columns are not named: without a header they are data."""
    missing = [group for group in groups if not any(field in at for field in group)]
    if not missing:
        return
    wanted = "; ".join(" or ".join(group) for group in missing)
    recognised = ", ".join(f"{table.columns[place]} ({field})" for field, place in at.items()) or "none"
    unknown = [str(place + 1) for place in range(len(table.columns)) if place not in at.values()]
    raise Unreadable(
        "wrong_columns",
        f"The header in line {table.header.line} has no column for: {wanted}. Recognised: {recognised}. Not "
        f"recognised: column {', '.join(unknown[:20]) or 'none'}. Check that this is the right file and that "
        "its first row names the columns, or map the field to a column.",
        table.header.line,
    )


def _mapped(table: Table, known: Aliases, mapping: Options, options: Sequence[str]) -> dict[str, int]:
    at: dict[str, int] = {}
    places = {normal(name): place for place, name in reversed(list(enumerate(table.columns))) if name}
    for field, column in mapping.items():
        if field in options or ":" in field:
            continue
        if field not in known:
            raise Unreadable(
                "unknown_field",
                f"The mapping names the field “{field[:40]}”, which this format does not have. Its fields "
                f"are: {', '.join(known)}.",
            )
        place = table.columns.index(column) if column in table.columns else places.get(normal(column))
        if place is None:
            raise Unreadable(
                "mapped_column_missing",
                f"The mapping expects the column “{column[:80]}” for {field}, and the file has none of that "
                "name. Correct the mapping or the export.",
                table.header.line,
            )
        if is_secret_name(table.columns[place]):
            raise Unreadable(
                "mapped_secret",
                f"The column “{column[:80]}”, mapped to {field}, is named like a secret and is never kept. "
                "Rename it if it holds none.",
                table.header.line,
            )
        at[field] = place
    return at
