//! Places.

use seawall_store::Reply;

use super::{Draw, Family, Kind};

pub const FAMILY: Family = Family {
    name: "geo",
    // A search is defined only where all scores are geohashes, so those keys stay apart.
    // Stored distances are compared apart, since they need not be equal to the last bit.
    kinds: &[Kind::closed("geo", 2), Kind::apart("dist", 2)],
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
    loose: &[
        ("zrange", near_scores),
        ("geosearch", name_as_written),
        ("geosearchstore", name_as_written),
    ],
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

/// Distances whose members are the same, in the same order, up to the last bits: sines are the library's
/// here and the system's there.
fn near_scores(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1e-3);
    let float = |reply: &Reply| match reply {
        Reply::Bulk(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Reply::Double(x) => Some(*x),
        _ => None,
    };
    let close = |a: &Reply, b: &Reply| match (float(a), float(b)) {
        (Some(a), Some(b)) => near(a, b),
        _ => a == b,
    };
    words[1].starts_with(b"dist")
        && match (ours, theirs) {
            (Reply::Array(a), Reply::Array(b)) if a.len() == b.len() => {
                a.iter().zip(b).all(|(a, b)| match (a, b) {
                    (Reply::Array(a), Reply::Array(b)) => a[0] == b[0] && close(&a[1], &b[1]),
                    (a, b) => close(a, b),
                })
            }
            _ => false,
        }
}

/// Redis repeats a command's name in one error as the client wrote it.
fn name_as_written(_: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Error(ours), Reply::Error(theirs)) => ours.eq_ignore_ascii_case(theirs),
        _ => false,
    }
}
