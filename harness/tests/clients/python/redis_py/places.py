"""Geo: places on the earth, in the sorted sets that they are."""

import redis

from script import refused, section

from .server import Server


@section("geo")
def geo(server: Server) -> None:
    r = server.connect()
    places = (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")
    assert r.geoadd("Sicily", places) == 2
    assert r.geoadd("Sicily", (13.4, 38.1, "Palermo"), xx=True, ch=True) == 1
    assert r.geoadd("Sicily", (13.361389, 38.115556, "Palermo")) == 0
    assert abs(r.geodist("Sicily", "Palermo", "Catania", "km") - 166.2742) < 0.0001
    assert r.geodist("Sicily", "Palermo", "nowhere") is None
    assert r.geohash("Sicily", "Palermo", "nowhere") == ["sqc8b49rny0", None]
    ((longitude, latitude),) = r.geopos("Sicily", "Palermo")
    assert abs(longitude - 13.361389) < 1e-5 and abs(latitude - 38.115556) < 1e-5
    assert r.geosearch("Sicily", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == [
        "Catania",
        "Palermo",
    ]
    assert r.geosearch("Sicily", member="Palermo", width=100, height=100, unit="km") == ["Palermo"]
    ((name, distance, score, (longitude, _)),) = r.geosearch(
        "Sicily",
        longitude=15,
        latitude=37,
        radius=100,
        unit="km",
        withdist=True,
        withhash=True,
        withcoord=True,
    )
    assert (name, distance, score) == ("Catania", 56.4413, 3479447370796909)
    assert abs(longitude - 15.087269) < 1e-5
    assert r.geosearchstore("near", "Sicily", longitude=15, latitude=37, radius=100, unit="km") == 1
    assert r.zrange("near", 0, -1) == ["Catania"]
    assert r.georadius("Sicily", 15, 37, 200, "km", sort="DESC", count=1) == ["Palermo"]
    assert r.georadiusbymember("Sicily", "Catania", 10, "km", store="kept") == 1
    refused(
        redis.ResponseError,
        "invalid longitude,latitude pair 200.000000,100.000000",
        r.geoadd,
        "Sicily",
        (200, 100, "nowhere"),
    )
