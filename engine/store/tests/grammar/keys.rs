//! What goes for keys of every kind: expiry, deletion, questions about them; the connection.

use super::Family;

pub const FAMILY: Family = Family {
    name: "keys",
    kinds: &[],
    rules: &[
        "expire $key $s [nx|xx|gt|lt|xx gt|lt xx]",
        "pexpire $key $ms [nx|xx|gt|lt]",
        "expireat $key $at [nx|xx|gt|lt]",
        "pexpireat $key $atms [nx|xx|gt|lt]",
        "expire $key $passed [nx|xx|gt|lt]",
        "pexpireat $key $passed",
        "ttl $key",
        "pttl $key",
        "expiretime $key",
        "pexpiretime $key",
        "persist $key",
        "del ($key)+",
        "unlink $key",
        "exists ($key)+",
        "touch ($key)+",
        "type $key",
        "dbsize",
        "ping [$value]",
        "echo $value",
        "nosuch ($value)+",
    ],
    draw: |_, _| None,
};
