-- Where clients stick to a version, each client's feedback is one piece of evidence: a number that stands for it, 0 for none.
ALTER TABLE feedback ADD COLUMN client INTEGER NOT NULL DEFAULT 0;
