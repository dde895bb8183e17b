#!/usr/bin/env python3
"""Makes flights.ndjson and earthquakes.ndjson from the npm package vega-datasets 3.2.1.

    npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz
    python3 examples/data/convert.py package/data examples/data

Plain Python 3, no packages. The inputs are checked against the hashes the package states for them
(ids of Git blobs), so the outputs are the same bytes every time. README.md beside this file describes fields and sources.
"""

import hashlib
import json
import pathlib
import sys

INPUT_BLOB = {
    "flights-5k.json": "8459fa09e3ba8197928b5dba0b9f5cc380629758",
    "earthquakes.json": "ed4c47436c09d5cc5f428c233fbd8074c0346fd0",
}


def load(folder, name):
    data = (folder / name).read_bytes()
    found = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    if found != INPUT_BLOB[name]:
        sys.exit(f"{folder / name}: Git blob is {found}, expected {INPUT_BLOB[name]}")
    return json.loads(data)


def write(path, records):
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path}: {len(records)} records")


def flights(source):
    """The order of the file, which is the order of departure; only the timestamp is rewritten."""
    for flight in source:
        day, minute = flight["date"].split(" ")
        yield {**flight, "date": f"{day.replace('/', '-')}T{minute}:00"}


def earthquakes(source):
    """In the order in which somebody who follows the feed receives them: by last update."""
    features = source["features"]
    for feature in sorted(features, key=lambda f: (f["properties"]["updated"], f["id"])):
        properties = feature["properties"]
        longitude, latitude, depth = feature["geometry"]["coordinates"]
        yield {
            "id": feature["id"],
            "time": properties["time"],
            "updated": properties["updated"],
            "magnitude": properties["mag"],
            "place": properties["place"],
            "type": properties["type"],
            "network": properties["net"],
            "geometry": {"longitude": longitude, "latitude": latitude, "depth": depth},
        }


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    write(target / "flights.ndjson", list(flights(load(source, "flights-5k.json"))))
    write(target / "earthquakes.ndjson", list(earthquakes(load(source, "earthquakes.json"))))


if __name__ == "__main__":
    main()
