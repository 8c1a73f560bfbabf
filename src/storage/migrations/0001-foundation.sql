-- A service as it should be: one row, one JSON document, compare-and-set by revision.
CREATE TABLE services (
  name     TEXT PRIMARY KEY,
  row      TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

-- Every release for ever; `plan` is the manifest snapshot it is judged by.
CREATE TABLE releases (
  number  INTEGER PRIMARY KEY,
  service TEXT NOT NULL,
  row     TEXT NOT NULL,
  plan    TEXT NOT NULL
) STRICT;
CREATE INDEX releases_by_service ON releases (service, number);

CREATE TABLE gates (
  release    TEXT NOT NULL,
  gate       TEXT NOT NULL,
  state      TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (release, gate)
) STRICT;

-- The record: append-only.
CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  service TEXT NOT NULL,
  release TEXT,
  kind    TEXT NOT NULL,
  actor   TEXT NOT NULL,
  text    TEXT NOT NULL,
  data    TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_service ON events (service, id);
CREATE INDEX events_by_release ON events (release, id);

CREATE TABLE replicas (
  id      TEXT PRIMARY KEY,
  service TEXT NOT NULL,
  ended   INTEGER NOT NULL,
  record  TEXT NOT NULL
) STRICT;
CREATE INDEX replicas_by_service ON replicas (service, ended);

-- Immutable: the same name with another digest is refused.
CREATE TABLE versions (
  service       TEXT NOT NULL,
  version       TEXT NOT NULL,
  digest        TEXT NOT NULL,
  registered_at INTEGER NOT NULL,
  description   TEXT NOT NULL,
  PRIMARY KEY (service, version)
) STRICT;

-- What the guard knows of a watch, and how far the gateway's observations were counted: written together.
CREATE TABLE watches (
  release TEXT PRIMARY KEY,
  state   TEXT NOT NULL
) STRICT;
CREATE TABLE traffic (
  service TEXT NOT NULL,
  release TEXT NOT NULL,
  total   INTEGER NOT NULL,
  bad     INTEGER NOT NULL,
  PRIMARY KEY (service, release)
) STRICT;
CREATE TABLE cursors (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
