"""The functions behind append-only tables, cards and erasure."""

from django.db import migrations

FORWARD = r"""
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- Refuses every change; only the erasing functions below open the door, and only for their own statement.
CREATE FUNCTION portal_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('audit_payload', 'audit_card')
     AND current_setting('portal.erasing', true) = 'on' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% on % is refused: evidence is never altered', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

-- A card made where the row is: salted, kept, and its digest returned. `names` is canonical JSON text.
CREATE FUNCTION audit_card(type text, subject text, names text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  salt bytea := uuid_send(gen_random_uuid());
  body bytea := convert_to(format('{"id":%s,"names":%s,"type":%s,"v":1}',
                                  to_json(subject)::text, names, to_json(type)::text), 'UTF8');
  digest bytea := sha256(salt || body);
BEGIN
  INSERT INTO audit_card (digest, type, subject_id, salt, body) VALUES (digest, type, subject, salt, body);
  RETURN digest;
END $$;

CREATE FUNCTION audit_erase(event bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM set_config('portal.erasing', 'on', true);
  UPDATE audit_payload SET salt = NULL, body = NULL, facts = NULL, erased_at = now() WHERE event_id = event;
  PERFORM set_config('portal.erasing', 'off', true);
END $$;

CREATE FUNCTION audit_erase_card(which bytea) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM set_config('portal.erasing', 'on', true);
  UPDATE audit_card SET salt = NULL, body = NULL, erased_at = now() WHERE digest = which;
  PERFORM set_config('portal.erasing', 'off', true);
END $$;
"""

BACKWARD = """
DROP FUNCTION audit_erase_card(bytea); DROP FUNCTION audit_erase(bigint);
DROP FUNCTION audit_card(text, text, text); DROP FUNCTION portal_refuse_change() CASCADE;
"""


class Migration(migrations.Migration):
    """SQL functions; needs no right beyond the owner's (both extensions are trusted)."""

    dependencies = [("audit", "0001_log")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
