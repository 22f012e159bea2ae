-- WITHOUT ROWID: a hidden second key would be a way to REPLACE a row unseen by the guards, and only
-- such tables keep NULL out of their key.
CREATE TABLE audit (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      TEXT NOT NULL,
    code    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_by_subject ON audit (subject, seq);
CREATE TABLE audit_head (
    one  BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO audit_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- The audit table only grows; whoever wants to change it must first drop these in plain sight.
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit head is never deleted'); END;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head WHEN NEW.seq < OLD.seq
BEGIN SELECT RAISE(ABORT, 'the audit head never moves back'); END;
-- REPLACE deletes the row in its way without asking the triggers for deletion: nothing but the next
-- number is taken, and the head is there once.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_head_no_replace BEFORE INSERT ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit head never moves back'); END;
