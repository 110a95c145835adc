"""Room on each page of the last-use table, so that an update stays on it (HOT) and writes no index."""

from django.db import migrations


class Migration(migrations.Migration):
    """Storage only."""

    dependencies = [("accounts", "0001_inventory")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_grantuse SET (fillfactor = 70)",
            "ALTER TABLE accounts_grantuse RESET (fillfactor)",
        )
    ]
