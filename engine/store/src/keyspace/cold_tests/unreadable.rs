//! A snapshot that cannot be read any more is told of like a damaged one: the shard lives on.

use super::*;

#[test]
fn a_block_that_cannot_be_read_is_told_of() {
    let (config, mut warm) = filled(2_000);
    let bytes = snapshot_of(&mut warm, Codec::Plain);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    // A shard whose file loses its second half when it is open.
    let cut = || {
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, &bytes).unwrap();
        let mut cold = Shard::new(&config);
        let reader = Reader::open(&path).unwrap();
        assert!(cold.keyspace().open_cold(reader).is_ok());
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        file.unwrap().set_len(bytes.len() as u64 / 2).unwrap();
        cold
    };
    let words = format!("-ERR {} cannot be read at byte ", path.display());
    let is_told = |said: &str| {
        assert!(
            said.starts_with(&words) || said.starts_with("$100"),
            "{said}"
        );
        said.starts_with(&words)
    };
    let told = (0..40).filter(|i| is_told(&run(&mut cut(), &op(&format!("get key:{i}")))));
    let told = told.count();
    assert!((1..40).contains(&told), "{told} of 40");

    // Slices meet it, too; and from then on nothing is said but that.
    let mut cold = cut();
    while cold.tick(NOW, &mut Out::default()) {}
    assert!(cold.stats().loading.is_some());
    for words in ["get key:1", "get none", "set new 1", "dbsize"] {
        assert!(is_told(&run(&mut cold, &op(words))), "{words}");
    }
    assert_eq!(run(&mut cold, &op("flushall")), "+OK\r\n");
    assert_eq!(run(&mut cold, &op("set new 1")), "+OK\r\n");
}
