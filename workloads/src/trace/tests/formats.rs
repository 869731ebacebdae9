//! The formats that tell more than keys, each on a small file and on lines that it refuses.

use super::*;

/// A file of libCacheSim's with a head of `head` bytes.
fn lcs(version: u64, head: usize, requests: u64, records: &[u8]) -> Vec<u8> {
    let magic = 0x1234_5678_9abc_def0u64.to_le_bytes();
    let mut bytes = vec![0; head];
    bytes[..8].copy_from_slice(&magic);
    bytes[8..16].copy_from_slice(&version.to_le_bytes());
    bytes[24..32].copy_from_slice(&requests.to_le_bytes());
    bytes[head - 8..].copy_from_slice(&magic);
    bytes.extend(records);
    bytes
}

/// A record of version 3, and later ones' features.
fn lcs_record(time: u32, id: u64, size: i64, op: u8, ttl: i32, features: usize) -> Vec<u8> {
    let mut bytes = time.to_le_bytes().to_vec();
    bytes.extend(id.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend([op, 1, 0, 0]);
    bytes.extend(ttl.to_le_bytes());
    bytes.extend((-1i64).to_le_bytes());
    bytes.extend(vec![0xff; features * 4]);
    bytes
}

#[test]
fn lcs_is_read_in_every_version() {
    let old = oracle(&[(5, 9, 100, 1), (6, 9, 0, -1)]);
    for head in [1024, 8192] {
        let trace = read("a.lcs", &lcs(1, head, 2, &old), None).expect("version 1");
        assert_eq!(
            (trace.objects(), trace.sizes()),
            (&[0, 0][..], &[100, 1][..])
        );
        assert!(trace.ops().is_empty() && trace.ttls_s().is_empty());
    }
    let mut second = old[..16].to_vec();
    second.extend([9, 7, 0, 0]);
    second.extend((-1i64).to_le_bytes());
    let trace = read("a.lcs", &lcs(2, 1024, 1, &second), None).expect("version 2");
    assert_eq!(
        (trace.ops(), trace.sizes()),
        (&[Op::Delete][..], &[100][..])
    );
    for (version, features) in [(3, 0), (4, 1), (5, 2), (6, 4), (7, 8), (8, 16)] {
        let records = [
            lcs_record(5, 1 << 60, 10, 3, 60, features),
            lcs_record(7, 4, 20, 1, -1, features),
        ];
        let file = lcs(version, 8192, 0, &records.concat());
        let trace = read("a.lcs", &file, None).expect("a trace");
        assert_eq!(trace.ops(), [Op::Set, Op::Get], "version {version}");
        assert_eq!(trace.ttls_s(), [60, 0], "version {version}");
        assert_eq!(
            (trace.sizes(), trace.times_s()),
            (&[10, 20][..], &[5, 7][..])
        );
    }
}

#[test]
fn lcs_refuses_what_it_does_not_know() {
    let whole = lcs_record(5, 1, 10, 3, 60, 0);
    for (file, what) in [
        (lcs(9, 8192, 1, &whole), "byte 0: the version is 9"),
        (
            lcs(3, 8192, 2, &whole),
            "byte 8228: the file ends after 1 of 2 requests",
        ),
        (
            lcs(3, 8192, 1, &whole)[..5000].to_vec(),
            "byte 1024: the file ends after 3976 of 7168",
        ),
        (lcs(3, 1024, 1, &whole), "byte 1024: the file ends after 36"),
        (vec![7; 2000], "does not begin as lcs does"),
        (
            lcs(3, 8192, 1, &lcs_record(5, 1, -10, 3, 60, 0)),
            "byte 8192: the size is -10",
        ),
        (
            lcs(3, 8192, 1, &lcs_record(5, 1, 1 << 40, 3, 60, 0)),
            "the size is 1099511627776",
        ),
        (
            lcs(3, 8192, 1, &lcs_record(5, 1, 10, 77, 60, 0)),
            "the op is 77",
        ),
        (lcs(3, 8192, 1, &whole[..30]), "cut off after 30 of 36"),
    ] {
        let found = error("a.lcs", &file, None);
        assert!(found.contains(what), "{found}");
    }
}

#[test]
fn csv_and_tsv_take_ops_and_ttls() {
    let spec = Some("tsv:object=1:op=2:ttl=3:header=yes");
    let trace = read(
        "a.tsv",
        b"key\top\tttl\nx\tGET\t-\nx\tset\t60\ny\tdel\t\n",
        spec,
    );
    let trace = trace.expect("a trace");
    assert_eq!(trace.ops(), [Op::Get, Op::Set, Op::Delete]);
    assert_eq!(trace.ttls_s(), [0, 60, 0]);
    let spec = Some("csv:object=1:op=2:ttl=3");
    for (line, what) in [
        ("x,flush,0", "the op is 'flush'"),
        ("x,get,-5", "the TTL is '-5'"),
        ("x,get,NaN", "the TTL is 'NaN'"),
        ("x,get,4294967296", "the TTL is '4294967296'"),
        ("x,get", "there is no column for the TTL"),
    ] {
        let found = error("a.csv", format!("y,get,1\n{line}").as_bytes(), spec);
        assert!(found.contains(&format!("line 2: {what}")), "{found}");
    }
}

#[test]
fn twr_keys_may_hold_commas() {
    let lines = b"0,a:1,3,20,7,get,0\n1,b,c,3,30,7,set,3600\n2,a:1,3,0,7,delete,0\n";
    let trace = read("cluster.twr", lines, None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 0]);
    assert_eq!(trace.sizes(), [23, 33, 3]);
    assert_eq!(trace.ops(), [Op::Get, Op::Set, Op::Delete]);
    assert_eq!(
        (trace.ttls_s(), trace.times_s()),
        (&[0, 3600, 0][..], &[0, 1, 2][..])
    );
    for (line, what) in [
        ("1,b,3,30,7,set", "fewer than seven fields"),
        ("1,,3,30,7,set,0", "or no key"),
        (
            "1,b,4294967294,1,7,set,0",
            "less than 4294967295 bytes together",
        ),
        ("1,b,99999999999,1,7,set,0", "the size is '99999999999'"),
        ("-1,b,3,1,7,set,0", "the time is '-1'"),
        ("1,b,3,1,7,touch,0", "the op is 'touch'"),
    ] {
        let found = error(
            "a.twr",
            format!("0,a,1,1,1,get,0\n{line}\n").as_bytes(),
            None,
        );
        assert!(found.contains("line 2") && found.contains(what), "{found}");
    }
}

