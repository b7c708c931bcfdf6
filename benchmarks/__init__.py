"""What is measured: each figure beside a baseline of the same run, as machines differ."""

import sys
from pathlib import Path

# `app` and `dev` are the template's, used where they stand.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "template"))
