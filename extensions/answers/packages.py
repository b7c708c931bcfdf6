"""Names that no service can have: those of packages that it is installed with."""

from pathlib import Path

PACKAGES = frozenset(Path(__file__).with_name("packages.txt").read_text(encoding="utf-8").split())
"""What a service depends on, at whatever distance, and the packages in its own folder."""
