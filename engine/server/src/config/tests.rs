use std::collections::HashSet;
use std::fs;

use super::*;

#[test]
fn the_table_is_sound() {
    let mut names = HashSet::new();
    for parameter in PARAMETERS {
        for name in std::iter::once(parameter.name).chain(parameter.older) {
            assert!(names.insert(name), "{name} stands twice");
            assert_eq!(name, name.to_lowercase());
            assert_eq!(
                find(&name.to_uppercase()).expect(name).0.name,
                parameter.name
            );
        }
        let canonical = parameter.kind.read(parameter.default, parameter.default);
        assert_eq!(
            canonical.as_deref(),
            Ok(parameter.default),
            "{}",
            parameter.name
        );
        assert!(!parameter.about.is_empty());
    }
    // Every value that the server's parts ask for has the kind that they expect.
    let settings = Settings::default();
    assert_eq!(settings.limits(), Limits::default());
}

#[test]
fn a_refused_value_leaves_the_old_one() {
    let mut settings = Settings::default();
    settings.assign("maxmemory = 100mb").unwrap();
    assert_eq!(settings.number("maxmemory"), 100 << 20);
    let error = settings.assign("maxmemory=lots").unwrap_err().to_string();
    assert!(
        error.contains("maxmemory") && error.contains("lots"),
        "{error}"
    );
    assert_eq!(settings.number("maxmemory"), 100 << 20);
    settings.assign("hash-max-ziplist-entries=5").unwrap();
    assert_eq!(settings.number("hash-max-listpack-entries"), 5);
    settings.assign("slowlog-log-slower-than=-1").unwrap();
    assert_eq!(settings.signed("slowlog-log-slower-than"), -1);
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let error = Settings::default().assign("max-memory=1").unwrap_err();
    let text = error.to_string();
    assert_eq!(
        text,
        "no parameter 'max-memory'; the nearest is 'maxmemory'"
    );
    let error = Settings::default().assign("maxmemory").unwrap_err();
    assert_eq!(error, SetError::Form("maxmemory".to_owned()));
}

#[test]
fn a_file_is_read_and_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seawall.toml");
    fs::write(
        &file,
        "# Mine.\nport = 7000\nmaxmemory = \"10mb\" # small\nappendonly = true\nsave = [900, 1]\n",
    )
    .unwrap();
    let mut settings = Settings::default();
    settings.read_file(&file).unwrap();
    assert_eq!(settings.text("port"), "7000");
    assert_eq!(settings.text("save"), "900 1");
    assert!(settings.yes("appendonly"));

    settings.assign("maxmemory=20mb").unwrap();
    settings.assign("timeout=7").unwrap();
    settings.rewrite_file(&file).unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "# Mine.\nport = 7000\nmaxmemory = \"20971520\" # small\nappendonly = true\n\
         save = [900, 1]\ntimeout = \"7\"\n"
    );
    let mut again = Settings::default();
    again.read_file(&file).unwrap();
    assert_eq!(again, settings);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seawall.toml");
    for (text, told) in [
        (
            "port = 1\nprot = 2\n",
            ":2: no parameter 'prot'; the nearest is 'port'",
        ),
        (
            "\nmaxmemory = \"x\"\n",
            ":2: maxmemory cannot be 'x': argument must be a memory value",
        ),
        ("port = 1\n\nport 2\n", ":3: "),
        (
            "[port]\na = 1\n",
            ":1: 'port' must be text, a number, true or false",
        ),
        (
            "port = 70000",
            ":1: port cannot be '70000': argument must be between 0 and 65535",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let error = Settings::default()
            .read_file(&file)
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{text:?}: {error}");
    }
    let missing = folder.path().join("nosuch");
    assert!(matches!(
        Settings::default().read_file(&missing),
        Err(FileError::System { .. })
    ));
}

#[test]
fn the_commented_file_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.toml");
    let mut settings = Settings::default();
    settings.assign("requirepass=a \"quoted\" word").unwrap();
    fs::write(&file, settings.commented()).unwrap();
    let mut again = Settings::default();
    again.read_file(&file).unwrap();
    assert_eq!(again, settings);
}

#[test]
fn what_concerns_shards_reaches_them() {
    let settings = Settings::default();
    for parameter in PARAMETERS {
        let reaches = settings.store_change(parameter).is_some();
        assert_eq!(
            reaches,
            parameter.effect == Effect::Store,
            "{}",
            parameter.name
        );
    }
}
