"""Runs the sections of a client's script, and says of each whether it held.

One line a section on standard output, `passed NAME` or `failed NAME: WHY`; the driver reads them.
It is no test framework: a section is a function that asserts, and every one begins on an empty
server.
"""

import asyncio
import inspect
import linecache
import sys
import time
import traceback
from collections.abc import Callable

SECTIONS: list[tuple[str, Callable]] = []


def section(name: str):
    """Makes a function a section. Several functions may share a name: all of them must hold."""

    def register(function: Callable) -> Callable:
        SECTIONS.append((name, function))
        return function

    return register


def refused(error: type[Exception], text: str, call: Callable, *args, **kwargs) -> None:
    """Asserts that a call raises exactly this error, whose text begins so."""
    try:
        answer = call(*args, **kwargs)
    except error as found:
        assert type(found) is error, f"{type(found)} instead of {error}"
        assert str(found).startswith(text), f"{found} instead of {text}"
    else:
        raise AssertionError(f"answered {answer!r} instead of {text}")


def eventually(holds: Callable, what: str, seconds: float = 5.0):
    """Waits until `holds()` is true, and gives what it answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := holds():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what}: not within {seconds} s")


def run(begin: Callable) -> int:
    """Runs every section with what `begin()` gives, and returns the exit status."""
    failed: dict[str, str] = {}
    for name, function in SECTIONS:
        try:
            done = function(begin())
            if inspect.iscoroutine(done):
                asyncio.run(done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the section did not hold
            failed.setdefault(name, f"{function.__name__}: {told(error)}")
    for name in dict.fromkeys(name for name, _ in SECTIONS):
        print(f"failed {name}: {failed[name]}" if name in failed else f"passed {name}")
    return 1 if failed else 0


def told(error: Exception) -> str:
    """An error on one line, with the line of the script that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    here = [frame for frame in frames if "site-packages" not in frame.filename]
    place = (here or frames)[-1]
    line = linecache.getline(place.filename, place.lineno or 0).strip()
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text[:300]} at {place.filename}:{place.lineno}: {line}"


def arguments() -> dict[str, str]:
    """The words `NAME=VALUE` of the command line."""
    return dict(word.split("=", 1) for word in sys.argv[1:])
