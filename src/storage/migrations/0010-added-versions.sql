-- A version that was added beside those of the manifest, as it was written: JSON; null: the manifest is where it stands.
ALTER TABLE versions ADD COLUMN added TEXT;
-- Its name keeps its digest for ever; what was removed is no longer offered. Wall time, ms.
ALTER TABLE versions ADD COLUMN removed_at INTEGER;
