-- Who may ask for what. A revoked token stays in the record; its name is free again.
CREATE TABLE tokens (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  -- What stands in the record for whoever holds it. "Ada" and "ada" would be taken for one.
  name       TEXT NOT NULL COLLATE NOCASE,
  role       TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin', 'feedback')),
  -- SHA-256 of its 256 random bits: what is stored opens nothing.
  hash       BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expires_at INTEGER,
  -- A day such as 2026-05-01, UTC: that is enough to find tokens that nobody needs.
  used_on    TEXT,
  revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;
