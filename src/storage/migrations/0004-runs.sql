-- When Beryl's controller was there: what was up while nobody looked is not known, and is not guessed.
CREATE TABLE runs (
  started_at INTEGER PRIMARY KEY,
  last_at    INTEGER NOT NULL,
  -- Ids of replicas of which is known what they did before this run: still the same process, or ended, and written down.
  known   TEXT NOT NULL
) STRICT;
