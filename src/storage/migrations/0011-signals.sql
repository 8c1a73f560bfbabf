-- What was taken from a release's answers, by signal: what a new version's are held against. `rule`: a digest of how it is taken.
CREATE TABLE signals (
  service TEXT NOT NULL,
  release TEXT NOT NULL,
  signal  TEXT NOT NULL,
  rule    TEXT NOT NULL,
  total   INTEGER NOT NULL,
  bad     INTEGER NOT NULL,
  PRIMARY KEY (service, release, signal, rule)
) STRICT;

-- Of which routing the request was: with it goes the share by which its version was drawn.
ALTER TABLE feedback ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX feedback_by_answer ON feedback (service, answered_at);

-- Watches of the guard before this one say other things: a release that was being watched asks for `promote`.
DELETE FROM watches;
