"""What no export tells of a secret: where it is kept, and that somebody saw it who should not have."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Credential
from portal import moment
from portal.audit.services import Actor, record
from portal.audit.verbs import Verb


@transaction.atomic
def tell(
    credential: Credential, *, actor: Actor, storage: str | None = None, exposed_at: datetime | None = None
) -> Credential:
    """Say where a secret is kept, or since when others may know it; what is not said stays as it is.

    An exposure is over when a reading shows that the secret was changed after it. Never the secret itself.
    """
    locked = (
        Credential.objects.select_for_update(of=("self",)).select_related("account").get(pk=credential.pk)
    )
    if locked.gone_run_id is not None:
        raise ValidationError(_("This credential is gone."))
    if exposed_at is not None and exposed_at > moment.now():
        raise ValidationError({"exposed_at": _("An exposure has happened already, or it is none.")})
    said = {"storage": None if storage is None else storage.strip(), "exposed_at": exposed_at}
    changes: dict[str, Any] = {
        name: value for name, value in said.items() if value is not None and value != getattr(locked, name)
    }
    if not changes:
        return locked
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.clean_fields(exclude={field.name for field in Credential._meta.fields} - changes.keys())
    locked.save(update_fields=list(changes))
    facts: dict[str, object] = {
        "account": locked.account_id,
        "account_card": locked.account.card,
        "fields": sorted(changes),
    }
    if exposed_at is not None:
        facts["exposed_at"] = exposed_at
    record(Verb.CREDENTIAL_TOLD, locked, actor=actor, facts=facts)
    return locked
