"""Evidence is never altered: the portal's own connection is refused, and the owner is stopped by triggers."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import DatabaseError

from portal.audit.models import Event, Payload
from portal.audit.services import PORTAL, record
from portal.audit.verbs import Verb
from tests.factories import inventory

pytestmark = pytest.mark.django_db

FROZEN = [
    "audit_event",
    "audit_payload",
    "audit_card",
    "reviews_decision",
    "reviews_signoff",
    "reviews_evidencelink",
    "reviews_shown",
]


@pytest.mark.parametrize("table", FROZEN)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_runtime_role_is_refused(table: str, statement: str) -> None:
    column = connection.introspection.get_table_description(connection.cursor(), table)[0].name
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement.format(table, column, column))


def test_runtime_role_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_roles r ON r.oid = relowner WHERE rolname = current_user"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False)


def test_an_act_outside_a_transaction_is_refused(committed_db: object) -> None:
    subject = inventory.system("CORE")
    with pytest.raises(transaction.TransactionManagementError):
        record(Verb.SYSTEM_CREATED, subject, actor=PORTAL, facts={})
    assert Event.objects.about(subject).count() == 0


def test_erasing_a_payload_keeps_the_event() -> None:
    subject = inventory.system("CORE")
    event = record(Verb.SYSTEM_CREATED, subject, actor=PORTAL, facts={"code": "CORE"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_erase(%s)", [event.pk])
    payload = Payload.objects.get(pk=event.pk)
    assert (payload.body, payload.facts, payload.salt) == (None, None, None)
    assert payload.erased_at is not None
    assert Event.objects.get(pk=event.pk).commitment == event.commitment


def test_erasing_opens_no_door_for_the_runtime_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL portal.erasing = 'on'")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("UPDATE audit_payload SET body = NULL")
