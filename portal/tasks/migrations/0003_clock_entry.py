from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_lease")]

    operations = [
        migrations.CreateModel(
            name="ClockEntry",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("ran_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
            ],
        ),
    ]
