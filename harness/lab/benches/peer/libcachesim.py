"""libCacheSim's side of `cargo bench -p seawall-lab --bench peer`: one command a line in, one answer out.

The argument is a folder to keep things in: the package is installed there from the package index, and driver.c
is compiled there.

  memory POLICY PARAMS SIZE HASHPOWER IGNORE_SIZE TRACE  ->  SECONDS MISSES   (reader excluded)
  file   POLICY PARAMS SIZE HASHPOWER 0           TRACE  ->  SECONDS MISSES   (reader included)
  build                                                  ->  PROGRAM          (its command line)
  run    PROGRAM ARGUMENT...                             ->  SECONDS 0        (a whole process)

TRACE is an uncompressed oracle-general file; PARAMS is `-` where there are none. The command line is built with cmake
from the sources that the package's own archive carries.
"""
import ctypes
import glob
import os
import resource
import shlex
import subprocess
import sys
import tarfile
import venv

VERSION = "0.3.5"
DRIVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "driver.c")


def prepare(folder):
    """Installs the package and compiles the driver where that was not done; both libraries."""
    site, driver = os.path.join(folder, "venv"), os.path.join(folder, "driver.so")
    quiet = {"stdout": sys.stderr, "check": True}
    if not os.path.isdir(site):
        venv.create(site, with_pip=True)
        pip = [os.path.join(site, "bin", "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, f"libcachesim=={VERSION}"], **quiet)
    subprocess.run(["cc", "-O3", "-shared", "-fPIC", DRIVER, "-o", driver], **quiet)
    library = glob.glob(os.path.join(site, "lib/python*/site-packages/libcachesim/libcachesim_python*.so"))[0]
    return ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL), ctypes.CDLL(driver)


def build(folder):
    """Builds the command line where that was not done; its path."""
    sources = os.path.join(folder, f"libcachesim-{VERSION}", "src", "libCacheSim")
    built = os.path.join(sources, "build")
    program = os.path.join(built, "bin", "cachesim")
    quiet = {"stdout": sys.stderr, "check": True}
    if not os.path.exists(program):
        pip = [os.path.join(folder, "venv", "bin", "python"), "-m", "pip", "download", "-q"]
        archive = f"libcachesim=={VERSION}"
        subprocess.run([*pip, "--no-deps", "--no-binary", ":all:", "-d", folder, archive], **quiet)
        with tarfile.open(os.path.join(folder, f"libcachesim-{VERSION}.tar.gz")) as sources_packed:
            sources_packed.extractall(folder)
        subprocess.run(["cmake", "-S", sources, "-B", built, "-DCMAKE_BUILD_TYPE=Release"], **quiet)
        subprocess.run(["cmake", "--build", built, "--parallel", "--target", "cachesim"], **quiet)
    return program


def run(folder, command):
    """The CPU time of a process, from its start to its end. The peer writes into the folder where it runs."""
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, cwd=folder, check=True, **quiet)
    return spent() - before


def main():
    peer, driver = prepare(sys.argv[1])
    driver.replay_memory.restype = driver.replay_file.restype = ctypes.c_double
    print("ready", VERSION, flush=True)
    kept = (None, b"")
    for line in sys.stdin:
        if line.strip() == "build":
            print(build(sys.argv[1]), flush=True)
            continue
        if line.startswith("run "):
            print(f"{run(sys.argv[1], shlex.split(line)[1:]):.9f} 0", flush=True)
            continue
        kind, policy, params, size, hashpower, ignore_size, trace = line.split()
        misses = ctypes.c_uint64()
        cell = (
            getattr(peer, policy + "_init"),
            None if params == "-" else params.encode(),
            ctypes.c_uint64(int(size)),
            ctypes.c_int(int(hashpower)),
            trace.encode(),
        )
        if kind == "file":
            seconds = driver.replay_file(*cell, ctypes.byref(misses))
        else:
            if kept[0] != trace:
                with open(trace, "rb") as file:
                    kept = (trace, file.read())
            count = ctypes.c_uint64(len(kept[1]) // 24)
            seconds = driver.replay_memory(
                *cell, ctypes.c_bool(ignore_size == "1"), kept[1], count, ctypes.byref(misses)
            )
        print(f"{seconds:.9f} {misses.value}", flush=True)


main()
