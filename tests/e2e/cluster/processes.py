"""Daemons, each recorded by its process id and start time, so that only what was started here is ever stopped.

A process id alone would not do: it may belong to somebody else by the time it is used.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from .paths import RUN

PIDS = RUN / "pids"


def start(name, args, log, env=None):
    """Starts a program in a session of its own, so that a terminal's Ctrl-C doesn't reach it, and records it."""
    PIDS.mkdir(parents=True, exist_ok=True)
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as sink:
        process = subprocess.Popen(
            [str(arg) for arg in args],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env=env,
        )
    record = {"pid": process.pid, "began": _began(process.pid)}
    (PIDS / f"{name}.json").write_text(json.dumps(record))
    return process.pid


def names():
    """The names of all recorded daemons."""
    return sorted(path.stem for path in PIDS.glob("*.json"))


def pid(name):
    """The process id of a recorded daemon, or None when it is gone."""
    try:
        record = json.loads((PIDS / f"{name}.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    alive = record["began"] is not None and _began(record["pid"]) == record["began"]
    return record["pid"] if alive else None


def stop(name, sig=signal.SIGTERM, patience=5.0):
    """Ends a daemon: asks with `sig`, insists with SIGKILL when it is still there after `patience` seconds."""
    running = pid(name)
    if running is not None:
        send(name, sig)
        deadline = time.monotonic() + patience
        while pid(name) is not None:
            if time.monotonic() > deadline:
                send(name, signal.SIGKILL)
            _reap(running)
            time.sleep(0.02)
    (PIDS / f"{name}.json").unlink(missing_ok=True)


def send(name, sig):
    """Sends a signal to a daemon; one that is gone needs none."""
    running = pid(name)
    if running is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running, sig)


def _reap(running):
    """Collects the exit status when the daemon is this process's own child."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(running, os.WNOHANG)


def _began(running):
    """When a process started, in the kernel's ticks; None for one that is gone or only waits to be collected."""
    try:
        stat = Path(f"/proc/{running}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
