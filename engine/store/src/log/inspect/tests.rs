use std::sync::Arc;

use super::*;
use crate::disk::{DiskFile, MemoryDisk};
use crate::effect::Effects;
use crate::log::device::DeviceKind;
use crate::log::joint::Joint;
use crate::log::{Found, Fsync, Log, LogConfig};
use crate::op::Op;
use crate::time::Millis;

/// Logs of two shards on a disk in memory.
struct Pair {
    disk: MemoryDisk,
    config: LogConfig,
    logs: Vec<Log>,
    joints: u64,
}

impl Pair {
    fn new(segment_bytes: u64) -> Pair {
        let disk = MemoryDisk::new();
        let config = LogConfig {
            device: DeviceKind::Memory(disk.clone()),
            fsync: Fsync::Always,
            segment_bytes,
            ..LogConfig::new("", 2, 7)
        };
        let open = |shard| Log::open(&config, shard, &mut |_| Ok(())).unwrap().0;
        let logs = vec![open(0), open(1)];
        Pair {
            disk,
            config,
            logs,
            joints: 0,
        }
    }

    /// Appends `count` records to the log of `shard`, each durable before the next.
    fn append(&mut self, shard: usize, count: usize) {
        for _ in 0..count {
            let key = format!("key:{shard}");
            self.logs[shard].append(&set(&key));
            self.settle();
        }
    }

    /// Both shards do something together; `durable` on these of them.
    fn join(&mut self, durable: &[usize]) {
        self.joints += 1;
        let joint = Arc::new(Joint::new(self.joints, [0, 1]));
        joint.note_write();
        joint.close();
        for (shard, log) in self.logs.iter_mut().enumerate() {
            log.append_part(&joint, &set(&format!("both:{shard}")));
        }
        for &shard in durable {
            self.logs[shard].sync().unwrap();
        }
    }

    fn settle(&mut self) {
        for _ in 0..2 {
            for log in &mut self.logs {
                log.turn(Millis(1)).unwrap();
                log.sync().unwrap();
            }
        }
    }

    fn find(&self) -> Logs<MemoryDisk> {
        self.find_behind(&[])
    }

    fn find_behind(&self, bases: &[Base]) -> Logs<MemoryDisk> {
        let found = Logs::find(self.disk.clone(), bases);
        found.unwrap().expect("logs")
    }

    fn survey(&self) -> Survey {
        self.find().survey(false, &mut |_, _| {}).unwrap()
    }

    fn names(&self, shard: u32) -> Vec<String> {
        let mut names = self.disk.list().unwrap();
        names.retain(|name| segment::first_of(name, shard).is_some());
        names.sort();
        names
    }

    /// Records that recovery applies for each shard, or why it does not open them.
    fn recover(&self) -> Result<Vec<u64>, LogError> {
        let config = LogConfig {
            device: DeviceKind::Memory(self.disk.fork()),
            ..self.config.clone()
        };
        let found = (0..2).map(|shard| Found::find(&config, shard, 0, 0));
        let mut found = found.collect::<Result<Vec<_>, _>>()?;
        Found::compare(&mut found)?;
        let opened = found.into_iter().map(|log| log.open(&mut |_| Ok(())));
        opened.map(|log| Ok(log?.1.records)).collect()
    }

    fn flip(&self, name: &str, at: u64) {
        let mut byte = [0];
        let mut from = self.disk.read(name, at).unwrap();
        from.read_exact(&mut byte).unwrap();
        let file = self.disk.open(name).unwrap();
        file.write_at(&[byte[0] ^ 1], at).unwrap();
    }
}

fn set(key: &str) -> Effects {
    let mut effects = Effects::default();
    effects.push(&Op::parse(["set", key, "a \"value\"\n"].map(str::as_bytes).to_vec()).unwrap());
    effects
}

