"""Feeds: how the last pull went, which classes of provenance there are, and one inbox for one source."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns, words and one constraint."""

    dependencies = [
        ("accounts", "0009_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="pull_begun_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="pull_tried_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="source",
            name="pull_trouble",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="provenance",
            field=models.CharField(
                choices=[
                    ("pulled", "pulled by the portal"),
                    ("signed", "pushed and signed by the system"),
                    ("pushed", "pushed with a token"),
                    ("inbox", "taken from the inbox"),
                    ("uploaded", "uploaded by hand"),
                ],
                default="uploaded",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                condition=models.Q(("inbox", ""), _negated=True),
                fields=("inbox",),
                name="source_inbox_is_of_one_source",
            ),
        ),
    ]
