"""Cards of many rows in one statement; the function `audit_card` makes the same of one."""

# @…@ are expressions on a row of @rows@; @names@ is canonical JSON text.
CARDED = """card AS MATERIALIZED (
  SELECT key, salt, body, sha256(salt || body) AS digest FROM (
    SELECT @key@ AS key, uuid_send(gen_random_uuid()) AS salt,
      convert_to(format('{"id":%%s,"names":%%s,"type":"@kind@","v":1}', to_json((@key@)::text), @names@),
        'UTF8') AS body
    FROM @rows@) named),
kept AS (
  INSERT INTO audit_card (digest, type, subject_id, salt, body)
  SELECT digest, '@kind@', key::text, salt, body FROM card)"""


def with_cards(statement: str, kind: str, *, key: str, names: str, rows: str) -> str:
    """The statement with `@cards@` replaced by parts of its WITH: `card` (key, digest), each of them kept."""
    cards = CARDED
    for name, value in (("kind", kind), ("key", key), ("names", names), ("rows", rows)):
        cards = cards.replace(f"@{name}@", value)
    return statement.replace("@cards@", cards)