/// The sequences, offsets and commands of a shard's records from `from` on; marks left out.
fn dumped(logs: &Logs<MemoryDisk>, shard: u32, from: u64) -> Vec<(u64, u64, String)> {
    let mut told = Vec::new();
    let ended = logs.dump(shard, from, |entry| {
        if entry.kind != Kind::Mark {
            let commands: Vec<String> = entry.commands().collect();
            told.push((entry.sequence, entry.offset, commands.join("; ")));
        }
        ControlFlow::<()>::Continue(())
    });
    assert!(matches!(ended, Ok(ControlFlow::Continue(None))));
    told
}

#[test]
fn whole_logs_are_told_as_they_are() {
    let mut pair = Pair::new(400);
    pair.append(0, 10);
    pair.join(&[0, 1]);
    pair.append(1, 3);
    let survey = pair.survey();
    assert!(!survey.is_damaged() && !survey.is_cut());
    let [first, second] = &survey.shards[..] else {
        panic!("two shards");
    };
    assert_eq!((first.first, first.last, first.parts), (1, 11, 1));
    assert_eq!((second.first, second.last, second.parts), (1, 4, 1));
    assert!(first.segments.len() > 1 && first.marked >= 9, "{first:?}");
    let logs = pair.find();
    let all = dumped(&logs, 0, 1);
    assert_eq!(all.len(), 11);
    assert_eq!(all[0].2, r#""set" "key:0" "a \"value\"\n""#);
    assert_eq!(all[10].2, r#""set" "both:0" "a \"value\"\n""#);
    for from in 1..=12 {
        assert_eq!(dumped(&logs, 0, from), all[from as usize - 1..]);
    }
    let stopped = logs.dump(0, 1, |entry| ControlFlow::Break(entry.sequence));
    assert!(matches!(stopped, Ok(ControlFlow::Break(_))));
}

#[test]
fn a_torn_tail_is_told_and_cut_and_kept() {
    let mut pair = Pair::new(1 << 20);
    pair.append(0, 5);
    let [name] = &pair.names(0)[..] else {
        panic!("one segment");
    };
    let mut bytes = Vec::new();
    let mut from = pair.disk.read(name, 0).unwrap();
    from.read_to_end(&mut bytes).unwrap();
    // Behind the last record there is room, which ends where the half of one does.
    let len = bytes.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1;
    let file = pair.disk.open(name).unwrap();
    file.set_len(len).unwrap();
    file.write_at(b"half a record", len).unwrap();
    let survey = pair.survey();
    assert!(!survey.is_damaged() && survey.is_cut());
    let cut = survey.shards[0].cut.clone().unwrap();
    assert_eq!((cut.offset, cut.bytes, cut.next), (len, 13, 6));
    let [mended] = &pair.find().mend(&survey, 5).unwrap()[..] else {
        panic!("one log");
    };
    assert_eq!((mended.shard, mended.bytes), (0, 13));
    let mut kept = Vec::new();
    let mut from = pair.disk.read(&mended.kept[0], 0).unwrap();
    from.read_to_end(&mut kept).unwrap();
    assert_eq!(kept, b"half a record");
    assert!(!pair.survey().is_cut());
    assert_eq!(pair.recover().unwrap(), [5, 0]);
}

#[test]
fn a_part_that_another_shard_lacks_ends_its_log() {
    let mut pair = Pair::new(1 << 20);
    pair.append(0, 2);
    pair.append(1, 2);
    pair.join(&[1]);
    let survey = pair.survey();
    assert!(!survey.is_damaged());
    let cut = survey.shards[1].cut.clone().unwrap();
    assert_eq!((cut.next, cut.records, cut.is_damage), (3, 1, false));
    assert!(survey.shards[0].cut.is_none());
    assert_eq!(
        survey.shards[1].findings[0].cause.to_string(),
        "a part of joint 1, which shard 0 has not"
    );
    pair.find().mend(&survey, 5).unwrap();
    assert_eq!(pair.recover().unwrap(), [2, 2]);
}

#[test]
fn damage_is_told_where_recovery_finds_it_and_can_be_cut_away() {
    let whole = || {
        let mut pair = Pair::new(400);
        pair.append(0, 4);
        pair.join(&[0, 1]);
        pair.append(0, 12);
        pair.append(1, 4);
        pair
    };
    let names = whole().names(0);
    let mut damages = 0;
    for name in &names {
        for at in (0..whole().disk.size(name).unwrap()).step_by(7) {
            let pair = whole();
            pair.flip(name, at);
            let survey = pair.survey();
            let recovered = pair.recover();
            assert_eq!(survey.is_damaged(), recovered.is_err(), "{name} {at}");
            damages += usize::from(recovered.is_err());
            let cut = survey.shards[0]
                .cut
                .as_ref()
                .expect("a flipped bit is seen");
            // What is told to be lost and what is left are all there was, but for the record that was hit.
            let left = cut.next - 1;
            // Where a head is damaged, the records of its segment are not known.
            if at >= HEAD_BYTES as u64 {
                assert!(
                    (16..=17).contains(&(left + cut.records)),
                    "{name} {at}: {left} of 17 left, {} behind",
                    cut.records
                );
            }
            pair.find().mend(&survey, 5).unwrap();
            let again = pair.survey();
            assert!(!again.is_damaged() && !again.is_cut(), "{name} {at}");
            let records = pair.recover().unwrap();
            assert_eq!(records[0], left, "{name} {at}");
            assert_eq!(records[1], if left < 5 { 0 } else { 5 }, "{name} {at}");
        }
    }
    assert!(damages > 10);
}

#[test]
fn what_is_missing_is_damage() {
    let mut pair = Pair::new(400);
    pair.append(0, 12);
    let names = pair.names(0);
    pair.disk.remove(&names[1]).unwrap();
    let survey = pair.survey();
    assert!(survey.is_damaged());
    let cut = survey.shards[0].cut.as_ref().unwrap();
    assert_eq!((cut.segment, cut.offset), (1, 0));
    pair.disk.remove(&names[0]).unwrap();
    let survey = pair.survey();
    let finding = survey.shards[0].findings[0].cause.to_string();
    assert!(finding.starts_with("records 1 to "), "{finding}");
    let base = |sequence, log| [Base { sequence, log }, Base::default()];
    let before = survey.shards[0].first - 1;
    let survey = |base: [Base; 2]| {
        let found = pair.find_behind(&base);
        found.survey(false, &mut |_, _| {}).unwrap()
    };
    assert!(!survey(base(12, 0)).is_damaged());
    let finding = |survey: Survey| survey.shards[0].findings[0].cause.to_string();
    let other = survey(base(before, 1));
    assert!(other.is_damaged() && finding(other).starts_with("it is of log "));
    let behind = survey(base(13, 0));
    let said = "it ends with record 12, and the snapshot goes on from record 13";
    assert_eq!(
        (behind.is_damaged(), finding(behind)),
        (true, said.to_owned())
    );
    let survey = survey(base(before, 0));
    assert!(!survey.is_damaged(), "a snapshot holds what is missing");
}

#[test]
fn a_shard_without_a_log_is_damage_where_others_have_records() {
    let mut pair = Pair::new(400);
    for name in pair.names(1) {
        pair.disk.remove(&name).unwrap();
    }
    assert!(!pair.survey().is_damaged(), "there was nothing in it");
    pair.append(0, 1);
    assert!(matches!(
        pair.recover(),
        Err(LogError::Absent { shard: 1, .. })
    ));
    let survey = pair.survey();
    assert!(survey.shards[1].findings[0].cause.is_damage());
    pair.find().mend(&survey, 5).unwrap();
    let survey = pair.survey();
    assert!(!survey.is_damaged() && survey.shards[1].segments.len() == 1);
}

#[test]
fn a_growing_log_is_compared_with_what_the_others_have_since() {
    let mut pair = Pair::new(1 << 20);
    pair.append(0, 2);
    pair.join(&[0, 1]);
    pair.settle();
    // Both are on the disks of both and marked, and then one of them is not there.
    let lost = pair.find();
    let (first, second) = (pair.names(0), pair.names(1));
    let growing = |pair: &Pair| pair.find().survey(true, &mut |_, _| {}).unwrap();
    assert!(!growing(&pair).is_damaged());
    // One that only one of them has by now is on its way.
    pair.join(&[1]);
    let on_its_way = growing(&pair);
    assert!(!on_its_way.is_damaged() && !on_its_way.is_cut());
    assert!(pair.survey().is_cut());
    // While the first log's end is fixed and the second one's is not yet, both go on.
    let mut later = false;
    let survey = lost.survey(true, &mut |name, _| {
        if name == first[0] && !std::mem::replace(&mut later, true) {
            pair.settle();
            for _ in 0..20 {
                pair.join(&[0, 1]);
                pair.settle();
            }
        }
    });
    let survey = survey.unwrap();
    assert!(
        later && survey.shards[1].marked > survey.shards[0].last,
        "{survey:?}"
    );
    assert!(!survey.is_damaged() && !survey.is_cut(), "{survey:?}");
    // What is lost is found all the same.
    let len = pair.disk.size(&second[0]).unwrap();
    pair.disk.open(&second[0]).unwrap().set_len(200).unwrap();
    pair.disk.open(&second[0]).unwrap().set_len(len).unwrap();
    assert!(growing(&pair).is_damaged());
}

#[test]
fn a_log_that_begins_anew_stays_the_same_log() {
    for damaged in [0, 1] {
        let mut pair = Pair::new(400);
        pair.append(0, 12);
        pair.append(1, 2);
        let log = pair.logs[0].id();
        for name in pair.names(damaged) {
            pair.flip(&name, 9);
        }
        pair.find().mend(&pair.survey(), 5).unwrap();
        let [name] = &pair.names(damaged)[..] else {
            panic!("one segment");
        };
        let mut bytes = [0; HEAD_BYTES];
        let mut from = pair.disk.read(name, 0).unwrap();
        from.read_exact(&mut bytes).unwrap();
        assert_eq!(Head::decode(&bytes).unwrap().log, log);
    }
}

#[test]
fn what_was_written_anew_and_put_aside_does_not_come_back() {
    let mut pair = Pair::new(1 << 20);
    pair.append(0, 6);
    // A crash: nothing tells that the last record is durable, and it is written anew.
    pair.logs.clear();
    drop(Log::open(&pair.config, 0, &mut |_| Ok(())).unwrap());
    let names = pair.names(0);
    assert_eq!(names.len(), 2);
    let anew = segment::first_of(&names[1], 0).unwrap();
    pair.flip(&names[1], 20);
    let survey = pair.survey();
    let cut = survey.shards[0].cut.as_ref().unwrap();
    assert_eq!((cut.segment, cut.offset, cut.next), (1, 0, anew));
    let [mended] = &pair.find().mend(&survey, 5).unwrap()[..] else {
        panic!("one log");
    };
    assert_eq!(mended.kept.len(), 2);
    assert_eq!(pair.recover().unwrap(), [anew - 1, 0]);
}

#[test]
fn a_log_that_begins_late_and_badly_is_told() {
    let mut pair = Pair::new(400);
    pair.append(0, 12);
    pair.append(1, 1);
    let names = pair.names(0);
    pair.disk.remove(&names[0]).unwrap();
    pair.flip(&names[1], 20);
    let survey = pair.survey();
    assert!(survey.is_damaged());
    pair.find().mend(&survey, 5).unwrap();
    assert!(
        pair.survey().is_damaged(),
        "its first records are still missing"
    );
}
