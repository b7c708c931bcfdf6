"""What a switch of features does to the user's files."""

from dataclasses import dataclass, field
from pathlib import Path

from updating.parked import PARKED
from updating.topics import HANDLERS, handled_in


@dataclass
class Moves:
    """What happened to the user's files; each is a name."""

    parked: list[str] = field(default_factory=list[str])
    restored: list[str] = field(default_factory=list[str])
    started: list[str] = field(default_factory=list[str])
    ended: list[str] = field(default_factory=list[str])
    """Starters that nobody had changed; they would come again."""
    cut: list[str] = field(default_factory=list[str])
    """Modules that lost the handlers of a topic, and go on with others."""
    removed: list[str] = field(default_factory=list[str])
    """Files of what is off that the user had removed."""
    blocked: list[str] = field(default_factory=list[str])
    """Parked files whose place is taken."""
    unfit: list[str] = field(default_factory=list[str])
    """Parked edits that don't fit what the template has there now."""

    def lost(self, folder: Path) -> set[str]:
        """Return the topics whose handlers are parked now."""
        paths = [folder / PARKED / name for name in self.parked if name.startswith(HANDLERS)]
        return {topic for path in paths if path.is_file() for topic in handled_in(path)}


@dataclass(frozen=True)
class Starters:
    """What is the user's from the start, as the template has it before and after."""

    old: Path
    new: Path
    before: frozenset[str]
    after: frozenset[str]
