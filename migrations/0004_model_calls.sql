-- What a language model is asked and answered. A row is a question; the incident names it, so that
-- no older answer is taken for a newer question's.
INSERT INTO counters (name, value) VALUES ('question', 0);

CREATE TABLE model_calls (
    id          BIGINT PRIMARY KEY,
    incident_id BIGINT NOT NULL,
    -- What is asked about: redacted evidence.
    brief       TEXT NOT NULL,
    -- waiting, asked, answered, failed, superseded
    state       TEXT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    created_at  TIMESTAMPTZ NOT NULL,
    -- run_after is null once a row is settled, so that the index holds only what is open.
    run_after   TIMESTAMPTZ,
    lease_until TIMESTAMPTZ,
    -- The prompt as it was sent last, committed before it was; its hash finds an answer again.
    asked_at    TIMESTAMPTZ,
    prompt      TEXT,
    prompt_hash TEXT,
    -- Redacted.
    answer      TEXT,
    model       TEXT,
    -- What it cost: each attempt counts as a request before it is made.
    requests    BIGINT NOT NULL DEFAULT 0,
    tokens      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX model_calls_due ON model_calls (run_after) WHERE run_after IS NOT NULL;
CREATE INDEX model_calls_by_prompt ON model_calls (prompt_hash) WHERE state = 'answered';
CREATE INDEX model_calls_by_time ON model_calls (asked_at) WHERE asked_at IS NOT NULL;
CREATE INDEX model_calls_by_incident ON model_calls (incident_id) WHERE run_after IS NOT NULL;
