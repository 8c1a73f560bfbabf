-- Names of versions that people give, such as `champion`. Append-only: the newest row of a name is what it means now.
CREATE TABLE aliases (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  service      TEXT NOT NULL,
  name         TEXT NOT NULL,
  -- Null: it meant nothing before, or means nothing any more.
  from_version TEXT,
  to_version   TEXT,
  at           INTEGER NOT NULL,
  actor        TEXT NOT NULL,
  reason       TEXT
) STRICT;
CREATE INDEX aliases_by_name ON aliases (service, name, id);
