"""Programs that people use against Kafka: kcat, and Kafka's own command-line tools."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from harness.paths import LIBS

PATIENCE = 90

TOOLS = {
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
}


@dataclass
class Outcome:
    """How a program ended and what it said."""

    command: str
    status: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()

    def expect_success(self):
        assert self.status == 0, f"{self.command} ended with {self.status}\n{self.out}\n{self.err}"
        return self


def _run(shown, command, stdin=None, binary=False):
    encode = (lambda text: text.encode() if isinstance(text, str) else text)
    done = subprocess.run(command, input=encode(stdin), capture_output=True, timeout=PATIENCE, check=False,
                          stdin=subprocess.DEVNULL if stdin is None else None)
    out = done.stdout if binary else done.stdout.decode(errors="replace")
    return Outcome(shown, done.returncode, out, done.stderr.decode(errors="replace"))


class KafkaTools:
    """Kafka's tools from the jars in `work/libs`, each in a small JVM of its own."""

    def __init__(self, log4j):
        if not any(LIBS.glob("kafka-tools-*.jar")):
            raise AssertionError(f"Kafka's tools aren't in {LIBS}: tests/wire/run fetches them with Maven (pom.xml)")
        self.log4j = log4j

    def run(self, tool, *arguments, stdin=None):
        """Runs a tool to its end, whatever that is."""
        command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                   f"-Dlog4j2.configurationFile={self.log4j}", "-cp", f"{LIBS}/*", TOOLS[tool],
                   *map(str, arguments)]
        return _run(f"{tool} {' '.join(map(str, arguments))}", command, stdin)

    def against(self, broker, tool, *arguments, stdin=None):
        """Runs a tool against a broker, and expects that it succeeds."""
        return self.run(tool, "--bootstrap-server", broker.bootstrap, *arguments, stdin=stdin).expect_success()

    def dump(self, files, *arguments):
        """DumpLogSegments over files, without a word of mismatch or corruption in what it says."""
        listed = ",".join(str(file) for file in files)
        outcome = self.run("kafka-dump-log", "--files", listed, *arguments).expect_success()
        assert outcome.out.count("Dumping ") == len(files), f"{outcome.command}\n{outcome.out}\n{outcome.err}"
        complaints = [line for line in outcome.lines + outcome.err.splitlines() if is_complaint(line)]
        assert not complaints, f"{outcome.command}:\n" + "\n".join(complaints[:20])
        return outcome


COMPLAINTS = (
    "isvalid: false", "mismatch", "corrupt", "exception", "out of order", "not found in", "invalid bytes",
    "could not", "unknown",
)


def is_complaint(line):
    """DumpLogSegments ends with 0 even when it finds damage; it only says so.

    It calls every segment that doesn't begin at offset 0 "non-consecutive" too, with -1 in front of its first
    offset; only other gaps count.
    """
    gap = re.match(r"\s*(-?\d+) is followed by \d+", line)
    if gap:
        return gap.group(1) != "-1"
    return any(word in line.lower() for word in COMPLAINTS)


def kcat(broker, *arguments, stdin=None, binary=False):
    """Runs kcat against a broker, and expects that it succeeds."""
    if shutil.which("kcat") is None:
        raise AssertionError("kcat isn't there: `apt-get install kcat`; tests/wire/run does it")
    command = ["kcat", "-b", broker.bootstrap, *map(str, arguments)]
    return _run(" ".join(command), command, stdin, binary).expect_success()
