"""What lists are sorted, searched and narrowed by (accounts/models/listing.py)."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations
from django.db.models import F, Index, Q
from django.db.models.functions import Coalesce, Collate, Lower, Upper


def _index(model_name: str, index: Index) -> migrations.AddIndex:
    return migrations.AddIndex(model_name, index)


class Migration(migrations.Migration):
    """Indexes only."""

    dependencies = [("accounts", "0008_ownership_through_applications")]
    operations = [
        _index("identity", Index(Collate(Lower("name"), "C"), F("id"), name="identity_by_name")),
        _index(
            "identity", GinIndex(fields=["email"], opclasses=["gin_trgm_ops"], name="identity_email_trigram")
        ),
        _index("identity", Index(fields=["open_findings", "id"], name="identity_by_findings")),
        _index(
            "identity",
            Index(
                F("environment"),
                Collate(Lower("name"), "C"),
                F("id"),
                condition=~Q(environment=""),
                name="identity_by_environment",
            ),
        ),
        _index(
            "identity",
            Index(
                Collate(Lower("name"), "C"),
                F("id"),
                condition=~Q(kind="human"),
                name="identity_machine_by_name",
            ),
        ),
        _index(
            "identity",
            Index(
                Collate(Lower("name"), "C"),
                F("id"),
                condition=Q(owner=None) & ~Q(kind="human") & ~Q(status="left"),
                name="identity_machine_unowned",
            ),
        ),
        _index("engagement", Index(Upper("number"), name="engagement_number_folded")),
        _index("account", Index(Collate(Lower("name"), "C"), F("id"), name="account_by_name")),
        _index("account", Index(F("system"), Collate(Lower("name"), "C"), F("id"), name="account_by_system")),
        _index("account", Index(fields=["created_at", "id"], name="account_by_age")),
        _index(
            "account",
            Index(
                fields=["kind"],
                condition=Q(kind__in=["shared", "emergency", "role"]),
                name="account_of_nobody",
            ),
        ),
        _index("account", Index(fields=["doubt"], condition=~Q(doubt=""), name="account_doubted")),
        _index(
            "account",
            GinIndex(
                fields=["name", "display_name", "email"],
                opclasses=["gin_trgm_ops"] * 3,
                name="account_trigram",
            ),
        ),
        _index(
            "entitlement",
            GinIndex(
                fields=["name", "plain_words"], opclasses=["gin_trgm_ops"] * 2, name="entitlement_trigram"
            ),
        ),
        _index(
            "grant",
            Index(fields=["ends_at", "id"], condition=Q(ends_at__isnull=False), name="grant_by_agreed_end"),
        ),
        _index(
            "credential",
            Index(
                OpClass(Lower("fingerprint"), name="text_pattern_ops"), name="credential_fingerprint_begins"
            ),
        ),
        _index("credential", Index(Coalesce("rotated_at", "created_at"), F("id"), name="credential_by_age")),
        _index("credential", Index(fields=["expires_at", "id"], name="credential_by_end")),
        _index("credential", Index(fields=["weakness"], condition=~Q(weakness=""), name="credential_weak")),
    ]
