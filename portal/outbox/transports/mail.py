"""Mail, through Django's e-mail backend: plain text, one recipient."""

import hashlib
import re
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from portal.outbox.models import Message
from portal.outbox.transports.base import Undeliverable

TIMEOUT_SECONDS = 20
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


class Mail:
    """A `Transport`."""

    def check(self, to: str, subject: str) -> None:
        """One plain address, and a subject that can't begin a header of its own (RFC 5322 folding)."""
        validate_email(to)
        if CONTROL.search(subject):
            raise ValidationError(_("a mail's subject is one line"))

    def send(self, message: Message) -> None:
        """Send. A second copy has the same Message-ID (RFC 5322); it wants no automatic answer (RFC 3834)."""
        digest = hashlib.sha256(message.key.encode()).hexdigest()[:32]
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
        mail = EmailMessage(
            subject=message.subject,
            body=message.body,
            to=[message.to],
            headers={"Message-ID": f"<{digest}@{domain}>", "Auto-Submitted": "auto-generated"},
            connection=get_connection(timeout=TIMEOUT_SECONDS),
        )
        try:
            mail.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _reason in error.recipients.values()]
            if codes and all(code >= 500 for code in codes):
                raise Undeliverable(f"the mail server refuses the address ({codes[0]})") from error
            raise
