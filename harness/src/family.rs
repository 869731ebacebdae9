//! Families as the program shows them: name, one-line meaning and source of every member, taken from
//! the lists that the members themselves stand in.

use seawall_sim::validation::{SOURCES, Source, Validation};
use serde::Serialize;

/// A member, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) source: &'static str,
}

/// A family.
pub(crate) struct Family {
    /// Its name, as `list` takes it.
    pub(crate) name: &'static str,
    /// Its members.
    pub(crate) members: fn() -> Vec<Member>,
}

/// Every family.
pub(crate) static FAMILIES: &[Family] = &[
    Family {
        name: "policies",
        members: || {
            of(seawall_store::evict::LIST, |policy| {
                (policy.name, policy.about, policy.source)
            })
        },
    },
    Family {
        name: "replications",
        members: || {
            of(seawall_cluster::replication::REPLICATIONS, |replication| {
                (replication.name, replication.about, replication.source)
            })
        },
    },
    Family {
        name: "shardings",
        members: || {
            of(seawall_cluster::sharding::SHARDINGS, |sharding| {
                (sharding.name, sharding.about, sharding.source)
            })
        },
    },
    Family {
        name: "migrations",
        members: || {
            of(seawall_cluster::migration::MIGRATIONS, |migration| {
                (migration.name, migration.about, migration.source)
            })
        },
    },
    Family {
        name: "cachings",
        members: || {
            of(seawall_sim::CACHINGS, |caching| {
                (caching.name, caching.about, caching.source)
            })
        },
    },
    Family {
        name: "faults",
        members: || {
            of(seawall_sim::FAULTS, |fault| {
                (fault.name, fault.about, fault.source)
            })
        },
    },
    Family {
        name: "workloads",
        members: || {
            of(seawall_workloads::WORKLOADS, |workload| {
                (workload.name, workload.about, workload.source)
            })
        },
    },
    Family {
        name: "targets",
        members: || {
            of(seawall_bench::TARGETS, |target| {
                (target.name, target.about, target.source)
            })
        },
    },
    Family {
        name: "formats",
        members: || {
            of(seawall_workloads::trace::LIST, |format| {
                (format.name, format.about, format.source)
            })
        },
    },
    Family {
        name: "lab-policies",
        members: || {
            of(seawall_lab::policy::LIST, |policy| {
                let description = &policy.description;
                (description.name, description.about, description.source)
            })
        },
    },
    Family {
        name: "admissions",
        members: || {
            of(seawall_lab::admission::LIST, |admission| {
                let description = &admission.description;
                (description.name, description.about, description.source)
            })
        },
    },
    Family {
        name: "bounds",
        members: || {
            of(seawall_lab::bound::LIST, |bound| {
                (bound.name, bound.about, bound.source)
            })
        },
    },
    Family {
        name: "validations",
        members: || {
            let of_source = |source: &&'static Source| {
                let member = |validation: &'static Validation| Member {
                    name: validation.id,
                    about: validation.what,
                    source: source.about,
                };
                source.validations.iter().map(member).collect::<Vec<_>>()
            };
            SOURCES.iter().flat_map(of_source).collect()
        },
    },
    Family {
        name: "pages",
        members: || {
            of(seawall_report::page::PAGES, |page| {
                (page.name, page.about, page.source)
            })
        },
    },
];

fn of<T>(list: &[T], facts: fn(&T) -> (&'static str, &'static str, &'static str)) -> Vec<Member> {
    list.iter()
        .map(facts)
        .map(|(name, about, source)| Member {
            name,
            about,
            source,
        })
        .collect()
}

/// The family of this name.
pub(crate) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// The names of a family's members in a line of help, wrapped by who prints it.
pub(crate) fn names(family: &str) -> String {
    let members = find(family).map_or_else(Vec::new, |family| (family.members)());
    let names: Vec<_> = members.iter().map(|member| member.name).collect();
    names.join(", ")
}
