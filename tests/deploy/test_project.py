"""pyproject, Makefile, README, environment file and CI agree with each other."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.service import Rendered

REPOSITORY = Path(__file__).parents[2]
DEPENDENCIES = {"pubsub": {"dapr[fastapi]"}, "agent": {"httpx2", "openai", "opentelemetry-api"}}
ALWAYS = {
    "fastapi",
    "prometheus-client",
    "pydantic",
    "pydantic-settings",
    "python-dotenv",
    "pyyaml",
    "structlog",
    "uvicorn[standard]",
}


def test_the_project_is_the_declared_service(service: Rendered) -> None:
    """Name, version, Python and description, whatever characters it has."""
    project, declared = service.toml("pyproject.toml")["project"], service.declaration["service"]
    assert project["name"] == service.name
    assert project["version"] == declared["version"]
    assert project["requires-python"] == f">={declared['python_version']}"
    assert project["description"] == " ".join(declared["description"].split())


def test_dependencies_are_those_of_the_features(service: Rendered) -> None:
    """Each with a lower bound and no upper one."""
    given = service.toml("pyproject.toml")["project"]["dependencies"]
    names = {re.split(r">=", each)[0] for each in given}
    expected = set(ALWAYS).union(*(DEPENDENCIES.get(each, set()) for each in service.features))
    if service.uses_sidecar:
        expected.add("aiohttp")
    assert names == expected
    assert all(re.fullmatch(r"[a-z0-9\[\]-]+>=[\d.]+", each) for each in given)


def test_lower_bounds_are_what_the_repository_tests_with(service: Rendered) -> None:
    """A bound that stands in both places is the same in both."""
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    tested = {re.split(r">=", each)[0]: each for each in [*groups["service"], *groups["dev"]]
              if isinstance(each, str)}  # fmt: skip
    project = service.toml("pyproject.toml")
    for each in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]:
        assert tested.get(re.split(r">=", each)[0], each) == each


def test_the_linters_follow_the_python_version(service: Rendered) -> None:
    """Ruff and pyright judge the user's code by the declared version."""
    tool, version = (
        service.toml("pyproject.toml")["tool"],
        service.declaration["service"]["python_version"],
    )
    assert tool["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    assert tool["pyright"]["pythonVersion"] == version
    assert tool["pyright"]["typeCheckingMode"] == "strict"


def test_the_rules_are_the_repository_s(service: Rendered) -> None:
    """The template's Python is checked by the same rules here and there."""
    here = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["ruff"]
    there = service.toml("pyproject.toml")["tool"]["ruff"]
    assert there["line-length"] == here["line-length"]
    assert there["lint"] == {key: here["lint"][key] for key in there["lint"]}


def test_the_contracts_name_packages_that_are_there(service: Rendered) -> None:
    """import-linter refuses a contract about a package that does not exist."""
    contracts = service.toml("pyproject.toml")["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        for name in contract.get("forbidden_modules", []) + contract.get("source_modules", []):
            if name.startswith("app."):
                assert service.has(name.replace(".", "/"))


def test_help_lists_every_command(service: Rendered) -> None:
    """So does the README."""
    makefile = service.text("Makefile")
    phony = " ".join(re.findall(r"^\.PHONY: (.+)$", makefile, re.M)).split()
    done = subprocess.run(
        ["make", "help"], cwd=service.root, capture_output=True, text=True, check=True
    )
    assert sorted(re.findall(r"^  make (\S+)", done.stdout, re.M)) == sorted(phony)
    table = re.findall(r"^\| `make (\S+)`", service.text("README.md"), re.M)
    assert sorted(table) == sorted(phony)


def test_own_commands_have_a_place(service: Rendered, tmp_path: Path) -> None:
    """`own.mk` is read where it is, and help lists what is in it."""
    shutil.copy(service.root / "Makefile", tmp_path)
    (tmp_path / "own.mk").write_text("deploy: ## Deploy it\n\t@echo deployed\n")
    said = [
        subprocess.run(["make", goal], cwd=tmp_path, capture_output=True, text=True, check=True)
        for goal in ("deploy", "help")
    ]
    assert said[0].stdout == "deployed\n"
    assert re.search(r"make deploy +Deploy it\n", said[1].stdout)


def test_an_old_python_is_named(service: Rendered, tmp_path: Path) -> None:
    """`make setup` ends with one clear line where no Python is new enough."""
    shutil.copy(service.root / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    done = subprocess.run(
        ["make", "setup", "PYTHON=false", "RECENT=raise SystemExit(1)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    version = service.declaration["service"]["python_version"]
    assert done.returncode == 2
    assert done.stderr.startswith(f"Python {version} or later is needed")
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def stand_in(service: Rendered, tmp_path: Path) -> Path:
    """Return a folder with the service's Makefile and an environment that needs no renewal."""
    root = tmp_path / "service"
    shutil.copytree(service.root / "app/core", root / "app/core")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(service.root / name, root)
    for name in ("dapr", "dapr/components"):
        if service.has(name):
            (root / name).mkdir()
    script(root / ".venv/bin/python", f'exec {sys.executable} "$@"')
    (root / ".venv/.ready").touch()
    return root


def script(path: Path, line: str) -> None:
    """Write a shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def run_with_dapr(folder: Path, says: str, **variables: str) -> list[str]:
    """Return the lines of a Dapr that `make run` finds; `says` is what its `printf` prints."""
    script(folder / "bin/dapr", f"printf '%s\\n' {says}")
    done = subprocess.run(
        ["make", "run"],
        cwd=folder,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_run_says_that_dapr_is_missing(service: Rendered, stand_in: Path) -> None:
    """One line with the way out, and not 0."""
    if not service.uses_sidecar:
        return
    done = subprocess.run(
        ["make", "run"],
        cwd=stand_in,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("The Dapr CLI is missing: https://")


def test_run_hands_the_declaration_to_dapr(service: Rendered, stand_in: Path) -> None:
    """App-id, port, configuration and the folders that are there."""
    if not service.uses_sidecar:
        return
    words = run_with_dapr(stand_in, '"$@"')
    options = list(pairwise(words))
    assert ("--app-id", service.name) in options
    assert ("--app-port", str(service.port)) in options
    assert ("--config", "dapr/config.yaml") in options
    folders = [value for option, value in options if option == "--resources-path"]
    assert folders == ["dapr", *(["dapr/components"] if service.has("dapr/components") else [])]
    assert words[-4:] == ["--", ".venv/bin/python", "-m", "app"]


def test_run_reads_the_environment_file_as_the_service_does(
    service: Rendered, stand_in: Path
) -> None:
    """It is no shell script; its port is Dapr's, too, and the environment wins over it."""
    if not service.uses_sidecar:
        return
    lines = ["APP_API_TOKEN=a$b#c&d", "DAPR_API_TOKEN=file", "APP_PORT=9999", "REDIS_HOST=r 1"]
    (stand_in / ".env").write_text("\n".join(lines))
    says = '"$APP_API_TOKEN" "$DAPR_API_TOKEN" "$REDIS_HOST" "$UNDER_DAPR" "$@"'
    token, sidecars, store, script, *words = run_with_dapr(stand_in, says, DAPR_API_TOKEN="given")
    assert (token, sidecars, store, script) == ("a$b#c&d", "given", "r 1", "")
    assert ("--app-port", "9999") in pairwise(words)


def settings(service: Rendered) -> set[str]:
    """Return the variables that the service reads: fields of its settings, `Environment`s."""
    found: set[str] = set()
    for path in (service.root / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and "Environment" in map(ast.unparse, node.bases):
                found |= {
                    statement.target.id.upper()
                    for statement in node.body
                    if isinstance(statement, ast.AnnAssign)
                    and isinstance(statement.target, ast.Name)
                }
    return found


def test_the_environment_file_lists_every_variable(service: Rendered) -> None:
    """Those of the features that are on, each explained, each commented out, no secret."""
    lines = service.text(".env.example").splitlines()
    assert all(line == "" or line.startswith("# ") for line in lines)
    listed = re.findall(r"^# ([A-Z_]+)=", service.text(".env.example"), re.M)
    assert len(listed) == len(set(listed))
    assert set(listed) == settings(service)
    assert not re.search(r"(KEY|TOKEN)=.", service.text(".env.example"))


def test_the_readme_names_only_variables_that_are(service: Rendered) -> None:
    """And the addresses that `make run` reads."""
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", service.text("README.md")))
    assert named <= settings(service) | {"KAFKA_BROKERS", "REDIS_HOST"}


def test_manifests_set_only_variables_that_are(service: Rendered) -> None:
    """ConfigMap, Secrets, image and Compose set what the service reads."""
    known = settings(service)
    assert service.object("ConfigMap")["data"].keys() <= known
    assert {each["name"] for each in service.container().get("env", [])} <= known
    assert service.yaml("docker-compose.yml")["services"]["app"]["environment"].keys() <= known


def test_ci_runs_the_commands_on_the_declared_python(service: Rendered) -> None:
    """What CI does, a person can do."""
    jobs = service.yaml(".github/workflows/ci.yml")["jobs"]
    steps = jobs["test"]["steps"]
    versions = [step["with"]["python-version"] for step in steps if "with" in step]
    assert versions == [service.declaration["service"]["python_version"]]
    assert {step["run"] for step in steps if "run" in step} == {"make check", "make test"}


def test_no_folder_is_empty(service: Rendered) -> None:
    """A feature that is off leaves no folder behind."""
    outside = [
        path for path in service.root.rglob("*") if not path.is_relative_to(service.root / "app")
    ]
    folders = [path for path in outside if path.is_dir()]
    assert [path for path in folders if not any(path.iterdir())] == []


def test_rendered_text_is_tidy(service: Rendered) -> None:
    """One newline at the end, no blank line doubled, none after an opening or before an end."""
    for path in service.root.rglob("*"):
        if path.is_file() and path.suffix in {".toml", ".yaml", ".yml", ".md", ".example", ""}:
            text = path.read_text(encoding="utf-8")
            assert text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
            assert not text.startswith("\n"), path
            assert "\n\n\n" not in text, path
            assert not re.search(r"[ \t]$", text, re.M), path
