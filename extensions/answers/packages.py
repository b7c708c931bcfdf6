"""Names that no service can have, the same on whatever Python Copier runs."""

from pathlib import Path


def _listed(name: str) -> frozenset[str]:
    return frozenset(Path(__file__).with_name(name).read_text(encoding="utf-8").split())


PACKAGES = _listed("packages.txt")
"""What a service depends on, at whatever distance, and the packages in its own folder."""
MODULES = _listed("modules.txt")
"""The standard library of every Python from 3.11 to 3.14."""
SOFT_KEYWORDS = frozenset({"case", "match", "type"})
"""Words of Python in some places, in any of them."""
