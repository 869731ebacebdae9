//! Targets that end in the midst of their load.

use std::sync::atomic::AtomicU64;

use super::*;

/// When a target is gone.
#[derive(Clone, Copy, PartialEq)]
enum Goes {
    WhenItIsTo,
    /// A little after the clock has stopped.
    Early,
}

/// A map that is gone at some time.
struct Ending {
    toy: Toy,
    goes: Goes,
    gone: AtomicBool,
    ops: AtomicU64,
    /// How many ops had begun when the clock stopped.
    ops_measured: AtomicU64,
}

struct EndingClient<'a> {
    ending: &'a Ending,
    client: ToyClient<'a>,
}

impl Client for EndingClient<'_> {
    fn submit(&mut self, lane: usize, ticket: u64, op: &Op) -> Result<Option<Reply>, String> {
        // Only counts and a flag: no memory is looked at by them.
        self.ending.ops.fetch_add(1, Ordering::Relaxed);
        self.client.submit(lane, ticket, op)
    }

    fn poll(
        &mut self,
        until: Instant,
        done: &mut dyn FnMut(Came, &mut Reply),
    ) -> Result<(), String> {
        let ops = self.ending.ops.load(Ordering::Relaxed);
        let measured = self.ending.ops_measured.load(Ordering::Relaxed);
        let is_early = self.ending.goes == Goes::Early && measured > 0 && ops > measured + 20;
        if is_early || self.ending.gone.load(Ordering::Relaxed) {
            return Err("the toy is gone".to_owned());
        }
        self.client.poll(until, done)
    }
}

impl Endpoint for Ending {
    type Client<'a> = EndingClient<'a>;
    const ANSWERS: bool = true;
    const APART: bool = false;

    fn open(drive: &Drive<'_>) -> Result<Ending, String> {
        Ok(Ending {
            toy: Toy::with(Flaw::None),
            goes: match drive.which {
                "early" => Goes::Early,
                _ => Goes::WhenItIsTo,
            },
            gone: AtomicBool::new(false),
            ops: AtomicU64::new(0),
            ops_measured: AtomicU64::new(0),
        })
    }

    /// One: of several, some would meet an early end while they are still measuring.
    fn threads(&self) -> usize {
        1
    }

    fn client(&self, _: usize) -> Result<EndingClient<'_>, String> {
        Ok(EndingClient {
            ending: self,
            client: ToyClient {
                toy: &self.toy,
                waiting: Vec::new(),
                answered: 0,
            },
        })
    }

    fn lookups(&self) -> Option<Lookups> {
        None
    }

    /// Asked when the clock has stopped.
    fn standing(&self) -> Option<Standing> {
        let ops = self.ops.load(Ordering::Relaxed);
        self.ops_measured.store(ops, Ordering::Relaxed);
        None
    }

    fn ends(&self) -> bool {
        true
    }

    fn end(&self, gone: &mut dyn FnMut()) -> Result<Ended, String> {
        let beyond = self.ops.load(Ordering::Relaxed) - self.ops_measured.load(Ordering::Relaxed);
        self.gone.store(true, Ordering::Relaxed);
        gone();
        let ops = self.ops.load(Ordering::Relaxed);
        thread::sleep(Duration::from_millis(5));
        let is_left = self.ops.load(Ordering::Relaxed) == ops;
        let notes = [
            ("ops_beyond", Value::from(beyond)),
            ("is_left", Value::from(is_left)),
        ];
        Ok(Ended {
            notes: notes
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect(),
            again: None,
        })
    }

    fn cost(&self) -> Result<Cost, String> {
        Ok(Cost::of_this_process())
    }

    fn notes(&self) -> Map<String, Value> {
        Map::new()
    }

    fn close(self, _failed: bool) -> Result<(), String> {
        Ok(())
    }
}

fn ended(which: &str, length: Length, rate: Option<u64>) -> Result<Measured, BenchError> {
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = Configuration {
        pipeline: Some(3),
        rate,
        ..Configuration::default()
    };
    once::<Ending>(&Drive {
        target: "ending",
        which,
        warmup: Duration::from_millis(5),
        length,
        ..plain(&configuration, folder.path())
    })
}

#[test]
fn a_target_ends_in_the_midst_of_its_load_and_that_is_no_failure() {
    let time = Length::Time(Duration::from_millis(60));
    for (length, rate) in [
        (time, None),
        (time, Some(2_000)),
        (Length::Ops(5_000), None),
    ] {
        let measured = ended("", length, rate).expect("it ends as it is to");
        let number = |name: &str| measured.notes[name].as_f64().expect("a number");
        assert!(number("ops_beyond") > 10.0, "{:?}", measured.notes);
        assert_eq!(
            measured.notes["is_left"], true,
            "nobody drives what is gone"
        );
        // Half as long again, and the figures are of the time before.
        let ended_ms = number("ended_ms");
        assert!(
            ended_ms >= 1.5e3 * measured.seconds,
            "{ended_ms} {}",
            measured.seconds
        );
        assert_eq!(measured.recording.errors(), 0);
        if let Length::Ops(ops) = length {
            assert!((ops..ops + 12).contains(&measured.recording.ops()));
        }
    }
}

#[test]
fn a_target_that_is_gone_before_it_is_to_end_fails_the_cell() {
    let time = Length::Time(Duration::from_millis(60));
    let error = ended("early", time, None).err().expect("it was gone");
    assert!(error.to_string().contains("the toy is gone"), "{error}");
}
