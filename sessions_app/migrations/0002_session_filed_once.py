"""A session that is delivered twice is one session, also when both deliveries come at the same moment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0001_sessions")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="filing",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
    ]
