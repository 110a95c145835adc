"""The numbers of SES-0001, SES-0002 …: a sequence, so that no delivery waits for another's."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0002_session_filed_once")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE sessions_app_session_number", "DROP SEQUENCE sessions_app_session_number"
        ),
    ]
