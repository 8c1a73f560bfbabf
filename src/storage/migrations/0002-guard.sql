-- How long a release's answers took, by the load it was under: what a new version's times are held against.
CREATE TABLE latencies (
  service TEXT NOT NULL,
  release TEXT NOT NULL,
  times   TEXT NOT NULL,
  PRIMARY KEY (service, release)
) STRICT;

-- What people said of an answer. The same request and kind again replaces.
CREATE TABLE feedback (
  service     TEXT NOT NULL,
  release     TEXT NOT NULL,
  version     TEXT NOT NULL,
  -- Which request: run of the gateway and assignment number.
  run         TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  value       TEXT NOT NULL,
  answered_at INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  actor       TEXT NOT NULL,
  PRIMARY KEY (service, run, seq, kind)
) STRICT;
CREATE INDEX feedback_by_release ON feedback (release, kind);

-- Watches of the guard before this one say other things: a release that was being watched asks for `promote`.
DELETE FROM watches;
