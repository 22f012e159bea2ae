-- The gate's tables, in the dialect that SQLite and PostgreSQL share.
-- Documents are TEXT, never JSONB: what is hashed must come back byte for byte.

-- Numbers that people read (#12) and row numbers, given out inside the transaction that uses them.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('proposal', 0), ('step', 0), ('incident', 0), ('message', 0), ('claims', 0);

-- Small facts about this deployment: the workspace, the Fivetran identity, the policy in force.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- What came in, durable before its 200. The key is Slack's or Fivetran's own identity of the
-- delivery; raw_sha256 tells a repetition from another body under the same key. It is the store of
-- seen signatures too: a body makes one key, on one route, so that what was signed once has a row.
CREATE TABLE inbox (
    key         TEXT PRIMARY KEY,
    route       TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    body        TEXT NOT NULL,
    raw_sha256  TEXT NOT NULL,
    lane        TEXT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    run_after   TIMESTAMPTZ,
    worker      TEXT,
    outcome     TEXT,
    -- Whether its receipt is in the audit chain; only such rows may be pruned.
    audited     BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX inbox_unaudited ON inbox (received_at) WHERE NOT audited;
CREATE INDEX inbox_settled ON inbox (received_at) WHERE run_after IS NULL AND audited;
CREATE INDEX inbox_dead ON inbox (key) WHERE substr(outcome, 1, 5) = 'dead:';
-- run_after is null once a row is settled, so that the index holds only what is open.
CREATE INDEX inbox_open ON inbox (lane, run_after) WHERE run_after IS NOT NULL;

-- Messages to Slack, as they should be (body, version) and as they are (ts, sent_version).
CREATE TABLE messages (
    id           BIGINT PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    channel      TEXT NOT NULL,
    parent       TEXT,
    thread_ts    TEXT,
    recipient    TEXT,
    response_url TEXT,
    text         TEXT NOT NULL,
    blocks       TEXT NOT NULL,
    content      TEXT NOT NULL,
    version      BIGINT NOT NULL,
    sent_version BIGINT NOT NULL DEFAULT 0,
    ts           TEXT,
    attempts     BIGINT NOT NULL DEFAULT 0,
    posting_since TIMESTAMPTZ,
    degraded     BOOLEAN NOT NULL DEFAULT FALSE,
    -- It was repeated without knowing whether the first came through; it says so ever after.
    twin         BOOLEAN NOT NULL DEFAULT FALSE,
    run_after    TIMESTAMPTZ,
    lease_until  TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL,
    sent_at      TIMESTAMPTZ,
    error        TEXT
);
-- In the order in which they are sent; only what waits is in it.
CREATE INDEX messages_due ON messages (id, run_after, kind) WHERE run_after IS NOT NULL;
CREATE INDEX messages_dead ON messages (id) WHERE run_after IS NULL AND error IS NOT NULL;
CREATE INDEX messages_by_answer ON messages (response_url) WHERE response_url IS NOT NULL;
CREATE INDEX messages_said ON messages (created_at) WHERE kind IN ('answer', 'ephemeral');
CREATE INDEX messages_by_parent ON messages (parent) WHERE parent IS NOT NULL;

-- When a channel, a Slack method or the Fivetran account may be spoken to again.
CREATE TABLE pace (
    name    TEXT PRIMARY KEY,
    next_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE connections (
    id       TEXT PRIMARY KEY,
    schema   TEXT NOT NULL,
    group_id TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    read_at  TIMESTAMPTZ NOT NULL
);
CREATE TABLE groups (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE proposals (
    id         BIGINT PRIMARY KEY,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    document   TEXT NOT NULL,
    version    BIGINT NOT NULL,
    next_timer TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX proposals_timer ON proposals (next_timer) WHERE next_timer IS NOT NULL;

-- A revision is its canonical text: the fingerprint is made over these bytes and no others.
CREATE TABLE revisions (
    proposal_id BIGINT NOT NULL REFERENCES proposals (id),
    number      BIGINT NOT NULL,
    canonical   TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (proposal_id, number)
);

CREATE TABLE decisions (
    proposal_id BIGINT NOT NULL REFERENCES proposals (id),
    revision    BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    by_user     TEXT NOT NULL,
    via         TEXT NOT NULL,
    reason      TEXT,
    policy_hash TEXT NOT NULL,
    delivery    TEXT NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    -- One person's approval counts once, however often he clicks.
    PRIMARY KEY (proposal_id, revision, verdict, by_user)
);

CREATE TABLE steps (
    id            BIGINT PRIMARY KEY,
    proposal_id   BIGINT NOT NULL REFERENCES proposals (id),
    revision      BIGINT NOT NULL,
    position      BIGINT NOT NULL,
    connection_id TEXT NOT NULL,
    state         TEXT NOT NULL,
    document      TEXT NOT NULL,
    version       BIGINT NOT NULL,
    in_flight     BOOLEAN NOT NULL,
    run_after     TIMESTAMPTZ,
    lease_until   TIMESTAMPTZ,
    worker        TEXT,
    intended_at   TIMESTAMPTZ,
    UNIQUE (proposal_id, revision, position)
);
CREATE INDEX steps_due ON steps (run_after) WHERE run_after IS NOT NULL;
CREATE INDEX steps_by_connection ON steps (connection_id, intended_at);
-- At most one call on its way to a connection, whatever two workers believe.
CREATE UNIQUE INDEX steps_one_in_flight ON steps (connection_id) WHERE in_flight;

CREATE TABLE incidents (
    id            BIGINT PRIMARY KEY,
    connection_id TEXT NOT NULL,
    open          BOOLEAN NOT NULL,
    document      TEXT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE INDEX incidents_by_connection ON incidents (connection_id, id);
-- One living incident per connection.
CREATE UNIQUE INDEX incidents_open ON incidents (connection_id) WHERE open;

-- The emergency handle. A row means halted.
CREATE TABLE halt (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    actor  TEXT NOT NULL,
    reason TEXT,
    at     TIMESTAMPTZ NOT NULL
);

-- The audit tables are in each engine's own file: SQLite needs them WITHOUT ROWID.
