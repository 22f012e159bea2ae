-- The incidents from before there were members; the times stand in a document, which each engine
-- reads in its own way.
INSERT INTO incident_members (incident_id, connection_id, name, failed_at, failures, failing, gone)
SELECT id, connection_id, json_extract(document, '$.name'), json_extract(document, '$.failed_at'),
       json_extract(document, '$.failures'), open, COALESCE(json_extract(document, '$.gone'), FALSE)
FROM incidents;
