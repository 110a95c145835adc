"""Whom a right to act as somebody acts as, and where: its words are read here, for everybody who asks.

Some files name account and place apart, some in one word ("root@core01", "oracle on core02"), and some say
nothing but a name for the right itself.
"""

from typing import Final

# "All", "ALL except root", "all servers", "*": no account or place in particular.
EVERYWHERE: Final = r"^(all|any|every|\*)([^a-z0-9]|$)"

# Beside `accounts_entitlement e`: `said.whom` and `said.place` (folded). Where neither account nor place is
# named and no account was found, the right's own name is taken for what it says, and `cut.by_title` is true.
SAID: Final = """
  CROSS JOIN LATERAL (
    SELECT e.acts_as_id IS NULL AND e.acts_on_name = '' AND e.acts_as_name = '' AS by_title,
      CASE WHEN e.acts_on_name = '' AND (e.acts_as_name <> '' OR e.acts_as_id IS NULL) THEN regexp_match(
        coalesce(nullif(e.acts_as_name, ''), e.name), '^\\s*([^@]+?)\\s*(?:@| on )\\s*([^@\\s]+)\\s*$')
      END AS parts
  ) cut
  CROSS JOIN LATERAL (
    SELECT coalesce(cut.parts[1], e.acts_as_name) AS whom,
      lower(coalesce(cut.parts[2], e.acts_on_name)) AS place
  ) said
"""

# The account `t` is called what the right says as a whole ("jane@example.org"): then no place stands in it.
IS_WHOLE_NAME: Final = """(e.acts_on_name = ''
  AND lower(e.acts_as_name) IN (lower(t.external_id), lower(t.name)))"""
