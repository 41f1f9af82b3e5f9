"""A broker as a process: started on a free port and a folder of its own, killed by its own pid.

Three kinds fill the same place in a test:

* Taffrail, `taffrail dev --port P --data DIR` (the default; `TAFFRAIL_BIN` names another binary);
* Apache Kafka from the jars in `work/libs` (`WIRE_BROKER=kafka`), to see that a test asks for Kafka's behaviour
  and not for ours;
* a broker that somebody else runs (`WIRE_BOOTSTRAP=host:port`), for the tests that need nothing but clients.
"""

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from harness import requests
from harness.paths import LIBS, TAFFRAIL_BIN
from harness.raw import Connection, ConnectionClosed
from harness.waiting import until

ANSI = re.compile(r"\x1b\[[0-9;]*m")
BAD_LINE = re.compile(r"panicked|\bERROR\b")


def free_port():
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ExternalBroker:
    """Somebody else's broker: clients may talk to it, nothing may be asked of its process or files."""

    is_kafka = False
    owns_process = False
    # Apache Kafka answers CreateTopics before the leader has heard of the topic.
    finds_topics_at_once = False

    def __init__(self, bootstrap):
        host, port = bootstrap.rsplit(":", 1)
        self.host, self.port = host, int(port)

    @property
    def bootstrap(self):
        return f"{self.host}:{self.port}"

    def connect(self, timeout=15.0):
        return Connection(self.host, self.port, timeout)


class ProcessBroker(ExternalBroker):
    """A broker that this suite starts, stops and kills."""

    owns_process = True

    def __init__(self, folder: Path, port=None):
        super().__init__(f"127.0.0.1:{port or free_port()}")
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "broker.log"
        self.process = None

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """What has to be done once, before the first start."""

    def start(self):
        """Starts the process and waits until it answers Metadata with itself in the list of brokers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        until(f"the broker on port {self.port} is ready", self._is_ready, patience=120)
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the broker ended with {self.process.returncode}:\n{self.log_text()}")
        try:
            with self.connect(timeout=5.0) as connection:
                return requests.metadata(connection, topics=[]).brokers
        except (OSError, ConnectionClosed):
            return False

    def kill(self):
        """kill -9: no farewell, no flush."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self):
        """SIGTERM, and the exit status of an orderly end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the broker ignored SIGTERM for 60 s:\n{self.log_text()[-4000:]}") from None
        return self.process.returncode

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def dispose(self):
        """Ends the process, whatever its state."""
        if self.is_running():
            self.kill()

    def log_text(self):
        return ANSI.sub("", self.log.read_text(errors="replace")) if self.log.exists() else ""

    def bad_log_lines(self):
        """Panics and errors in the broker's log; a client's misconduct is no error of the broker."""
        return [line for line in self.log_text().splitlines() if BAD_LINE.search(line)]

    def resident_bytes(self):
        """Peak resident memory since the start of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


class Taffrail(ProcessBroker):
    finds_topics_at_once = True

    def command(self):
        return [str(TAFFRAIL_BIN), "dev", "--port", str(self.port), "--data", str(self.data)]

    def prepare(self):
        if not TAFFRAIL_BIN.exists():
            raise AssertionError(f"{TAFFRAIL_BIN} isn't there: run `cargo build --release`, or set TAFFRAIL_BIN")


class ApacheKafka(ProcessBroker):
    """One node of Apache Kafka, broker and controller in one, with the settings that `taffrail dev` stands for."""

    is_kafka = True

    def __init__(self, folder, port=None):
        super().__init__(folder, port)
        self.controller_port = free_port()
        self.properties = folder / "server.properties"

    def _java(self, heap, main, *arguments):
        return ["java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-cp", f"{LIBS}/*", main, *arguments]

    def command(self):
        return self._java("512m", "kafka.Kafka", str(self.properties))

    def prepare(self):
        listeners = f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{self.controller_port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "listeners": listeners,
            "advertised.listeners": listeners,
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.data),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "10",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
        }
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        formatted = subprocess.run(
            self._java("128m", "kafka.tools.StorageTool", "format", "--standalone",
                       "-t", "4L6g3nShT-eMCtK--X86sw", "-c", str(self.properties)),
            capture_output=True, text=True, timeout=120, check=False,
        )
        assert formatted.returncode == 0, formatted.stdout + formatted.stderr

    def bad_log_lines(self):
        return []


def external_bootstrap():
    """`host:port` of a broker that is already there, or None."""
    return os.environ.get("WIRE_BOOTSTRAP")


def kind():
    """The class that this run starts."""
    chosen = os.environ.get("WIRE_BROKER", "taffrail")
    if chosen not in ("taffrail", "kafka"):
        raise ValueError(f"WIRE_BROKER is {chosen!r}; it may be `taffrail` or `kafka`")
    return ApacheKafka if chosen == "kafka" else Taffrail
