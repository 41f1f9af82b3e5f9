"""The lines that the README tells people to type."""

import re
from functools import cache

from cluster.paths import ROOT


@cache
def kubernetes_lines():
    """The commands of the first block below "On Kubernetes": install, apply, wait, produce."""
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## On Kubernetes\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "the README has no section `On Kubernetes`"
    block = re.search(r"^```\w*\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    assert block, "the README's section `On Kubernetes` has no block of commands"
    lines = block[1].splitlines()
    assert len(lines) == 4, f"the README promises four lines and has {len(lines)}"
    return lines
