-- In which 24 hours, looked at every 12 hours, did the earth shake hardest?
--
--   cargo run --release -- run examples/earthquakes.sql
--
-- 1,707 reports in the order in which the survey sent them out: often hours, sometimes days after the
-- event. The watermark below waits for a day of disorder. Reports that come later than that for every
-- window they belong to are left out, and counted: --stats FILE.json shows them as `late`, those
-- that are late for some of their windows only as `late_partial`.

CREATE TABLE report (
  id         VARCHAR,
  time       BIGINT,
  magnitude  DOUBLE,
  place      VARCHAR,
  type       VARCHAR,
  geometry   ROW<longitude DOUBLE, latitude DOUBLE, depth DOUBLE>,
  event_time AS to_timestamp_millis(time),
  WATERMARK FOR event_time AS event_time - INTERVAL '24' HOUR
) WITH ('connector' = 'filesystem', 'path' = 'examples/data/earthquakes.ndjson', 'format' = 'json');

SELECT window_start,
       window_end,
       count(*)            AS reports,
       max(magnitude)      AS strongest,
       max(geometry.depth) AS deepest
FROM TABLE(HOP(TABLE report, DESCRIPTOR(event_time), INTERVAL '12' HOUR, INTERVAL '24' HOUR))
WHERE type = 'earthquake'
GROUP BY window_start, window_end
HAVING max(magnitude) >= 5.5;
