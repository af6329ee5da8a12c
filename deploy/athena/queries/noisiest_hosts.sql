-- SPDX-License-Identifier: Apache-2.0
-- Which hosts are behind the most detections, and how much do they say on the network?
--
-- A host is the source of a finding's first evidence, or of a network event. Runs as it is in Athena and in DuckDB:
-- TRY() makes an element that an array does not have null in both.
WITH spoken AS (
    SELECT
        coalesce(src_endpoint.ip, src_endpoint.hostname, src_endpoint.name) AS host,
        0 AS findings,
        0 AS serious_findings,
        1 AS events,
        coalesce(dst_endpoint.ip, dst_endpoint.hostname, dst_endpoint.name) AS target,
        CAST("date" AS varchar) AS day
    FROM network_activity
    UNION ALL
    SELECT
        coalesce(
            TRY(evidences[1].src_endpoint.ip), TRY(evidences[1].src_endpoint.hostname),
            TRY(evidences[1].src_endpoint.name)) AS host,
        1 AS findings,
        CASE WHEN severity_id BETWEEN 4 AND 6 THEN 1 ELSE 0 END AS serious_findings,
        0 AS events,
        NULL AS target,
        CAST("date" AS varchar) AS day
    FROM detection_finding
)
SELECT
    host,
    sum(findings) AS findings,
    sum(serious_findings) AS serious_findings,
    sum(events) AS events,
    count(DISTINCT target) AS targets,
    count(DISTINCT day) AS days,
    min(day) AS first_day,
    max(day) AS last_day
FROM spoken
WHERE host IS NOT NULL
GROUP BY host
ORDER BY 2 DESC, 4 DESC, 1
LIMIT 25
