"""Posting: in the transaction of the act, once for ever under one key."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import IntegrityError, transaction
from django_tasks_db.models import DBTaskResult

from portal import moment
from portal.outbox import services as outbox
from portal.outbox.models import Message

pytestmark = pytest.mark.django_db


def post(key: str = "CAM-2026-04/reminder/7/1", **changes: object) -> Message:
    """A reminder to Chiara."""
    given = {"to": "chiara@bank.example", "subject": "12 items wait for you", "body": "By 30 November."}
    return outbox.post(key, **{**given, **changes})  # type: ignore[arg-type]  # changes are of the same kinds


def test_a_message_is_queued_and_a_job_with_it() -> None:
    message = post()
    assert (message.state, message.attempts, message.transport) == (Message.State.QUEUED, 0, "mail")
    assert DBTaskResult.objects.get().task_path == "portal.outbox.tasks.deliver_due"


def test_posting_again_under_the_same_key_changes_nothing() -> None:
    assert post() == post(subject="something else")
    assert Message.objects.get().subject == "12 items wait for you"


def test_many_messages_need_one_job() -> None:
    for number in range(5):
        post(f"key/{number}")
    assert (Message.objects.count(), DBTaskResult.objects.count()) == (5, 1)


def test_nothing_is_posted_by_an_act_that_is_rolled_back() -> None:
    with transaction.atomic():
        post()
        transaction.set_rollback(True)
    assert not Message.objects.exists()
    assert not DBTaskResult.objects.exists()


def test_a_message_for_a_later_hour_waits_for_the_clock() -> None:
    post(due_at=moment.now() + timedelta(hours=1))
    assert not DBTaskResult.objects.exists()
    outbox.send_overdue(moment.now())
    assert not DBTaskResult.objects.exists()
    outbox.send_overdue(moment.now() + timedelta(hours=2))
    outbox.send_overdue(moment.now() + timedelta(hours=2))
    assert DBTaskResult.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "chiara"},
        {"to": "chiara@bank.example\nBcc: everyone@bank.example"},
        {"to": "a@bank.example, b@bank.example"},
        {"to": "Chiara <chiara@bank.example>"},
        {"subject": "12 items\nBcc: everyone@bank.example"},
        {"subject": "12 items\r\n\r\nanother body"},
        {"subject": "12 items\u2028Bcc: everyone@bank.example"},
    ],
)
def test_nothing_can_add_a_header_or_a_recipient(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        post(**wrong)
    assert not Message.objects.exists()


def test_an_unknown_transport_is_a_mistake_of_the_code() -> None:
    with pytest.raises(ImproperlyConfigured, match="no transport is called “pigeon”"):
        post(transport="pigeon")


def test_the_database_refuses_a_sent_message_without_its_time() -> None:
    message = post()
    with pytest.raises(IntegrityError, match="message_sent_has_its_time"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(state=Message.State.SENT)
