"""What the runtime role may do, granted from `portal/tables.py` after each migration.

Privileges stop the runtime role; triggers that are ENABLE ALWAYS stand behind them and also stop the
owner and a session in replica mode. (A superuser can still drop a trigger: that is what the signed
tree is for.)
"""

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from portal import tables

Q = sql.Identifier


def after_migrate(sender: AppConfig, using: str, **_: object) -> None:
    """Run once per `migrate`, after the last app, on the owner's connection."""
    if sender.label == "audit":
        apply(connections[using])


def apply(connection: BaseDatabaseWrapper) -> None:
    """Grant and freeze every table of the schema; safe to repeat."""
    runtime = str(settings.DATABASES["default"]["USER"])
    owner = str(connection.settings_dict["USER"])
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        if runtime and runtime != owner:
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(Q(runtime)))
            cursor.execute(
                sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(Q(runtime))
            )
            for table in sorted(present):
                cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(Q(table), Q(runtime)))
                cursor.execute(
                    sql.SQL("GRANT {} ON {} TO {}").format(_privileges(table), Q(table), Q(runtime))
                )
        for table in sorted(present & (tables.APPEND_ONLY | tables.ERASABLE)):
            _trigger(cursor, table, "BEFORE UPDATE OR DELETE")
            _trigger(cursor, table, "BEFORE TRUNCATE", suffix="truncate", level="STATEMENT")
        for table in sorted(present & tables.EVIDENCE.keys()):
            columns = {
                column.name for column in connection.introspection.get_table_description(cursor, table)
            }
            frozen = sorted(columns - tables.EVIDENCE[table])
            events = sql.SQL("BEFORE DELETE OR UPDATE OF {}").format(sql.SQL(", ").join(map(Q, frozen)))
            _trigger(cursor, table, events)
            _trigger(cursor, table, "BEFORE TRUNCATE", suffix="truncate", level="STATEMENT")


def _privileges(table: str) -> sql.Composable:
    if table in tables.APPEND_ONLY | tables.ERASABLE:
        return sql.SQL("SELECT, INSERT")
    if table in tables.EVIDENCE:
        columns = sql.SQL(", ").join(map(Q, sorted(tables.EVIDENCE[table])))
        return sql.SQL("SELECT, INSERT, UPDATE ({})").format(columns)
    if table == "django_migrations":
        return sql.SQL("SELECT")
    if table in tables.DELETABLE or table.startswith(tables.DELETABLE_PREFIXES):
        return sql.SQL("SELECT, INSERT, UPDATE, DELETE")
    return sql.SQL("SELECT, INSERT, UPDATE")


def _trigger(
    cursor: object, table: str, events: str | sql.Composable, *, suffix: str = "change", level: str = "ROW"
) -> None:
    name = f"{table}_no_{suffix}"
    when = sql.SQL(events) if isinstance(events, str) else events
    statement = sql.SQL(
        "CREATE OR REPLACE TRIGGER {name} {when} ON {table} FOR EACH {level} "
        "EXECUTE FUNCTION portal_refuse_change();"
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
    ).format(name=Q(name), when=when, table=Q(table), level=sql.SQL(level))
    cursor.execute(statement)  # type: ignore[attr-defined]  # Django's cursor wrapper has no public type
