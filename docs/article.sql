-- Example query against a trace-backed audit store
SELECT
    timestamp,
    attributes['enduser.id'] AS actor,
    attributes['audit.target_user'] AS target,
    attributes['audit.old_value'] AS previous_role,
    attributes['audit.new_value'] AS new_role,
    attributes['audit.result'] AS outcome
FROM audit_spans
WHERE attributes['audit.action'] = 'role_update'
    AND timestamp >= NOW() - INTERVAL '90 days'
ORDER BY timestamp DESC;
