-- What is to be told to whom, until it was taken there. How far the record was looked through stands in `cursors`.
CREATE TABLE deliveries (
  hook     TEXT NOT NULL,
  event    INTEGER NOT NULL,
  told     TEXT NOT NULL,
  dead     INTEGER NOT NULL DEFAULT 0,
  tries    INTEGER NOT NULL DEFAULT 0,
  -- Wall times in ms.
  since    INTEGER NOT NULL,
  next_at  INTEGER NOT NULL,
  because  TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (hook, event)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (hook, dead, next_at);
