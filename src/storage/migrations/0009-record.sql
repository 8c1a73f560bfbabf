-- The record is append-only, by the database's own word: nothing is rewritten, and only retention may take the oldest away.
CREATE TRIGGER events_are_not_rewritten BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'the record is append-only'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM cursors WHERE name = 'retention')
BEGIN SELECT raise(ABORT, 'the record is append-only'); END;

CREATE TRIGGER aliases_are_not_rewritten BEFORE UPDATE ON aliases
BEGIN SELECT raise(ABORT, 'the history of aliases is append-only'); END;
CREATE TRIGGER aliases_stay BEFORE DELETE ON aliases
BEGIN SELECT raise(ABORT, 'the history of aliases is append-only'); END;

-- Answers to writes that came with an Idempotency-Key: the same key again gets the same answer, and nothing is done twice.
CREATE TABLE answers (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  -- The token's id: keys of one client mean nothing to another.
  holder TEXT NOT NULL,
  key    TEXT NOT NULL,
  -- SHA-256 of method, path and body.
  asked  BLOB NOT NULL,
  at     INTEGER NOT NULL,
  -- The first entry of the record that it brought about, written with it in one transaction: then it has been done.
  event  INTEGER,
  -- NULL: not answered, or not to be kept.
  status INTEGER,
  body   TEXT
) STRICT;
CREATE UNIQUE INDEX answers_by_key ON answers (holder, key);
CREATE INDEX answers_by_age ON answers (at);