#[test]
fn access_logs_have_what_was_asked_for_and_how_many_bytes_went() {
    let log =
        br#"h - - [17/May/2015:10:05:03 +0000] "GET /a.png?v=1 HTTP/1.1" 200 2326 "-" "x \"y\" z"
h - bob [17/May/2015:10:05:04 +0000] "GET /a.png?v=2 HTTP/1.0" 304 -

h - - [17/May/2015:10:05:05 +0000] "-" 400 0
h - - [17/May/2015:10:05:06 +0000] "POST /say\"it\" HTTP/1.1" 200 10
"#;
    let trace = read("access.log", log, None).expect("a trace");
    assert_eq!((trace.name(), trace.objects()), ("access", &[0, 1, 2][..]));
    assert_eq!(trace.sizes(), [2326, 1, 10]);
    assert_eq!(trace.ops(), [Op::Get, Op::Get, Op::Set]);
    assert_eq!(trace.times_s()[0], 1_431_857_103);
    let trace = read("access.log", log, Some("access-log:object=path")).expect("a trace");
    assert_eq!(trace.objects(), [0, 0, 1]);
    for (line, what) in [
        ("nonsense", "line 1: the line is 'nonsense'"),
        (
            "h - - [17/May/2015] \"GET / HTTP/1.1\" 200 1",
            "the time is '17/May/2015'",
        ),
        (
            "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200",
            "the line is",
        ),
        (
            "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1 200 1",
            "the line is",
        ),
        (
            "h - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 NaN",
            "the size is 'NaN'",
        ),
    ] {
        let found = error("a.log", line.as_bytes(), None);
        assert!(found.contains(what), "{found}");
    }
}

