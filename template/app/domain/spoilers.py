"""What gives a solution away: code in a text for students, found by code and not by the model.

Found is what is written as Python is, and what stands in the solution word for word. A solution
told in other words gets through. Where both readings are possible, it is code.
"""

import ast
import builtins
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from unicodedata import category, normalize
from warnings import catch_warnings

SIGN = 4
"""Characters of a line, spaces aside, that give it away."""
LONGEST = 600
"""Characters of a hint; a longer one is none."""

# What stands beside an `=`, or after a `return`, in a sentence about it.
_ENGLISH = """
    a an and are as assigns at be between both but by compares could did do does double each
    equals for from global has here how i if in instead is it its just mean means meant must need
    needs no not of on one only operator or rather set sets should sign single so statement
    statements than that the then there this to type use used uses using value values variable
    variables want was what when where which with write wrote you your
"""
_PLAIN = frozenset(_ENGLISH.split())

_FENCE = re.compile(r"```|~~~")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_QUOTES = str.maketrans('"“”‘’', "'''''", "`")
_COMMENT = re.compile(r"""("[^"\n]*"|'[^'\n]*')|#.*""")
_TICKED = re.compile(r"`([^`\n]+)`")
_BARE = re.compile(r"""[\w.]+(\(\)|:)?|\W{1,3}|'[^']*'|"[^"]*\"""")
_LABEL = re.compile(r"\n|[:;.!?]\s|\s[–—→]\s")
_DRESS = re.compile(r"^\s*(?:[-*>]|\d+[.)])\s|[.!?*_\s]+$")
_PLACE = re.compile(r"\s(?:in|is|and|or|not|if|for|else|as)\b.*")

_OPERAND = r"[\w\"'(\[{~][^\s,;]*"
_ASSIGNED = re.compile(
    r"\b(?P<name>[^\W\d]\w*)(?:\.\w+|\[[^\]\n]*\])*\s*(?:[-+*/%&|^@:]|//|\*\*|<<|>>)?=(?!=)\s*"
    rf"(?P<value>[-+]?{_OPERAND}(?:\s*[-+*/%]+\s*{_OPERAND})*)"
)
_CALL = re.compile(r"(?<![\w.])(?P<name>[^\W\d][\w.]*)\((?![\s)])")
_PLURAL = re.compile(r"\w+\(e?s\)")
_BLOCK = re.compile(r"\b(?:for|while|if|elif|with|def|class)\b[^\n]*?:")
_STATEMENT = re.compile(
    r"\b(?P<word>return|yield|raise|del|assert|global|nonlocal|import)\s+(?P<rest>[^\n;:!?]+)"
)
_TOLD = re.compile(r"\b(?:add|insert|put|try|type|use|write)\s+$", re.IGNORECASE)
_IMPORT = re.compile(r"\bfrom\s+[\w.]+\s+import\s+[\w*]+|\bimport\s+[\w.]+\s+as\s+\w+")


def gives_away(text: str, solutions: Sequence[str], own: str = "") -> bool:
    """Tell whether a text holds code, or a line of a solution, that is not in `own`.

    `own` is what the student has in front of them: code, and the error as Python tells it.
    """
    return holds_code(text, solutions, own) or holds_line(text, telling(solutions, own))


def telling(solutions: Sequence[str], own: str = "") -> list[str]:
    """Return the lines of solutions that are not in `own`; what is too short tells nothing."""
    lines = [line for text in solutions for line in _uncommented(text).splitlines()]
    long = [line for line in lines if len(_tokens(line)) > 1 and len("".join(line.split())) >= SIGN]
    given = _joined(_uncommented(own))
    return [line for line in long if _joined(line) not in given]


def holds_line(text: str, lines: Sequence[str]) -> bool:
    """Tell whether one of the lines is in a text: spaces, ticks, kinds of quotes are all one."""
    given = _joined(text)
    return any(_joined(line.rstrip().rstrip(":")) in given for line in lines)


def holds_code(text: str, solutions: Sequence[str] = (), own: str = "") -> bool:
    """Tell whether a text is too long, or holds a fence or code that is not in `own`.

    The solutions tell which words are names.
    """
    text = _seen(text)
    if len(text) > LONGEST or _FENCE.search(text):
        return True
    names, given = set(_names([*solutions, own])), _joined(_uncommented(own))
    return any(_joined(stretch) not in given for stretch in _stretches(text, names))


