-- What people and timers have to do with incidents.

-- The next moment at which something is due for an open incident: a mention, a reminder, the end of
-- a silence. Null where nothing is, so that the index holds only what waits.
ALTER TABLE incidents ADD COLUMN next_timer TIMESTAMPTZ;
-- What two failures of one trouble have in common; null where nothing proves the cause.
ALTER TABLE incidents ADD COLUMN likeness TEXT;
CREATE INDEX incidents_timer ON incidents (next_timer) WHERE next_timer IS NOT NULL;
CREATE INDEX incidents_like ON incidents (likeness, id) WHERE likeness IS NOT NULL;

-- Connections that nobody is told of for a while. A row is deleted when its time is over.
CREATE TABLE mutes (
    connection_id TEXT PRIMARY KEY,
    by_user       TEXT NOT NULL,
    at            TIMESTAMPTZ NOT NULL,
    until         TIMESTAMPTZ NOT NULL
);
CREATE INDEX mutes_due ON mutes (until);

-- What people say of a cause. One person has one voice: the newest.
CREATE TABLE feedback (
    incident_id BIGINT NOT NULL,
    by_user     TEXT NOT NULL,
    judgement   TEXT NOT NULL,
    -- What it really was, where the cause was not right and the person knows.
    category    TEXT,
    -- Whether the person was an approver at that moment.
    approver    BOOLEAN NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (incident_id, by_user)
);
