-- The picture of a plan: what it shows, and how far it has come into Slack. One a proposal, drawn anew for each revision.
CREATE TABLE pictures (
    proposal_id BIGINT PRIMARY KEY REFERENCES proposals (id),
    -- The revision that it is of.
    revision    BIGINT NOT NULL,
    facts       TEXT NOT NULL,
    -- Slack's name for the upload, written down before the bytes are sent.
    file        TEXT,
    -- Slack has it ready; the card may show it.
    ready       BOOLEAN NOT NULL DEFAULT FALSE,
    attempts    BIGINT NOT NULL DEFAULT 0,
    -- How often Slack refused a card because of it.
    refused     BIGINT NOT NULL DEFAULT 0,
    run_after   TIMESTAMPTZ,
    lease_until TIMESTAMPTZ,
    error       TEXT
);
CREATE INDEX pictures_due ON pictures (run_after) WHERE run_after IS NOT NULL;
