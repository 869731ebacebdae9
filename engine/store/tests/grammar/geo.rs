//! Places.

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "geo",
    // A search is defined only where all scores are geohashes, so those keys stay apart.
    kinds: &[Kind::closed("geo", 2), Kind::closed("dist", 2)],
    rules: &[
        "geoadd $geo [nx|xx] [ch] $lon $lat $member",
        "geoadd $geo [ch] $lon $lat $manymember $lon $lat $manymember $lon $lat $manymember",
        "geodist $geo $member $member [$unit]",
        "geohash $geo ($member)+",
        "geopos $geo ($member)+",
        "geosearch $geo frommember $member byradius $length $unit [asc|desc] [withcoord] [withdist] [withhash]",
        "geosearch $geo fromlonlat $lon $lat byradius $length $unit [asc|desc] [count $few|count $few any] [withdist]",
        "geosearch $geo fromlonlat $lon $lat bybox $length $length $unit [asc|desc] [count $few] [withdist]",
        "geosearch $geo bybox $length $length $unit frommember $member [any] [withhash]",
        "georadius $geo $lon $lat $length $unit [asc|desc] [count $few|count $few any] [withcoord] [withdist] [withhash]",
        "georadius_ro $geo $lon $lat $length $unit [asc|desc] [count $few] [withdist] [store $geo]",
        "georadiusbymember $geo $member $length $unit [asc|desc] [count $few|count $few any] [withcoord] [withdist]",
        "georadiusbymember_ro $geo $member $length $unit [asc|desc] [count $few] [withhash]",
        "georadius $geo $lon $lat $length $unit [asc|desc] [count $few] [withdist] store $geo",
        "georadiusbymember $geo $member $length $unit [asc|desc] [count $few] store $geo",
        "georadius $geo $lon $lat $length $unit [asc|desc] [count $few] storedist $dist",
        "georadiusbymember $geo $member $length $unit storedist $dist",
        "geosearchstore $geo $geo frommember $member byradius $length $unit [asc|desc] [count $few|count $few any] [withdist]",
        "geosearchstore $geo $geo fromlonlat $lon $lat bybox $length $length $unit [asc|desc] [count $few]",
        "geosearchstore $dist $geo fromlonlat $lon $lat byradius $length $unit storedist",
        "zrange $dist 0 -1 withscores",
        "del $geo",
    ],
    draw,
};

fn draw(draw: &mut Draw<'_>, name: &str) -> Option<String> {
    Some(match name {
        "lon" => match draw.below(10) {
            0 => format!("{:?}", draw.float(-200.0..200.0)),
            1 => format!("{:?}", draw.float(179.9..180.0)),
            _ => format!("{:?}", draw.float(-10.0..20.0)),
        },
        "lat" => match draw.below(10) {
            0 => format!("{:?}", draw.float(-90.0..90.0)),
            1 => format!("{:?}", draw.float(80.0..85.0)),
            _ => format!("{:?}", draw.float(30.0..50.0)),
        },
        "length" => match draw.below(8) {
            0 => "0".to_owned(),
            1 => "20000".to_owned(),
            2 => "5000000".to_owned(),
            3 => format!("{:?}", draw.float(0.0..10_000_000.0)),
            _ => format!("{:?}", draw.float(0.0..3000.0)),
        },
        "unit" => draw
            .one(&["m", "km", "km", "KM", "ft", "mi", "yd"])
            .to_owned(),
        _ => return None,
    })
}
