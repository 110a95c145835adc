"""The port by which higher rooms say why somebody may see a row."""

from uuid import UUID

from django.db import models

from portal.ports import Port
from portal.users.models import User

# An answer is a queryset of keys of the model; `visible_to` ORs them as subqueries.
Reasons = Port[[User], "models.QuerySet[models.Model, object]"]


class ReasonsToSee:
    """`reasons_to_see[Model]` is the port of that model, made at its first use."""

    def __init__(self) -> None:
        self._ports: dict[type[models.Model], Reasons] = {}

    def __getitem__(self, model: type[models.Model]) -> Reasons:
        if model not in self._ports:
            self._ports[model] = Port(f"who may see {model._meta.label_lower}, and why")
        return self._ports[model]

    def all(self) -> dict[str, list[str]]:
        """Label of each model and who answers for it, for ARCHITECTURE.md and its test."""
        return {model._meta.label_lower: port.keys for model, port in sorted(self._ports.items(), key=str)}


reasons_to_see = ReasonsToSee()

# Which identity of the inventory has this address? Answered by `accounts`; None where it is not one alone.
identity_by_email: Port[[str], UUID | None] = Port("which identity has this address")
