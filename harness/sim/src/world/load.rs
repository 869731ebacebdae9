//! The load: workloads of `seawall_workloads`, one per client.

use rand::RngExt;
use seawall_store::{Op, Reply};
use seawall_workloads::{Mismatch, Workload};

use crate::random::{Rng, rng_of};

/// Checks a workload's text.
pub(crate) fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

struct Settings {
    keys: u64,
    reads_percent: u64,
    value_bytes: u64,
}

fn parse(text: &str) -> Result<Settings, String> {
    let spec = seawall_cluster::Spec::parse(text).map_err(|e| e.to_string())?;
    if spec.name() != "get-set" {
        return Err(format!(
            "unknown workload \"{}\"; accepted: get-set",
            spec.name()
        ));
    }
    const P: &[seawall_cluster::spec::Param] = &[
        seawall_cluster::spec::Param {
            key: "keys",
            default: 6000,
            min: 1,
            max: 10_000_000,
            about: "",
        },
        seawall_cluster::spec::Param {
            key: "reads_percent",
            default: 80,
            min: 0,
            max: 100,
            about: "",
        },
        seawall_cluster::spec::Param {
            key: "value_bytes",
            default: 100,
            min: 1,
            max: 100_000,
            about: "",
        },
    ];
    let v = spec.values(P).map_err(|e| e.to_string())?;
    Ok(Settings {
        keys: v[0],
        reads_percent: v[1],
        value_bytes: v[2],
    })
}

/// Client `client` of `clients` of a workload.
pub(super) fn build(text: &str, seed: u64, client: u32, clients: u32) -> Result<Load, String> {
    let s = parse(text)?;
    Ok(Load {
        s,
        rng: rng_of(seed, "load", client as usize),
        fill: None,
        next_load: u64::from(client),
        clients: u64::from(clients),
        n: 0,
        delay: 0,
    })
}

pub(super) struct Load {
    s: Settings,
    rng: Rng,
    fill: Option<u64>,
    next_load: u64,
    clients: u64,
    n: u64,
    delay: u64,
}

impl Load {
    fn set(&mut self, k: u64) -> Op {
        self.n += 1;
        let v = format!("{:0w$}", self.n, w = self.s.value_bytes as usize);
        Op::parse([&b"SET"[..], format!("key:{k}").as_bytes(), v.as_bytes()]).expect("SET")
    }
    pub(super) fn delay_us(&self) -> u64 {
        self.delay
    }
    pub(super) fn unanswered(&mut self, _op: &Op) {}
}

impl Workload for Load {
    fn preload(&mut self) -> Option<Op> {
        if self.next_load >= self.s.keys {
            return None;
        }
        let k = self.next_load;
        self.next_load += self.clients;
        Some(self.set(k))
    }
    fn next(&mut self) -> Op {
        self.delay = 0;
        if let Some(k) = self.fill.take() {
            self.delay = 3000;
            return self.set(k);
        }
        let a: f64 = self.rng.random();
        let k = (a * a * self.s.keys as f64) as u64;
        if self.rng.random_range(0..100) < self.s.reads_percent {
            Op::parse([&b"GET"[..], format!("key:{k}").as_bytes()]).expect("GET")
        } else {
            self.set(k)
        }
    }
    fn observe(&mut self, op: &Op, reply: &Reply) -> Result<(), Mismatch> {
        if *reply == Reply::Nil && op.len() == 1 {
            let k = std::str::from_utf8(&op[0][4..])
                .expect("ours")
                .parse()
                .expect("ours");
            self.fill = Some(k);
        }
        Ok(())
    }
}
