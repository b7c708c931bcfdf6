"""The curriculum: what there is to learn, in the order in which one builds on the other."""

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Concept:
    """One thing to learn."""

    name: str
    module: str
    words: tuple[str, ...]
    """What it is called in questions, in lower case; a plural `s` is understood."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the concept's words in a text."""
        words = "|".join(sorted(map(re.escape, self.words), key=len, reverse=True))
        return re.compile(rf"(?<!\w)(?:{words})(?:s|es)?(?!\w)", re.IGNORECASE)


MODULES: dict[str, dict[str, tuple[str, ...]]] = {
    "basics": {
        "variables": ("variable", "assignment", "assign"),
        "data types": ("data type", "datatype", "integer", "float", "string", "boolean", "bool"),
        "input/output": ("input/output", "print", "input()", "input function", "f-string"),
        "operators": ("operator", "modulo", "floor division", "comparison", "arithmetic"),
        "type conversion": ("type conversion", "type cast", "casting", "convert", "int()", "str()"),
    },
    "control flow": {
        "conditionals": ("conditional", "if statement", "if-statement", "elif", "else", "if/else"),
        "for loops": (
            "for loop",
            "for-loop",
            "loop",
            "iterate",
            "iterating",
            "iteration",
            "range()",
        ),
        "while loops": ("while loop", "while-loop", "while true", "infinite loop"),
        "break and continue": ("break", "continue", "break/continue"),
    },
    "data structures": {
        "lists": ("list", "list comprehension", "append", "slice", "slicing", "array"),
        "tuples": ("tuple", "unpacking", "named tuple", "namedtuple"),
        "dictionaries": ("dictionary", "dictionaries", "dict", "key-value", "hash map"),
        "sets": ("python set", "set", "frozenset", "set union", "intersection"),
    },
    "functions": {
        "defining functions": ("function", "def", "define a function", "lambda", "recursion"),
        "parameters": ("parameter", "argument", "keyword argument", "kwarg", "default value"),
        "return values": ("return value", "return statement", "return"),
        "scope": ("scope", "global variable", "local variable", "nonlocal", "closure"),
    },
    "object-oriented programming": {
        "classes": ("class", "object", "instance", "object-oriented", "oop", "constructor"),
        "attributes and methods": ("attribute", "method", "self", "__init__", "dunder"),
        "inheritance": ("inheritance", "inherit", "subclass", "superclass", "super()"),
        "encapsulation": ("encapsulation", "private attribute", "getter", "setter", "property"),
    },
    "files": {
        "reading and writing files": ("file", "open()", "read a file", "write a file", "with open"),
        "CSV": ("csv file", "comma-separated"),
        "JSON": ("json file", "json format"),
    },
    "errors": {
        "try and except": ("try/except", "try and except", "except", "finally", "error handling"),
        "exception types": ("exception", "exception type", "traceback"),
        "custom exceptions": ("custom exception", "own exception", "exception class"),
        "debugging": ("debugging", "debugger", "breakpoint", "pdb"),
    },
    "libraries": {
        "packages": ("package", "pip", "module", "import", "library", "libraries", "pypi"),
        "APIs": ("api", "rest", "http request", "endpoint"),
        "virtual environments": ("virtual environment", "venv", "virtualenv"),
    },
}
"""Module → concept → further words for it; extend it here, and routing follows."""

CONCEPTS: tuple[Concept, ...] = tuple(
    Concept(name, module, (name.lower(), *words))
    for module, concepts in MODULES.items()
    for name, words in concepts.items()
)


def find(text: str) -> Concept | None:
    """Return the concept that `text` is about: the longest words found win, then the first."""
    best: tuple[int, int, Concept] | None = None
    for concept in CONCEPTS:
        for match in concept.pattern.finditer(text):
            rank = (len(match[0]), -match.start(), concept)
            if best is None or rank[:2] > best[:2]:
                best = rank
    return best[2] if best else None


def named(name: str) -> Concept | None:
    """Return the concept of that name."""
    return next((item for item in CONCEPTS if item.name.lower() == name.strip().lower()), None)


def prerequisites(concept: Concept) -> list[str]:
    """Return what to know first: what precedes it in its module, else the module before."""
    names = list(MODULES[concept.module])
    if before := names[: names.index(concept.name)]:
        return before
    modules = list(MODULES)
    position = modules.index(concept.module)
    return list(MODULES[modules[position - 1]]) if position else []


def related(concept: Concept) -> list[str]:
    """Return the other concepts of its module."""
    return [name for name in MODULES[concept.module] if name != concept.name]
