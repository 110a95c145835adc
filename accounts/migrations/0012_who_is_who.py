"""Who is who: duplicates that were merged, and what HR readings said differently from those before."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

import portal.audit.models


class Migration(migrations.Migration):
    """One column, one table."""

    dependencies = [("accounts", "0011_correlation")]

    operations = [
        migrations.AddField(
            "identity",
            "merged_into",
            models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="accounts.identity",
            ),
        ),
        migrations.AddConstraint(
            "identity",
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(status="left") & ~Q(id=F("merged_into")),
                name="identity_merged_is_nobody_else",
            ),
        ),
        migrations.AddIndex(
            "identity",
            models.Index(
                fields=["merged_into"], condition=Q(merged_into__isnull=False), name="identity_merged"
            ),
        ),
        migrations.CreateModel(
            name="PersonChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.audit.models.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("joined", "joined"),
                            ("moved", "moved"),
                            ("left", "left"),
                            ("returned", "came back"),
                            ("ended", "still engaged"),
                            ("renamed", "unit renamed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=64)),
                (
                    "fields",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=8), default=list, size=None
                    ),
                ),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                ("people", models.PositiveIntegerField(default=1)),
                ("is_proposed", models.BooleanField(default=False)),
                ("dismissed_at", models.DateTimeField(blank=True, null=True)),
                ("dismissed_by_id", models.UUIDField(blank=True, null=True)),
                ("dismissed_because", models.CharField(blank=True, max_length=300)),
                (
                    "identity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="person_changes",
                        to="accounts.identity",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="person_changes",
                        to="accounts.importrun",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["run", "kind"], name="person_change_by_run"),
                    models.Index(
                        fields=["id"],
                        condition=Q(kind="left", is_proposed=True, dismissed_at=None),
                        name="person_change_proposed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["run", "kind", "identity"],
                        condition=Q(identity__isnull=False),
                        name="person_change_once_per_reading",
                    ),
                    models.CheckConstraint(
                        condition=Q(dismissed_at=None, dismissed_by_id=None, dismissed_because="")
                        | Q(dismissed_at__isnull=False, dismissed_by_id__isnull=False, is_proposed=True),
                        name="person_change_dismissal_names_who",
                    ),
                ],
            },
        ),
    ]
