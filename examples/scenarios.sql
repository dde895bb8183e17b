-- The five queries that Velostream measures itself with, as published, over 20,000 rows of its data.
--
--   cargo run --release -- run examples/scenarios.sql
--
-- Rows go into a sink that keeps none; what matters here is how many there are, which is said at the
-- end of each query. `turgo bench scenarios` checks their values, too, before it measures. See
-- docs/book/connectors.md for the data and docs/book/performance.md for the measurements.

-- 0: a filter that every row passes. 20,000 rows.
CREATE TABLE orders (
  order_id BIGINT, customer_id BIGINT, order_date VARCHAR, total_amount DOUBLE
) WITH ('connector' = 'scenario', 'scenario' = '0', 'rows' = '20_000');

CREATE TABLE filtered (
  order_id BIGINT, customer_id BIGINT, order_date VARCHAR, total_amount DOUBLE
) WITH ('connector' = 'blackhole');

INSERT INTO filtered
SELECT order_id, customer_id, order_date, total_amount FROM orders WHERE total_amount > 100;

-- 1: the mean of the last 100 prices of a symbol. 20,000 rows, one for each.
CREATE TABLE prices (
  symbol VARCHAR, price DOUBLE, timestamp BIGINT, WATERMARK FOR timestamp AS timestamp
) WITH ('connector' = 'scenario', 'scenario' = '1', 'rows' = '20_000');

CREATE TABLE means (symbol VARCHAR, price DOUBLE, moving_avg DOUBLE) WITH ('connector' = 'blackhole');

INSERT INTO means
SELECT symbol, price,
       AVG(price) OVER (ROWS WINDOW BUFFER 100 ROWS PARTITION BY symbol ORDER BY timestamp) as moving_avg
FROM prices;

-- 2: groups without a window. A table without end shows a change for every row: 20,000 of them, of 200 groups.
CREATE TABLE quantities (
  symbol VARCHAR, price DOUBLE, quantity BIGINT
) WITH ('connector' = 'scenario', 'scenario' = '2', 'rows' = '20_000', 'bounded' = 'false');

CREATE TABLE symbols (
  symbol VARCHAR, trade_count BIGINT, avg_price DOUBLE, min_price DOUBLE, max_price DOUBLE, total_quantity BIGINT
) WITH ('connector' = 'blackhole');

INSERT INTO symbols
SELECT symbol, COUNT(*) as trade_count, AVG(price) as avg_price, MIN(price) as min_price,
       MAX(price) as max_price, SUM(quantity) as total_quantity
FROM quantities GROUP BY symbol;

-- 3a: windows of a minute. Sixty rows fall into a minute, each of another group: 20,000 rows.
CREATE TABLE trades (
  trader_id VARCHAR, symbol VARCHAR, price DOUBLE, quantity BIGINT, trade_time BIGINT,
  WATERMARK FOR trade_time AS trade_time
) WITH ('connector' = 'scenario', 'scenario' = '3a', 'rows' = '20_000');

CREATE TABLE totals (
  trader_id VARCHAR, symbol VARCHAR, trade_count BIGINT, avg_price DOUBLE, total_quantity BIGINT, total_value DOUBLE
) WITH ('connector' = 'blackhole');

INSERT INTO totals
SELECT trader_id, symbol, COUNT(*) as trade_count, AVG(price) as avg_price,
       SUM(quantity) as total_quantity, SUM(price * quantity) as total_value
FROM trades GROUP BY trader_id, symbol
WINDOW TUMBLING (trade_time, INTERVAL '1' MINUTE);

-- 3a again, where the table has no end: its last window stays open with 60 rows, 19,940 are shown.
CREATE TABLE endless_trades (
  trader_id VARCHAR, symbol VARCHAR, price DOUBLE, quantity BIGINT, trade_time BIGINT,
  WATERMARK FOR trade_time AS trade_time
) WITH ('connector' = 'scenario', 'scenario' = '3a', 'rows' = '20_000',
        'bounded' = 'false', 'flush-at-end' = 'false');

INSERT INTO totals
SELECT trader_id, symbol, COUNT(*) as trade_count, AVG(price) as avg_price,
       SUM(quantity) as total_quantity, SUM(price * quantity) as total_value
FROM endless_trades GROUP BY trader_id, symbol
WINDOW TUMBLING (trade_time, INTERVAL '1' MINUTE);

-- 3b: 3a with every change. 20,000 rows: here, each is the first of its group.
INSERT INTO totals
SELECT trader_id, symbol, COUNT(*) as trade_count, AVG(price) as avg_price,
       SUM(quantity) as total_quantity, SUM(price * quantity) as total_value
FROM trades GROUP BY trader_id, symbol
WINDOW TUMBLING (trade_time, INTERVAL '1' MINUTE) EMIT CHANGES;
