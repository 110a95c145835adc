"""A decision takes whose access it is about from its item, so that no caller can say otherwise."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION reviews_copy_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT subject_id, accountable_id, subject_kind, is_privileged
    INTO NEW.subject_id, NEW.accountable_id, NEW.subject_kind, NEW.is_privileged
    FROM reviews_reviewitem WHERE id = NEW.item_id;
  RETURN NEW;
END $$;
CREATE TRIGGER decision_copies_subject BEFORE INSERT ON reviews_decision
  FOR EACH ROW EXECUTE FUNCTION reviews_copy_subject();
ALTER TABLE reviews_decision ENABLE ALWAYS TRIGGER decision_copies_subject;
"""
BACKWARD = """
DROP TRIGGER decision_copies_subject ON reviews_decision; DROP FUNCTION reviews_copy_subject();
"""


class Migration(migrations.Migration):
    """Together with the CHECKs of 0001 this refuses self-review in the database."""

    dependencies = [("reviews", "0001_reviews")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
