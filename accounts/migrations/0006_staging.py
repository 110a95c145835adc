"""A schema for the rows of readings that wait to be applied: the one place where the runtime role makes tables."""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def make(_: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """The runtime role may make tables in it, and owns only those."""
    runtime = editor.quote_name(str(settings.DATABASES["default"]["USER"]))
    editor.execute("CREATE SCHEMA IF NOT EXISTS staging")
    editor.execute(f"GRANT USAGE, CREATE ON SCHEMA staging TO {runtime}")


class Migration(migrations.Migration):
    """No table of the portal is in it."""

    dependencies = [("accounts", "0005_privileged_carries_privilege")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
