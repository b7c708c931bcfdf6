"""Reading Python's error messages and tracebacks."""

import re
from dataclasses import dataclass
from hashlib import sha256

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]*)", line (?P<line>\d+)')
_ERROR = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?::\s*(?P<message>.*))?$")
_TYPE = re.compile(r"(Error|Exception|Warning|Group|Interrupt|Exit|Iteration)$")
_NAMED = re.compile(r"\b(?P<type>[A-Z]\w*(?:Error|Exception))\b(?::\s*(?P<message>.*))?")
_LIBRARY = re.compile(r"site-packages|[/\\]lib[/\\]python|^<frozen ")


@dataclass(frozen=True)
class PythonError:
    """What an error's text says; what it doesn't say is empty."""

    type: str
    message: str
    line: int | None = None
    source: str = ""
    """The line of code, as the traceback shows it."""

    def hash(self, user_id: str) -> str:
        """Return what tells whether a student asks about the same error: its type and context.

        The line's number is no part of it: it moves while the student edits above.
        """
        context = [user_id, self.type, _collapsed(self.message), _collapsed(self.source)]
        return sha256("\n".join(context).encode()).hexdigest()[:32]


def read_error(text: str) -> PythonError:
    """Find the error in a traceback, a message or a question.

    The last line that is an error counts, else the first error that is named at all.
    """
    lines = text.strip().splitlines()
    for at in reversed(range(len(lines))):
        match = _ERROR.match(lines[at])
        if match and _TYPE.search(match["type"]):
            line, source = _place(lines[:at])
            return PythonError(_name(match), _message(match), line, source)
    if match := _NAMED.search(text):
        return PythonError(_name(match), _message(match))
    return PythonError(type="", message=text.strip())


def _name(match: re.Match[str]) -> str:
    return match["type"].rpartition(".")[2]


def _message(match: re.Match[str]) -> str:
    return (match["message"] or "").strip()


def _place(lines: list[str]) -> tuple[int | None, str]:
    """Return the innermost line of the student's own code, by number and text."""
    found: tuple[int | None, str] = (None, "")
    for number, text in enumerate(lines):
        match = _FRAME.match(text)
        if match and (found[0] is None or not _LIBRARY.search(match["file"])):
            shown = lines[number + 1].strip() if number + 1 < len(lines) else ""
            found = (int(match["line"]), "" if _FRAME.match(shown) else shown)
    return found


def _collapsed(text: str) -> str:
    return " ".join(text.split())
