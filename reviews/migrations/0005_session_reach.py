"""A campaign may be about who can open privileged sessions, and nothing else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reviews", "0004_finding_order_and_evaluations")]
    operations = [
        migrations.AddField(
            "campaign",
            "session_reach",
            models.BooleanField(db_default=False, default=False, verbose_name="session reach only"),
        )
    ]
