"""What accounts and grants refer to is there and stays, although no foreign key checks it row by row."""

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, Grant
from portal.testing.databases import CommittedDatabase
from tests.factories import inventory

pytestmark = pytest.mark.django_db


def test_an_account_names_a_system_and_a_reading_that_are_there() -> None:
    account = inventory.account(inventory.system("CORE"))
    for field in ("system_id", "first_run_id"):
        other = Account.objects.get(pk=account.pk)
        other.pk, other.external_id = None, field
        setattr(other, field, "019ab000-0000-7000-8000-000000000001")
        with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
            other.save(force_insert=True)
        with pytest.raises(IntegrityError, match="not there"), transaction.atomic():
            Account.objects.filter(pk=account.pk).update(**{field: "019ab000-0000-7000-8000-000000000001"})


@pytest.mark.parametrize("field", ["account_id", "entitlement_id", "system_id", "known_from_run_id"])
def test_one_row_that_names_nothing_refuses_the_statement(field: str) -> None:
    system = inventory.system("CORE")
    account = inventory.account(system)
    made = inventory.grant(account, inventory.entitlement(system))
    rows = [Grant.objects.get(pk=made.pk) for _ in range(3)]
    for row in rows:
        row.pk, row.entitlement = None, inventory.entitlement(system)
    setattr(
        rows[1], field, "019ab000-0000-7000-8000-000000000001" if "run" in field or "sys" in field else 999
    )
    with pytest.raises(IntegrityError, match="accounts_grant refers to something that is not there"):
        Grant.objects.bulk_create(rows)


def test_nobody_takes_away_what_is_referred_to(committed_db: CommittedDatabase) -> None:
    account = inventory.account(inventory.system("CORE"))
    inventory.grant(account, inventory.entitlement(account.system))
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        for table in ("accounts_account", "accounts_entitlement", "accounts_importrun", "accounts_system"):
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is refused"):
                owner.execute(f"DELETE FROM {table}")
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is refused"):
                owner.execute(f"TRUNCATE {table} CASCADE")
        for table, key in (("accounts_account", "id + 1000"), ("accounts_system", "gen_random_uuid()")):
            with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is refused"):
                owner.execute(f"UPDATE {table} SET id = {key}")


def test_no_session_setting_switches_it_off(committed_db: CommittedDatabase) -> None:
    with psycopg.connect(committed_db.owner_url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        account = inventory.account(inventory.system("CORE"))
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            owner.execute("DELETE FROM accounts_account WHERE id = %s", [account.pk])
    assert connection.settings_dict["NAME"] == committed_db.name
