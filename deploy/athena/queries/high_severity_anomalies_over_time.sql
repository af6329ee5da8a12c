-- SPDX-License-Identifier: Apache-2.0
-- Which detections of severity high and above fired, hour by hour?
--
-- Runs as it is in Athena (tables of deploy/athena) and in DuckDB (views of the same names, see docs).
-- Only what both understand is used: intervals instead of date functions, "date" quoted.
SELECT
    CAST("date" AS varchar) AS day,
    timestamp '1970-01-01 00:00:00'
        + CAST((time - time % 3600000) / 1000 AS bigint) * interval '1' second AS hour_utc,
    severity,
    coalesce(finding_info.analytic.name, finding_info.title) AS detection,
    count(DISTINCT finding_info.uid) AS findings,
    sum(coalesce(count, 1)) AS events
FROM detection_finding
WHERE severity_id BETWEEN 4 AND 6
GROUP BY 1, 2, 3, 4
ORDER BY 2, 5 DESC, 4
