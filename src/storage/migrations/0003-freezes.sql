-- Nothing moves forward while it is frozen: a service by its name, everything as `*`.
CREATE TABLE freezes (
  scope  TEXT PRIMARY KEY,
  actor  TEXT NOT NULL,
  reason TEXT NOT NULL,
  at     INTEGER NOT NULL,
  -- Wall time in ms; NULL: until somebody lifts it.
  until  INTEGER
) STRICT;
