-- When Beryl's controller was there: what was up while nobody looked is not known, and is not guessed.
CREATE TABLE runs (
  started_at INTEGER PRIMARY KEY,
  last_at    INTEGER NOT NULL,
  -- Ids of replicas that were alive before this run and are still the same process.
  found_up   TEXT NOT NULL
) STRICT;
