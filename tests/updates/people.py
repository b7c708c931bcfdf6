"""What people do to a service that was generated for them."""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from hypothesis import strategies as st

from tests.output.combinations import features_of, preset, toggled
from tests.rendering import PRESETS
from tests.updates.conftest import append
from tests.updates.generations import VERSIONS
from tests.updates.test_owners import owners
from updating.imports import broken

TOGGLES = ("pubsub", "state", "invocation", "agent")


@dataclass
class Person:
    """Somebody, and the lines that are theirs."""

    service: Path
    lines: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    """By file."""
    deleted: set[str] = field(default_factory=set[str])
    count: int = 0
    starts: bool = True
    """Whether each topic still has its handler: else a service says so and does not start."""

    def files(self, *kinds: str) -> list[str]:
        """Return the files of the service that have these kinds of owner, or none of any."""
        names = [
            path.relative_to(self.service).as_posix()
            for path in self.service.rglob("*")
            if path.is_file() and ".git" not in path.parts
        ]
        return sorted(name for name in names if owners(name) == [*kinds])

    @property
    def features(self) -> list[str]:
        """What the service consists of."""
        return yaml.safe_load((self.service / ".copier-answers.yml").read_text())["features"]

    def line(self, text: str = "# mine") -> str:
        """Return a line that no other is like."""
        self.count += 1
        return f"{text} {self.count}"

    def write(self, name: str, *lines: str) -> None:
        """Add lines at the end of a file, to be kept."""
        append(self.service / name, *lines)
        self.deleted.discard(name)
        self.lines.setdefault(name, []).extend(lines)

    def insert(self, name: str, place: int) -> None:
        """Add a line somewhere in a file."""
        path = self.service / name
        old = path.read_text(encoding="utf-8").splitlines()
        line = self.line()
        place %= len(old) + 1
        if place and old[place - 1].endswith("\\"):
            place = len(old)
        path.write_text("\n".join([*old[:place], line, *old[place:]]) + "\n", encoding="utf-8")
        self.lines.setdefault(name, []).append(line)

    def functions(self) -> list[tuple[str, ast.AsyncFunctionDef]]:
        """Return the user's handlers and routes, each with its file."""
        return [
            (name, node)
            for name in self.files("users")
            if name.startswith(("app/api/", "app/handlers/")) and name.endswith(".py")
            for node in ast.parse((self.service / name).read_text(encoding="utf-8")).body
            if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list
        ]

    def replace(self, name: str, first: int, last: int, *lines: str) -> None:
        """Write other lines in the place of some, counted from 1."""
        path = self.service / name
        old = path.read_text(encoding="utf-8").splitlines()
        new = [*old[: first - 1], *lines, *old[last:]]
        path.write_text("\n".join(new) + "\n", encoding="utf-8")
        kept = [line for line in self.lines.get(name, []) if line in new]
        self.lines[name] = [*kept, *lines]

    def give_up(self, names: Iterable[str]) -> None:
        """Have nothing more of what was in modules, nor the tests that came with the service."""
        self.starts = self.starts and not any(name.startswith("app/handlers/") for name in names)
        for name in self.files("users"):
            if name.startswith("tests/test_") and not name.startswith("tests/test_mine"):
                self.delete(name)

    def delete(self, name: str) -> None:
        """Remove a file."""
        (self.service / name).unlink()
        self.lines.pop(name, None)
        self.deleted.add(name)


Edit = Callable[[Person, int], None]


def a_handler(person: Person, number: int) -> None:
    """Write a handler that imports the template's code."""
    if "pubsub" in person.features:
        person.write(
            f"app/handlers/mine_{number}.py",
            '"""Mine."""',
            "from app.services.publisher import Publisher",
            "from app.services.pubsub import Drop",
            f"MINE = (Publisher, Drop, {number})",
        )


def a_route(person: Person, number: int) -> None:
    """Write a route that imports the template's code, its logic, and a test of both."""
    person.write(f"app/domain/mine_{number}.py", '"""Mine."""', f"MINE = {number}")
    person.write(
        f"app/api/mine_{number}.py",
        '"""Mine."""',
        "from fastapi import APIRouter",
        "from app.core.config import Settings",
        f"from app.domain.mine_{number} import MINE",
        "router = APIRouter()",
        f'@router.get("/mine-{number}")',
        "def mine() -> str:",
        f'    return f"{{MINE}} {{Settings.__name__}} {number}"',
    )
    person.write(
        f"tests/test_mine_{number}.py",
        f"from app.domain.mine_{number} import MINE",
        "def test_mine() -> None:",
        f"    assert MINE == {number}",
    )


def lines_anywhere(person: Person, number: int) -> None:
    """Add a line somewhere in a file of the user's that came with the service."""
    names = [name for name in person.files("users") if name.endswith(".py")]
    person.insert(names[number % len(names)], number)


def another_function(person: Person, number: int) -> None:
    """Rewrite a test that came with the service: another name, another body."""
    names = [name for name in person.files("users") if name.startswith("tests/test_")]
    if names:
        name = names[number % len(names)]
        person.lines.pop(name, None)
        (person.service / name).write_text("")
        person.write(name, f"def test_of_mine_{number}() -> None:", f"    assert {number} >= 0")