def _stretches(text: str, names: Collection[str]) -> Iterator[str]:
    """Yield the parts of a text that are code."""
    yield from (ticked for ticked in _TICKED.findall(text) if not _BARE.fullmatch(ticked))
    plain = text.translate(_QUOTES)
    yield from (part for part in map(_undressed, _LABEL.split(plain)) if _is_statement(part))
    yield from (match[0] for match in _IMPORT.finditer(plain))
    for match in _ASSIGNED.finditer(plain):
        value = match["value"].rstrip(".:!?*_")
        if not _is_english(match["name"], value, names):
            yield f"{plain[match.start() : match.start('value')]}{value}"
    for match in _CALL.finditer(plain):
        call = _longer(plain, match.start(), ")")
        known = match["name"] in names or hasattr(builtins, match["name"])
        if call and (known or not _PLURAL.fullmatch(call)):
            yield call
    for match in _BLOCK.finditer(plain):
        block = _longer(plain, match.start(), ":")
        if block and (match[0].startswith("for") or _is_named(block, names)):
            yield block
    for match in _STATEMENT.finditer(plain):
        told = bool(_TOLD.search(plain, 0, match.start()))
        yield from _statement(match["word"], match["rest"], names, told=told)


def _statement(word: str, rest: str, names: Collection[str], *, told: bool) -> Iterator[str]:
    """Yield the statement that begins with `word`, as far as it is one.

    One that the student is told to write is code, whatever its names look like.
    """
    words = _PLACE.sub("", rest).split()
    if not words or words[0].strip(".,") in _PLAIN:
        return
    for count in range(len(words), 0, -1):
        found = f"{word} {' '.join(words[:count])}".rstrip(".,")
        if _parsed(found):
            module = word == "import" and words[0].strip(".,") in sys.stdlib_module_names
            if told or module or _is_named(found, names):
                yield found
            return


def _is_english(name: str, value: str, names: Collection[str]) -> bool:
    """Tell whether `name = value` is no assignment, but speaks of one."""
    alone = value.isidentifier()
    return alone and any(word.lower() in _PLAIN and word not in names for word in (name, value))


def _is_named(code: str, names: Collection[str]) -> bool:
    """Tell whether code has in it what English has not: a name of the program's, a sign."""
    tree = _parsed(code)
    nodes = [*ast.walk(tree)] if tree else []
    signs = ast.Call | ast.BinOp | ast.Subscript | ast.List | ast.Dict | ast.Tuple | ast.JoinedStr
    if any(isinstance(node, signs) or _is_value(node) for node in nodes):
        return True
    if any(isinstance(node, ast.Compare) and re.search("[<>=]", code) for node in nodes):
        return True
    return any(_is_name(word, names) for word in _identifiers(nodes))


def _is_value(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is not None


def _is_name(word: str, names: Collection[str]) -> bool:
    odd = len(word) == 1 or "_" in word or not word.isalpha()
    return word in names or (odd and word.lower() not in _PLAIN)


def _names(texts: Sequence[str]) -> Iterator[str]:
    """Yield the names of programs, and those that prose puts in quotes."""
    for line in (line.strip() for text in texts for line in text.splitlines()):
        yield from re.findall(r"['`](\w+)['`]", line)
        if (tree := _parsed(line)) and not line.isidentifier():
            yield from _identifiers([*ast.walk(tree)])


def _identifiers(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.alias(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.Attribute(attr=name):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case _:
                pass


def _is_statement(text: str) -> bool:
    """Tell whether all of a text is one statement and more than an expression."""
    tree = _parsed(text)
    first = tree.body[0] if tree and tree.body else None
    noted = isinstance(first, ast.AnnAssign) and first.value is None
    return not (first is None or noted or isinstance(first, ast.Expr | ast.Pass))


def _longer(text: str, start: int, end: str) -> str:
    """Return the first stretch from `start` to a sign `end`, on the line, that is code."""
    line = text[start:].split("\n", 1)[0]
    ends = [at + 1 for at, sign in enumerate(line) if sign == end]
    return next((line[:at] for at in ends[:4] if _parsed(line[:at])), "")


def _parsed(code: str) -> ast.Module | None:
    """Return code as a tree, a block that is only begun too; None where it is none."""
    code = re.sub(r"^el(?=if\b)", "", code.strip())
    try:
        with catch_warnings(action="ignore"):
            return ast.parse(f"{code} pass" if code.endswith(":") else code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _undressed(text: str) -> str:
    return _DRESS.sub("", text)


def _uncommented(code: str) -> str:
    return _COMMENT.sub(r"\1", code)


def _seen(text: str) -> str:
    """Return a text as it is read: without signs that nobody sees, with wide letters as usual."""
    signs = (sign for sign in text if category(sign) != "Cf")
    return "".join(sign if sign == "…" else normalize("NFKC", sign) for sign in signs)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(_seen(text).translate(_QUOTES))


def _joined(text: str) -> str:
    return f" {' '.join(_tokens(text))} "
