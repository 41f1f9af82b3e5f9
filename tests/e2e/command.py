"""What `run` does once Python is there. The words of its command line are in `run`."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster import choice, packages, programs
from cluster.environment import for_clients
from cluster.machine import Unfit
from cluster.paths import IMAGES, LOGS, ROOT, SUITE, WORK
from cluster.shell import CommandFailed, run
from images import products

COMMANDS = ("all", "build", "up", "test", "exec", "down")
_PATIENCE_SECONDS = 30
_began = time.monotonic()


class Usage(Exception):
    """The command can't be done as things are. The message says what to do instead."""


def main(arguments):
    """Does one command; returns the exit status."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _interrupted)
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "all"
    if command == "exec":
        return _exec(arguments)
    parser = argparse.ArgumentParser(prog="tests/e2e/run", add_help=False, allow_abbrev=False)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--cluster", choices=choice.CHOICES, default="auto")
    parser.add_argument("-h", "--help", action="store_true")
    options, rest = parser.parse_known_args(arguments)
    if options.help:
        print("\n".join(line.lstrip("# ") for line in (SUITE / "run").read_text().split("\nset ")[0].splitlines()[1:]))
        return 0
    if rest and command not in ("all", "test"):
        raise Usage(f"tests/e2e/run {command} takes no {' '.join(rest)}")
    if command == "down":
        with _undisturbed():
            print("taken down" if choice.clear() else "nothing was up")
        return 0
    if command == "test":
        cluster = choice.running()
        if cluster is None:
            raise Usage("no cluster is up; bring one up with: tests/e2e/run up")
        cluster.load_images(_build(cluster))
        return _pytest(cluster, rest)
    if command != "build" and choice.running():
        raise Usage("a cluster is up: test on it with tests/e2e/run test, or take it down with tests/e2e/run down")
    cluster = choice.choose(options.cluster)
    say(f"cluster: {cluster.kind}")
    if command == "build":
        _build(cluster)
        return 0
    return _whole_run(cluster, rest, keep=options.keep or command == "up", test=command == "all")


def say(what):
    """Says what comes next, with the seconds since the start."""
    print(f"== {time.monotonic() - _began:5.0f} s  {what}", flush=True)


def _whole_run(cluster, pytest_arguments, keep, test):
    """Builds, brings up, tests, takes down. The cluster is taken down whatever happens, unless it is to be kept."""
    _build(cluster)
    status = None
    try:
        say("bringing the cluster up")
        cluster.up()
        if cluster.kind != "own":  # ours loads them as its nodes start
            cluster.load_images(sorted(IMAGES.glob("*.tar")))
        say("the cluster is up")
        status = _pytest(cluster, pytest_arguments) if test else 0
    except Unfit:
        keep = None  # nothing was begun, and what is there isn't this run's
        raise
    finally:
        if keep is not None:
            with _undisturbed():
                _end(cluster, failed=status != 0, keep=keep and status is not None)
    if test:
        print("\nWhat this machine can't prove:")
        for what in cluster.cannot_prove:
            print(f"  - {what}")
    return status


def _end(cluster, failed, keep):
    """Keeps the logs of a failure, and takes the cluster down or says how to reach it."""
    if failed:
        _collect(cluster)
    if keep:
        print("The cluster stays up. Reach it with:      tests/e2e/run exec kubectl get pods -A")
        print("Run tests on it with:                     tests/e2e/run test [pytest's arguments]")
        print("Take it down with:                        tests/e2e/run down")
    else:
        say("taking the cluster down")
        cluster.down()
        say("nothing is left of it")


@contextlib.contextmanager
def _undisturbed():
    """A second Ctrl-C has to wait: half taken down is worse than late."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _build(cluster):
    """Brings everything up to date that the cluster runs; returns the archives that have changed."""
    own = cluster.kind == "own"
    packages.install(own, say)
    programs.build(own, say)
    taffrail = _product("TAFFRAIL_BIN", "taffrail-broker", "taffrail")
    operator = _product("TAFFRAIL_OPERATOR_BIN", "taffrail-operator", "taffrail-operator")
    say("images")
    built = products.build_products(taffrail, operator)
    for image, _, _ in built:
        print(f"   {image.name}: {image.size() / 1e6:.1f} MB")
    return [path for _, path, changed in built + products.build_helpers(own) if changed]


def _product(variable, package, binary):
    """The binary to test: the one that the environment names, or a release build."""
    if given := os.environ.get(variable):
        path = Path(given).resolve()
        if not path.is_file():
            raise Usage(f"{variable}={given}: no such file")
        return path
    say(f"building {binary}")
    arguments = ("--release", "--locked", "--package", package, "--bin", binary)
    subprocess.run(["cargo", "build", *arguments], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / binary


def _pytest(cluster, arguments):
    """Runs pytest where an outsider of the cluster lives; returns its status."""
    say("pytest")
    command = [*cluster.prefix, sys.executable, "-m", "pytest", *arguments]
    with subprocess.Popen(command, cwd=SUITE, env=for_clients(cluster)) as process:
        try:
            return process.wait()
        except KeyboardInterrupt as interrupt:
            # pytest ends its test and says so. A terminal's Ctrl-C has reached it already, other signals have not.
            if interrupt.args:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _collect(cluster):
    """Keeps what a failed run has to say. It is best effort: the failure itself must stay visible."""
    folder = LOGS / "cluster"
    say(f"collecting logs into {folder.relative_to(ROOT)}")
    try:
        cluster.collect_logs(folder)
        kubectl = [*cluster.prefix, "kubectl"]
        for name, what in (
            ("objects", "get all,pvc,pv -A -o wide"),
            ("pods", "describe pods -A"),
            ("nodes", "describe nodes"),
        ):
            said = run(
                *kubectl, *what.split(), "--request-timeout=10s", check=False, env=for_clients(cluster), timeout=60
            )
            (folder / f"{name}.txt").write_text(said.stdout + said.stderr)
    except Exception as error:
        print(f"   incomplete: {error}")


def _exec(arguments):
    cluster = choice.running()
    if cluster is None or not arguments:
        raise Usage("tests/e2e/run exec CMD... needs a command, and a cluster that is up (tests/e2e/run up)")
    command = [*cluster.prefix, *arguments]
    environment = for_clients(cluster)
    os.execvpe(command[0], command, environment)


def _interrupted(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    try:
        sys.exit(main(sys.argv[1:]))
    except (Usage, Unfit, CommandFailed, programs.NoGo, products.TooLarge) as error:
        sys.exit(f"tests/e2e/run: {error}")
    except KeyboardInterrupt:
        sys.exit("tests/e2e/run: interrupted")