def a_function_rewritten(person: Person, number: int) -> None:
    """Have a handler or route do something else."""
    if functions := person.functions():
        name, node = functions[number % len(functions)]
        line = f"    raise NotImplementedError({number})"
        person.replace(name, node.body[0].lineno, node.end_lineno or 0, line)
        person.give_up([])


def a_function_renamed(person: Person, number: int) -> None:
    """Give a handler or route a name of one's own."""
    if functions := person.functions():
        name, node = functions[number % len(functions)]
        line = (person.service / name).read_text().splitlines()[node.lineno - 1]
        line = line.replace(f"def {node.name}(", f"def mine_{number}_{node.name}(")
        person.replace(name, node.lineno, node.lineno, line)


def a_function_removed(person: Person, number: int) -> None:
    """Have no use for a handler or route."""
    if functions := person.functions():
        name, node = functions[number % len(functions)]
        person.replace(name, node.decorator_list[0].lineno, node.end_lineno or 0)
        person.give_up([name])


def a_module_deleted(person: Person, number: int) -> None:
    """Delete a module of the user's, and with it what can't be imported without."""
    mine = [name for name in person.files("users") if name.endswith(".py")]
    names = [name for name in mine if name.startswith("app/") and "__init__" not in name]
    name = names[number % len(names)]
    gone = {name, *broken(person.service, mine, [name])}
    if "app/setup.py" not in gone:
        for each in gone:
            person.delete(each)
        person.give_up(gone)


def a_file_deleted(person: Person, number: int) -> None:
    """Delete a test, which nothing needs."""
    names = [name for name in person.files("users") if name.startswith("tests/test_")]
    if names:
        person.delete(names[number % len(names)])


def a_file_of_the_template_deleted(person: Person, number: int) -> None:
    """Delete a test of the template's code."""
    names = [name for name in person.files("template") if name.startswith("tests/template/")]
    if names:
        person.delete(names[number % len(names)])


def a_dependency(person: Person, number: int) -> None:
    """Add a dependency below the mark."""
    path = person.service / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    mark, line = "Below: yours.\n", f'    "mine-{number}>=1",'
    first = text.index(mark) + len(mark)
    path.write_text(f"{text[:first]}{line}\n{text[first:]}", encoding="utf-8")
    person.lines.setdefault("pyproject.toml", []).append(line)


def lines_in_shared_files(person: Person, number: int) -> None:
    """Add lines below the marks."""
    names = [".env.example", ".gitignore", ".dockerignore", "README.md"]
    person.write(names[number % len(names)], person.line("# mine"))


def files_beside(person: Person, number: int) -> None:
    """Write into the places that are the user's, and files of one's own, of any bytes."""
    person.write("own.mk", f"mine-{number}: ## Mine", "\t@true")
    person.write("k8s/overlays/mine/kustomization.yaml", person.line())
    person.write("docker-compose.override.yml", person.line())
    person.write(".github/workflows/mine.yml", person.line())
    (person.service / "logo.png").write_bytes(bytes([137, number % 256, 0, 255]))
    (person.service / "latin.txt").write_bytes(b"caf\xe9\n")


EDITS: Mapping[str, Edit] = {
    each.__name__: each
    for each in (
        a_handler,
        a_route,
        lines_anywhere,
        another_function,
        a_function_rewritten,
        a_function_renamed,
        a_function_removed,
        a_module_deleted,
        a_file_deleted,
        a_file_of_the_template_deleted,
        a_dependency,
        lines_in_shared_files,
        files_beside,
    )
}

Step = tuple[str, str]
"""`edit`, `update` or `toggle`, and which."""


@dataclass(frozen=True)
class Case:
    """A life of a service."""

    service_type: str
    features: tuple[str, ...]
    python_version: str
    start: str
    steps: tuple[tuple[str, str, int], ...]
    """What is done, with what, and a number that varies it."""


def kinds() -> list[tuple[str, tuple[str, ...]]]:
    """Return each type as its preset has it, and with each feature toggled."""
    presets = [(name, features_of(name)) for name in PRESETS]
    return [(name, tuple(sorted(features))) for name, features in [*presets, *toggled()]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a life: where it starts, edits, updates that may skip versions, a toggle at times."""
    service_type, features = draw(st.sampled_from(kinds()))
    start = draw(st.integers(0, len(VERSIONS) - 2).map(lambda n: min(n, 2)))
    later = draw(st.sets(st.sampled_from(VERSIONS[start + 1 :]), min_size=1, max_size=2))
    steps: list[tuple[str, str, int]] = []

    def edits(least: int) -> None:
        chosen = st.tuples(st.sampled_from(sorted(EDITS)), st.integers(0, 200))
        for name, number in draw(st.lists(chosen, min_size=least, max_size=4, unique=True)):
            steps.append(("edit", name, number))

    edits(1)
    if draw(st.integers(0, 2)) == 0:
        needed = preset(service_type)["required_features"]
        free = [name for name in TOGGLES if name not in needed]
        steps.append(("toggle", draw(st.sampled_from(free)), 0))
    for version in sorted(later, key=VERSIONS.index):
        steps.append(("update", version, 0))
        edits(0)
    return Case(
        service_type,
        features,
        draw(st.sampled_from(["3.11", "3.14"])),
        VERSIONS[start],
        tuple(steps),
    )
