-- What was seen of a release over time: answers, failures, times and evidence, in at most 240 slots.
CREATE TABLE curves (
  release TEXT PRIMARY KEY,
  track   TEXT NOT NULL
) STRICT;
