from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0003_clock_entry")]

    operations = [
        migrations.CreateModel(
            name="Told",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
