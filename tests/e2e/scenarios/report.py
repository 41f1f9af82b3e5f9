"""Figures that a run measures. They are shown at its end and kept in `work/report.md`; nothing asserts them."""

from collections import defaultdict

from cluster.paths import WORK

FILE = WORK / "report.md"


class Report:
    """What one run has to tell."""

    def __init__(self):
        self._figures = []
        self._seconds = defaultdict(float)
        self._failed = set()

    def add(self, what, figure):
        """Takes in a figure, with its unit."""
        self._figures.append((what, figure))

    def took(self, test, seconds, failed):
        """Takes in a phase of a test."""
        self._seconds[test] += seconds
        if failed:
            self._failed.add(test)

    def text(self):
        """The report as Markdown."""
        lines = ["# End-to-end run", "", "| figure | |", "|---|---|"]
        lines += [f"| {what} | {figure} |" for what, figure in self._figures]
        lines += ["", "| scenario | seconds | |", "|---|---:|---|"]
        for test, seconds in self._seconds.items():
            lines.append(f"| {test} | {seconds:.1f} | {'failed' if test in self._failed else ''} |")
        lines += ["", f"All scenarios together took {sum(self._seconds.values()):.0f} s.", ""]
        return "\n".join(lines)

    def figures(self):
        """The figures alone, a line each."""
        return [f"{what}: {figure}" for what, figure in self._figures]

    def write(self):
        """Keeps the report."""
        FILE.write_text(self.text())
