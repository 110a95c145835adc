"""Rules of correlation to begin with."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Number and address link, as they always did; the others are not sure enough and propose.
RULES = [
    ("employee_number", "number", "", 100),
    ("email", "email", "", 95),
    ("name", "email_local", "adm-, svc-", 70),
    ("name", "first_last", "adm-, svc-", 60),
    ("display_name", "name", "", 60),
    ("name", "initial_last", "adm-, svc-", 50),
]


def seed(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    rules = apps.get_model("accounts", "CorrelationRule").objects
    if rules.exists():
        return
    for number, (of, to, strip, confidence) in enumerate(RULES, start=1):
        rules.create(of=of, to=to, strip=strip, confidence=confidence, position=number * 10)


class Migration(migrations.Migration):
    """Six rows, where there is none."""

    dependencies = [("accounts", "0012_who_is_who")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
