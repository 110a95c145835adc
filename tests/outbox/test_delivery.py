"""Delivery: each message once, failures again and later, and no failure in the way of others."""

import smtplib
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from pytest_django import Settings

from portal import moment
from portal.outbox import delivery
from portal.outbox import services as outbox
from portal.outbox.models import Message
from portal.tasks.testing import drain
from portal.testing.databases import CommittedDatabase

Refuse = Callable[[str, Exception], None]


class RefusingBackend(EmailBackend):
    """A mail server that has something against some addresses."""

    refused: dict[str, Exception] = {}

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        for message in messages:
            if error := self.refused.get(message.to[0]):
                raise error
        return super().send_messages(messages)


@pytest.fixture
def refuse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Have the mail server refuse an address."""
    monkeypatch.setattr(RefusingBackend, "refused", {})
    settings.EMAIL_BACKEND = f"{__name__}.RefusingBackend"

    def add(address: str, error: Exception) -> None:
        RefusingBackend.refused[address] = error

    return add


def post(key: str, to: str = "chiara@bank.example") -> Message:
    """A short message."""
    return outbox.post(key, to=to, subject="3 items wait for you", body="By 30 November.")


@pytest.mark.django_db
def test_a_message_is_sent_once(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "The portal <portal@bank.example>"
    message = post("a")
    assert drain() == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["chiara@bank.example"], message.subject, message.body)
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    message.refresh_from_db()
    assert (message.state, message.attempts) == (Message.State.SENT, 1)
    assert message.sent_at is not None
    assert delivery.deliver_due() == 0
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_second_copy_would_have_the_same_id_and_another_message_would_not(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "portal@bank.example"
    first, other = post("a"), post("b")
    delivery.deliver(first)
    Message.objects.filter(pk=first.pk).update(state=Message.State.QUEUED, sent_at=None)
    delivery.deliver(first)
    delivery.deliver(other)
    ids = [message.extra_headers["Message-ID"] for message in mail.outbox]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@bank.example>")


@pytest.mark.django_db
def test_what_fails_is_tried_again_later_and_stops_no_other(refuse: Refuse) -> None:
    refuse("gone@bank.example", smtplib.SMTPServerDisconnected("try later"))
    failing, fine = post("a", "gone@bank.example"), post("b")
    assert delivery.deliver_due() == 1
    failing.refresh_from_db()
    fine.refresh_from_db()
    assert (failing.state, failing.attempts, fine.state) == (Message.State.QUEUED, 1, Message.State.SENT)
    assert failing.last_error == "SMTPServerDisconnected: try later"
    assert timedelta(minutes=1) < failing.due_at - moment.now() <= delivery.BACKOFF
    RefusingBackend.refused.clear()
    with moment.simulated(moment.now() + timedelta(minutes=3)):
        assert delivery.deliver_due() == 1
    failing.refresh_from_db()
    assert (failing.state, failing.attempts, failing.last_error) == (Message.State.SENT, 2, "")


@pytest.mark.django_db
def test_the_waits_grow_and_the_attempts_end(refuse: Refuse) -> None:
    refuse("gone@bank.example", ConnectionRefusedError("no mail server"))
    message = post("a", "gone@bank.example")
    waits = []
    while message.state == Message.State.QUEUED:
        with moment.simulated(message.due_at):
            before = message.due_at
            assert delivery.deliver_due() == 0
        message.refresh_from_db()
        waits.append(message.due_at - before)
    assert (message.state, message.attempts) == (Message.State.FAILED, delivery.ATTEMPTS)
    assert waits == [min(delivery.BACKOFF * 2**n, delivery.LONGEST_WAIT) for n in range(delivery.ATTEMPTS)]


@pytest.mark.django_db
def test_an_address_that_the_server_refuses_for_good_is_not_tried_again(refuse: Refuse) -> None:
    refuse(
        "nobody@bank.example", smtplib.SMTPRecipientsRefused({"nobody@bank.example": (550, b"no such user")})
    )
    message = post("a", "nobody@bank.example")
    delivery.deliver_due()
    message.refresh_from_db()
    assert (message.state, message.attempts) == (Message.State.FAILED, 1)
    assert message.last_error == "Undeliverable: the mail server refuses the address (550)"


@pytest.mark.django_db
def test_an_address_that_the_server_refuses_for_now_is(refuse: Refuse) -> None:
    refuse("full@bank.example", smtplib.SMTPRecipientsRefused({"full@bank.example": (452, b"mailbox full")}))
    message = post("a", "full@bank.example")
    delivery.deliver_due()
    message.refresh_from_db()
    assert message.state == Message.State.QUEUED


@pytest.mark.django_db
def test_a_message_whose_workers_were_killed_comes_back_and_ends_some_day() -> None:
    message = post("a")
    for _ in range(delivery.ATTEMPTS):
        message.refresh_from_db()
        assert delivery.claim(message.due_at) == message, "claimed, and then the worker is killed"
    message.refresh_from_db()
    with moment.simulated(message.due_at):
        assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.last_error) == (
        Message.State.FAILED,
        "Undeliverable: every attempt was cut short",
    )
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_message_of_a_transport_that_is_gone_says_so() -> None:
    message = post("a")
    Message.objects.update(transport="pigeon")
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert message.last_error == "Undeliverable: no transport is called “pigeon”"


def test_two_workers_send_each_message_once(committed_db: CommittedDatabase) -> None:
    for number in range(20):
        post(f"key/{number}")
    sent: list[int] = []
    together = threading.Barrier(3)

    def work() -> None:
        try:
            together.wait()
            sent.append(delivery.deliver_due())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(sent), sum(sent), len(mail.outbox)) == (3, 20, 20)
    assert not Message.objects.queued().exists()
