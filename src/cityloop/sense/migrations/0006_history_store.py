"""Closed days may lie in a second store; their header stays, and who opens one that is away is told so."""

from django.db import migrations

TABLES = """
ALTER TABLE sense_packedday
  ADD COLUMN stored bigint, ADD COLUMN away boolean NOT NULL DEFAULT FALSE,
  ADD COLUMN recalled_at timestamptz, ADD COLUMN checksum bigint;
ALTER TABLE sense_closedday ADD COLUMN moved_at timestamptz;
CREATE INDEX sense_packedday_recalled ON sense_packedday (recalled_at) WHERE recalled_at IS NOT NULL;
CREATE TABLE sense_recall (
  datastream_id bigint NOT NULL, day date NOT NULL, asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  reason text NOT NULL DEFAULT '', PRIMARY KEY (datastream_id, day)
);
CREATE TABLE sense_storedgone (
  version bigint NOT NULL, day date NOT NULL, datastream_id bigint NOT NULL, PRIMARY KEY (version, day, datastream_id)
);
CREATE TABLE sense_unsure (
  datastream_id bigint NOT NULL, phenomenon_time timestamptz NOT NULL, floor_id bigint NOT NULL,
  PRIMARY KEY (datastream_id, phenomenon_time)
);
CREATE TABLE sense_historystore (
  id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1), city uuid NOT NULL DEFAULT gen_random_uuid(),
  wanted text NOT NULL DEFAULT '', reason text NOT NULL DEFAULT '', told_at timestamptz,
  readings bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0,
  compare_from date, compared_days integer NOT NULL DEFAULT 0, compared_readings bigint NOT NULL DEFAULT 0,
  compared_checksum bigint NOT NULL DEFAULT 0
);
INSERT INTO sense_historystore DEFAULT VALUES;
"""

FUNCTIONS = """
CREATE FUNCTION sense_away(stream bigint, day date, n integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$
BEGIN
  IF coalesce(current_setting('cityloop.recalls', TRUE), '') <> 'on' THEN
    RAISE EXCEPTION 'readings of closed days lie in the second store'
      USING ERRCODE = 'CL001', DETAIL = format('%s %s %s', stream, day, n);
  END IF;
  RAISE NOTICE 'away' USING ERRCODE = 'CL001', DETAIL = format('%s %s %s', stream, day, n);
  RETURN 0;
END $$;
CREATE FUNCTION sense_note_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sense_storedgone (version, day, datastream_id) VALUES (OLD.stored, OLD.day, OLD.datastream_id)
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER sense_packedday_deleted AFTER DELETE ON sense_packedday
  FOR EACH ROW WHEN (OLD.stored IS NOT NULL) EXECUTE FUNCTION sense_note_gone();
CREATE TRIGGER sense_packedday_left AFTER UPDATE OF stored ON sense_packedday
  FOR EACH ROW WHEN (OLD.stored IS NOT NULL AND OLD.stored IS DISTINCT FROM NEW.stored)
  EXECUTE FUNCTION sense_note_gone();
"""

OPENED = "(1, CASE WHEN p.away THEN sense_away(p.datastream_id, p.day, p.n) ELSE p.n END)"
FEATURES = "unnest(CASE WHEN NOT p.away THEN p.feature_id END)"
REPLACED = """
DO $do$ BEGIN
  EXECUTE replace(replace(pg_get_functiondef('sense_unpacked(sense_packedday)'::regprocedure),
    '{series}', '{new_series}'), '{features}', '{new_features}');
END $do$;
"""
NOW = {"series": OPENED, "features": FEATURES}
BEFORE = {"series": "(1, p.n)", "features": "unnest(p.feature_id)"}

UNDO = """
DROP TRIGGER sense_packedday_deleted ON sense_packedday; DROP TRIGGER sense_packedday_left ON sense_packedday;
DROP FUNCTION sense_note_gone(); DROP FUNCTION sense_away(bigint, date, integer);
DROP TABLE sense_historystore; DROP TABLE sense_unsure; DROP TABLE sense_storedgone; DROP TABLE sense_recall;
ALTER TABLE sense_closedday DROP COLUMN moved_at;
ALTER TABLE sense_packedday DROP COLUMN stored, DROP COLUMN away, DROP COLUMN recalled_at, DROP COLUMN checksum;
"""


def _replaced(old: dict[str, str], new: dict[str, str]) -> str:
    return REPLACED.format(**old, new_series=new["series"], new_features=new["features"])


class Migration(migrations.Migration):
    dependencies = [("sense", "0005_retry_content")]

    operations = [
        migrations.RunSQL(
            TABLES + FUNCTIONS + _replaced(BEFORE, NOW),
            _replaced(NOW, BEFORE) + UNDO,
        ),
    ]
