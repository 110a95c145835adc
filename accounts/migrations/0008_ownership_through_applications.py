import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A leaver's deputy stands in for applications too, and a machine nobody needs may be a cause."""

    dependencies = [("accounts", "0007_references_by_statement")]
    operations = [
        migrations.AddField(
            model_name="application",
            name="stand_in",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="stands_in_for_applications",
                to="accounts.identity",
            ),
        ),
        migrations.AlterField(
            model_name="revocationcause",
            name="kind",
            field=models.CharField(
                choices=[
                    ("decision", "review decision"),
                    ("case", "offboarding"),
                    ("expiry", "agreed end"),
                    ("claim", "nobody needs it"),
                ],
                max_length=8,
            ),
        ),
    ]
