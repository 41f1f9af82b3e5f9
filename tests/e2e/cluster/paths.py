"""Where the suite keeps things. All that a run writes is below `WORK`, which git ignores."""

from pathlib import Path

SUITE = Path(__file__).resolve().parent.parent
ROOT = SUITE.parent.parent

WORK = SUITE / "work"
BIN = WORK / "bin"
"""Programs built from Go modules: kubectl, helm, kubeconform and the cluster's own components."""

IMAGES = WORK / "images"
"""Image archives, a tar each."""

RUN = WORK / "run"
"""The state of the cluster that is up. It exists only while one is."""

LOGS = WORK / "logs"
"""What a failed run leaves to read."""