#[test]
fn cachelib_goes_by_its_first_line() {
    let lines = b"op_time,key,key_size,op,op_count,size,cache_hits,ttl\n\
                  604038471,82131353f9ddc8c6,48,GET,1,87,1,0\n\
                  604038472,a54f88ab02ece24d,24,SET_LEASE,3,0,0,60\n";
    let trace = read("a.csv", lines, Some("cachelib")).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 1, 1]);
    assert_eq!(trace.sizes(), [135, 24, 24, 24]);
    assert_eq!(trace.ops(), [Op::Get, Op::Set, Op::Set, Op::Set]);
    assert_eq!(trace.ttls_s(), [0, 60, 60, 60]);
    let trace = read("a.csv", b"ttl,key\n5,x\n", Some("cachelib")).expect("a trace");
    assert!(trace.sizes().is_empty() && trace.ops().is_empty());
    assert_eq!(trace.ttls_s(), [5]);
    for (content, what) in [
        ("ttl,name\n5,x", "line 1: no column is called key"),
        ("key,op_count\nx,1048577", "line 2: op_count is 1048577"),
        (
            "key,op_count\nx,18446744073709551616",
            "op_count is '18446744073709551616'",
        ),
        ("key,op\nx", "line 2: the line has 1 fields"),
        ("op,key\nGET,", "the key is empty"),
    ] {
        let found = error("a.csv", content.as_bytes(), Some("cachelib"));
        assert!(found.contains(what), "{found}");
    }
    assert!(error("a.csv", b"key,op\n", Some("cachelib")).contains("no request in it"));
}

#[test]
fn jsonl_blocks_are_lists_alone_or_in_objects() {
    let lines = b"{\"timestamp\": 1500, \"input_length\": 9, \"hash_ids\": [0, 1, 2]}\n\
                  {\"timestamp\": 2700, \"hash_ids\": []}\n\
                  {\"timestamp\": 3000, \"hash_ids\": [0, 1, 3]}\n";
    let trace = read("a.jsonl", lines, None).expect("a trace");
    assert_eq!(trace.objects(), [0, 1, 2, 0, 1, 3]);
    assert_eq!(trace.times_s(), [1, 1, 1, 3, 3, 3]);
    let trace = read(
        "a.jsonl",
        b"[-1, \"x\", 18446744073709551614]\n[\"x\"]",
        None,
    );
    assert_eq!(trace.expect("a trace").objects(), [0, 1, 2, 1]);
    let deep = format!("{}1{}", "[".repeat(500_000), "]".repeat(500_000));
    for (line, what) in [
        (
            "{\"hash_ids\": 5}",
            "line 1: the line has no list of blocks",
        ),
        ("[1, 2", "the line is no JSON"),
        ("[NaN]", "the line is no JSON"),
        ("[1.5]", "a block is 1.5"),
        ("[18446744073709551616]", "a block is 1.844674407370955"),
        (
            "{\"timestamp\": -1, \"blocks\": [1]}",
            "the timestamp is -1",
        ),
        (
            "{\"timestamp\": 1e300, \"blocks\": [1]}",
            "the timestamp is 1e+300",
        ),
        (
            "[1]\n{\"timestamp\": 1, \"blocks\": [1]}",
            "some requests have a time",
        ),
        (&deep, "the line is no JSON"),
    ] {
        let found = error("a.jsonl", line.as_bytes(), None);
        assert!(found.contains(what), "{found}");
    }
}
