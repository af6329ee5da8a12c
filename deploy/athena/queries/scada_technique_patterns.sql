-- SPDX-License-Identifier: Apache-2.0
-- Which ATT&CK for ICS techniques are seen, how often, by which detections, and since when?
--
-- Athena unfolds an array of structs into columns, DuckDB into one struct; an array of text unfolds the same way in
-- both, so the techniques of a finding are listed one by one (eight: more than any rule names). TRY() makes an element
-- that is not there null.
WITH techniques AS (
    SELECT
        technique,
        finding_info.uid AS finding,
        coalesce(finding_info.analytic.name, finding_info.title) AS detection,
        severity_id,
        CAST("date" AS varchar) AS day
    FROM detection_finding
    CROSS JOIN UNNEST(
        ARRAY[
            TRY(finding_info.attacks[1].technique.uid || ' ' || coalesce(finding_info.attacks[1].technique.name, '')),
            TRY(finding_info.attacks[2].technique.uid || ' ' || coalesce(finding_info.attacks[2].technique.name, '')),
            TRY(finding_info.attacks[3].technique.uid || ' ' || coalesce(finding_info.attacks[3].technique.name, '')),
            TRY(finding_info.attacks[4].technique.uid || ' ' || coalesce(finding_info.attacks[4].technique.name, '')),
            TRY(finding_info.attacks[5].technique.uid || ' ' || coalesce(finding_info.attacks[5].technique.name, '')),
            TRY(finding_info.attacks[6].technique.uid || ' ' || coalesce(finding_info.attacks[6].technique.name, '')),
            TRY(finding_info.attacks[7].technique.uid || ' ' || coalesce(finding_info.attacks[7].technique.name, '')),
            TRY(finding_info.attacks[8].technique.uid || ' ' || coalesce(finding_info.attacks[8].technique.name, ''))
        ]
    ) AS listed (technique)
)
SELECT
    trim(technique) AS technique,
    count(DISTINCT finding) AS findings,
    count(DISTINCT detection) AS detections,
    min(detection) AS one_detection,
    max(severity_id) AS highest_severity_id,
    count(DISTINCT day) AS days,
    min(day) AS first_day,
    max(day) AS last_day
FROM techniques
WHERE technique IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
