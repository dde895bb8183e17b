"""One query in Flink SQL, in its embedded mini cluster: SOURCE QUERY PATH THREADS.

In batch mode, where a query without end would send every change of the one row that is compared;
sessions are there for streams only.
"""

import sys
from importlib.metadata import version

from pyflink.table import EnvironmentSettings, TableEnvironment

from measured import measure
from queries import windowed

source, query, path, threads = sys.argv[1:]
if source not in ("ndjson", "csv"):
    sys.exit("the package of Flink reads neither Parquet nor tables in memory")
mode = EnvironmentSettings.in_streaming_mode if query == "q11" else EnvironmentSettings.in_batch_mode
env = TableEnvironment.create(mode())
env.get_config().set("parallelism.default", threads)
env.get_config().set("pipeline.object-reuse", "true")
form = "'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'" if source == "ndjson" else "'format' = 'csv'"
env.execute_sql(
    "CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, "
    "date_time TIMESTAMP(3), extra STRING, WATERMARK FOR date_time AS date_time - INTERVAL '4' SECOND) "
    f"WITH ('connector' = 'filesystem', 'path' = 'file://{path}', {form})"
)


def answer():
    with env.execute_sql(windowed()[query]).collect() as rows:
        for row in rows:
            last = row
    return list(last)


measure(version("apache-flink"), answer)
