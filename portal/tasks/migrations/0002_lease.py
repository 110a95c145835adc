from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_progress")]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("task_id", models.UUIDField(primary_key=True, serialize=False)),
                ("worker", models.CharField(blank=True, max_length=64)),
                ("seen_at", models.DateTimeField(db_default=Now())),
            ],
            options={"indexes": [models.Index(fields=["seen_at"], name="lease_by_sign")]},
        ),
    ]
