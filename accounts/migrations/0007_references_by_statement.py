"""What accounts and grants refer to is checked once a statement, for all of its rows together.

PostgreSQL checks a foreign key row by row, which takes longer than writing the rows: six lookups and row locks
for each grant of an import of millions. Here a trigger joins the new rows to what they name and refuses the
statement where one is missing. That is as safe only because what they name stays for ever: a second trigger
refuses, to everybody, to delete it or to change its key. Both are ENABLE ALWAYS, like those of the log.
"""

import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION accounts_refuse_missing(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% refers to something that is not there', what USING ERRCODE = 'foreign_key_violation';
END $$;

-- EXECUTE plans each statement anew: a plan made for one row would be kept for a million.
CREATE FUNCTION accounts_account_refers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE missing boolean;
BEGIN
  EXECUTE 'SELECT EXISTS (SELECT FROM written w
    LEFT JOIN accounts_system s ON s.id = w.system_id LEFT JOIN accounts_importrun r ON r.id = w.first_run_id
    WHERE s.id IS NULL OR r.id IS NULL)' INTO missing;
  IF missing THEN PERFORM accounts_refuse_missing(TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION accounts_grant_refers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE missing boolean;
BEGIN
  EXECUTE 'SELECT EXISTS (SELECT FROM written w
    LEFT JOIN accounts_system s ON s.id = w.system_id LEFT JOIN accounts_importrun r ON r.id = w.known_from_run_id
    LEFT JOIN accounts_account a ON a.id = w.account_id
    LEFT JOIN accounts_entitlement e ON e.id = w.entitlement_id
    WHERE s.id IS NULL OR r.id IS NULL OR a.id IS NULL OR e.id IS NULL)' INTO missing;
  IF missing THEN PERFORM accounts_refuse_missing(TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

-- They hardly ever change, and then one by one; a transition table would be made for every UPDATE.
CREATE FUNCTION accounts_account_still_refers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounts_system WHERE id = NEW.system_id)
    OR NOT EXISTS (SELECT FROM accounts_importrun WHERE id = NEW.first_run_id)
  THEN PERFORM accounts_refuse_missing(TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION accounts_grant_still_refers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounts_system WHERE id = NEW.system_id)
    OR NOT EXISTS (SELECT FROM accounts_importrun WHERE id = NEW.known_from_run_id)
    OR NOT EXISTS (SELECT FROM accounts_account WHERE id = NEW.account_id)
    OR NOT EXISTS (SELECT FROM accounts_entitlement WHERE id = NEW.entitlement_id)
  THEN PERFORM accounts_refuse_missing(TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION accounts_refuse_leaving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: other rows refer to it', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'foreign_key_violation';
END $$;
"""
REFERRING = {
    "accounts_account": ("system_id", "first_run_id"),
    "accounts_grant": ("system_id", "account_id", "entitlement_id", "known_from_run_id"),
}
REFERRED = ("accounts_system", "accounts_importrun", "accounts_account", "accounts_entitlement")


def _statements() -> list[str]:
    made = [FUNCTIONS]
    for table, columns in REFERRING.items():
        changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in columns)
        made += [
            f"""CREATE TRIGGER {table}_refers AFTER INSERT ON {table} REFERENCING NEW TABLE AS written
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_refers()""",
            f"""CREATE TRIGGER {table}_still_refers AFTER UPDATE OF {", ".join(columns)} ON {table}
            FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION {table}_still_refers()""",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refers",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_still_refers",
        ]
    for table in REFERRED:
        made += [
            f"""CREATE TRIGGER {table}_stays BEFORE DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION accounts_refuse_leaving()""",
            f"""CREATE TRIGGER {table}_keeps_its_key BEFORE UPDATE OF id ON {table}
            FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION accounts_refuse_leaving()""",
            f"""CREATE TRIGGER {table}_stays_whole BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse_leaving()""",
            *(
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}"
                for name in ("stays", "keeps_its_key", "stays_whole")
            ),
        ]
    return made


def _back() -> list[str]:
    dropped = [
        f"DROP TRIGGER {table}_{name} ON {table}"
        for table in REFERRING
        for name in ("refers", "still_refers")
    ]
    dropped += [
        f"DROP TRIGGER {table}_{name} ON {table}"
        for table in REFERRED
        for name in ("stays", "keeps_its_key", "stays_whole")
    ]
    functions = [f"{table}_{name}()" for table in REFERRING for name in ("refers", "still_refers")]
    functions += ["accounts_refuse_leaving()", "accounts_refuse_missing(text)"]
    return [*dropped, f"DROP FUNCTION {', '.join(functions)}"]


def _reference(to: str, related_name: str = "+") -> "models.ForeignKey[models.Model, models.Model]":
    return models.ForeignKey(
        db_constraint=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=f"accounts.{to}",
    )


class Migration(migrations.Migration):
    """Their indexes stay."""

    dependencies = [("accounts", "0006_staging")]
    operations = [
        migrations.AlterField("account", "system", _reference("system", "accounts")),
        migrations.AlterField("account", "first_run", _reference("importrun")),
        migrations.AlterField("grant", "system", _reference("system", "grants")),
        migrations.AlterField("grant", "account", _reference("account", "grants")),
        migrations.AlterField("grant", "entitlement", _reference("entitlement", "grants")),
        migrations.AlterField("grant", "known_from_run", _reference("importrun")),
        migrations.RunSQL(tuple(_statements()), tuple(_back())),
    ]
