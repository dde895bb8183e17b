-- How late were flights in the United States in the first quarter of 2001, week by week?
--
--   cargo run --release -- run examples/quickstart.sql
--
-- 5,000 flights, one JSON object per line, in the order of their departures. Delays are minutes on
-- arrival; a negative delay is an early arrival. See examples/data/README.md.

CREATE TABLE flight (
  date        TIMESTAMP(3),
  delay       BIGINT,
  distance    BIGINT,
  origin      VARCHAR,
  destination VARCHAR,
  -- No flight is reported more than an hour after a later one.
  WATERMARK FOR date AS date - INTERVAL '1' HOUR
) WITH ('connector' = 'filesystem', 'path' = 'examples/data/flights.ndjson', 'format' = 'json');

SELECT window_start,
       count(*)             AS flights,
       round(avg(delay), 2) AS mean_delay,
       max(delay)           AS worst_delay
FROM TABLE(TUMBLE(TABLE flight, DESCRIPTOR(date), INTERVAL '7' DAY))
GROUP BY window_start, window_end;
