"""Rights that were privileged before carry privilege; what groups bring is told by the next readings."""

from django.db import migrations

FORWARD = "UPDATE accounts_entitlement SET carries_privilege = true WHERE is_privileged"


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0003_inventory_in_depth")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
