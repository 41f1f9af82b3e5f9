"""Where things live. All that a run makes is below `work/`, which git ignores, or in a temporary folder."""

import os
from pathlib import Path

WIRE = Path(__file__).resolve().parent.parent
ROOT = WIRE.parent.parent
WORK = WIRE / "work"
LIBS = WORK / "libs"

TAFFRAIL_BIN = Path(os.environ.get("TAFFRAIL_BIN", ROOT / "target" / "release" / "taffrail"))
