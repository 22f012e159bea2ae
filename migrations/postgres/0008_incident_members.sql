-- The incidents from before there were members; the times stand in a document, which each engine
-- reads in its own way.
INSERT INTO incident_members (incident_id, connection_id, name, failed_at, failures, failing, gone)
SELECT id, connection_id, document::json ->> 'name', (document::json ->> 'failed_at')::timestamptz,
       (document::json ->> 'failures')::bigint, open, COALESCE((document::json ->> 'gone')::boolean, FALSE)
FROM incidents;
