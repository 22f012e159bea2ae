-- An incident is one trouble and can be that of many connections: each that fails with it is a row
-- here, the one that it was opened for among them.
CREATE TABLE incident_members (
    incident_id   BIGINT NOT NULL REFERENCES incidents (id),
    connection_id TEXT NOT NULL,
    name          TEXT NOT NULL,
    -- The latest failure that was counted.
    failed_at     TIMESTAMPTZ NOT NULL,
    failures      BIGINT NOT NULL,
    failing       BOOLEAN NOT NULL,
    -- It was over because Fivetran had no such connection any more.
    gone          BOOLEAN NOT NULL,
    PRIMARY KEY (incident_id, connection_id)
);
-- One living incident per connection.
CREATE UNIQUE INDEX incident_members_failing ON incident_members (connection_id) WHERE failing;
CREATE INDEX incident_members_by_connection ON incident_members (connection_id, incident_id);
DROP INDEX incidents_open;
-- What a failure must share to join it; null where it concerns one connection alone.
ALTER TABLE incidents ADD COLUMN kin TEXT;
CREATE INDEX incidents_kin ON incidents (kin, id) WHERE open AND kin IS NOT NULL;
CREATE INDEX incidents_living ON incidents (id) WHERE open;

-- What an incident's cause was read from: redacted, numbered lines for whoever wants to see them.
CREATE TABLE evidence (
    incident_id BIGINT PRIMARY KEY REFERENCES incidents (id),
    document    TEXT NOT NULL,
    stored_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX evidence_by_time ON evidence (stored_at);
