#!/usr/bin/env python3
"""Records the file reads of real programs as an access trace of 4 KiB blocks.

    python3 record.py record OUT.strace -- COMMAND...     runs COMMAND under strace
    python3 record.py convert OUT.strace OUT.oracleGeneral.zst

One request is one block that a `read`, `pread64`, `readv` or `preadv` of a regular file touched, in the
order in which the calls ended. Blocks of mapped files are left out: strace sees a mapping, not which
pages are used. Reads served from the kernel's page cache are in: it is the page cache's own load.

An object is a block of a file. Files are numbered in the order of first appearance, so an id tells
nothing about names:

    id = file number << 24 | block number

The output is libCacheSim's `oracleGeneral`: little-endian records of 24 bytes
{u32 seconds since the first request, u64 id, u32 size (4096), i64 index of the next request
for this id, counted from 0, or -1}.

Needs Python 3.10, `strace` (to record) and `zstd`.
"""

import re
import struct
import subprocess
import sys
from pathlib import Path

BLOCK = 4096
CALLS = (
    "openat,open,read,pread64,readv,preadv,lseek,close,dup,dup2,dup3,fcntl,clone,clone3,fork,vfork"
)
LINE = re.compile(r"(\w+)\((.*)\) += (-?\d+)")
FILE = re.compile(r"(\d+)<(/[^>]*)>")
NO_FILES = ("/proc/", "/dev/", "/sys/")


def record(out: str, command: list[str]) -> None:
    options = ["-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-ttt", "-e", "signal=none"]
    subprocess.run(["strace", *options, "-e", "trace=" + CALLS, "-o", out, *command], check=True)


class Offset:
    """An open file's offset, shared by descriptors that `dup` or `fork` copied."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = 0


def calls(path: str):
    """Yields (process, seconds, call, arguments, result) in the order in which calls ended."""
    unfinished = {}
    with open(path, errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            try:
                pid, seconds, rest = line.rstrip("\n").split(None, 2)
            except ValueError:
                sys.exit(f"{path}:{number}: expected PID, time and a call, as `strace -f -ttt` writes")
            if rest.endswith("<unfinished ...>"):
                unfinished[pid] = rest.removesuffix("<unfinished ...>").rstrip()
                continue
            if rest.startswith("<... "):
                rest = unfinished.pop(pid, "") + rest.partition(" resumed>")[2]
            found = LINE.match(rest)
            if found:
                yield pid, float(seconds), found[1], found[2], int(found[3])


def blocks(path: str):
    """Yields (seconds, path, block) for every block that was read."""
    tables: dict[str, dict[str, Offset]] = {}
    for pid, seconds, call, arguments, result in calls(path):
        if result < 0:
            continue
        table = tables.setdefault(pid, {})
        if call in ("clone", "clone3", "fork", "vfork"):
            # A thread shares the table, a process copies it; both share the offsets.
            tables[str(result)] = table if "CLONE_FILES" in arguments else dict(table)
            continue
        if call in ("open", "openat"):
            table[str(result)] = Offset()
            continue
        found = FILE.match(arguments)
        if not found or found[2].startswith(NO_FILES):
            continue
        fd, file = found[1], found[2]
        offset = table.setdefault(fd, Offset())
        if call == "close":
            table.pop(fd, None)
        elif call in ("dup", "dup2", "dup3") or (call == "fcntl" and "F_DUPFD" in arguments):
            table[str(result)] = offset
        elif call == "lseek":
            offset.at = result
        elif call in ("read", "readv", "pread64", "preadv") and result > 0:
            if call.startswith("p"):
                begin = int(arguments.rpartition(", ")[2])
            else:
                begin = offset.at
                offset.at += result
            for block in range(begin // BLOCK, (begin + result - 1) // BLOCK + 1):
                yield seconds, file, block


def convert(strace: str, out: str) -> None:
    files: dict[str, int] = {}
    times, ids = [], []
    for seconds, file, block in blocks(strace):
        assert block < 1 << 24, f"{file} is longer than 64 GiB"
        times.append(seconds)
        ids.append(files.setdefault(file, len(files)) << 24 | block)
    following: dict[int, int] = {}
    nexts = [-1] * len(ids)
    for index in range(len(ids) - 1, -1, -1):
        nexts[index] = following.get(ids[index], -1)
        following[ids[index]] = index
    begin = times[0] if times else 0.0
    records = bytearray()
    for seconds, object_id, next_index in zip(times, ids, nexts):
        records += struct.pack("<IQIq", max(0, int(seconds - begin)), object_id, BLOCK, next_index)
    subprocess.run(["zstd", "-19", "--ultra", "--long=27", "-q", "-f", "-o", out], input=bytes(records), check=True)
    size = Path(out).stat().st_size
    print(f"{len(ids)} requests, {len(following)} objects, {len(files)} files, {size} bytes")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", out, "--", *command] if command:
            record(out, command)
        case ["convert", strace, out]:
            convert(strace, out)
        case _:
            sys.exit(__doc__)
