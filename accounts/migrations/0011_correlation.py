"""What people said against proposals of correlation, and kinds of accounts said by hand."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Collate, Lower


class Migration(migrations.Migration):
    """One table, one column, and one index that holds only accounts with a proposal."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("accounts", "0010_feeds"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="kind_by_hand",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.CreateModel(
            name="CorrelationRefusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refusals",
                        to="accounts.account",
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refused_accounts",
                        to="accounts.identity",
                    ),
                ),
                (
                    "said_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("said_at", models.DateTimeField()),
            ],
        ),
        migrations.AddConstraint(
            model_name="correlationrefusal",
            constraint=models.UniqueConstraint(
                fields=("account", "identity"), name="correlation_refused_once"
            ),
        ),
        migrations.AddIndex(
            model_name="account",
            index=models.Index(
                Collate(Lower("name"), "C"),
                models.F("id"),
                condition=models.Q(("identity", None), models.Q(("claims", []), _negated=True)),
                name="account_claimed",
            ),
        ),
    ]
