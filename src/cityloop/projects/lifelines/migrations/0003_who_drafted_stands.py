"""Who drafted a request or proposed a cut, when, and under which number stands as the picture does."""

from django.db import migrations

_STANDS = """
    CREATE FUNCTION lifelines_draft_stands() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what was frozen when it was drafted stands as it is';
    END $$;
    CREATE TRIGGER lifelines_request_draft_stands BEFORE UPDATE ON lifelines_request FOR EACH ROW
        WHEN ((NEW.drafted_by, NEW.drafted_at, NEW.token, NEW.number)
            IS DISTINCT FROM (OLD.drafted_by, OLD.drafted_at, OLD.token, OLD.number))
        EXECUTE FUNCTION lifelines_draft_stands();
    CREATE TRIGGER lifelines_reduction_draft_stands BEFORE UPDATE ON lifelines_reduction FOR EACH ROW
        WHEN ((NEW.proposed_by, NEW.proposed_at, NEW.token, NEW.number)
            IS DISTINCT FROM (OLD.proposed_by, OLD.proposed_at, OLD.token, OLD.number))
        EXECUTE FUNCTION lifelines_draft_stands();
"""
_STANDS_NOT = """
    DROP TRIGGER lifelines_request_draft_stands ON lifelines_request;
    DROP TRIGGER lifelines_reduction_draft_stands ON lifelines_reduction;
    DROP FUNCTION lifelines_draft_stands();
"""


class Migration(migrations.Migration):
    dependencies = [("lifelines", "0002_coordination")]

    operations = [migrations.RunSQL(_STANDS, _STANDS_NOT)]
