"""A template with five releases: this tree, and four with the changes that releases bring.

v1.1.0  a file more, others changed, starters changed
v1.2.0  a file renamed and changed, a question more
v2.0.0  a question renamed, a choice and a file removed, a dependency moved, another one more
v2.1.0  a feature more, with questions and starters
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.rendering import commit, git, release

MIGRATION = """\
  - version: {version}
    when: "{{{{ _stage in ['before', 'after'] }}}}"
    command: ["{{{{ _copier_python }}}}", "-B",
              "{{{{ _copier_conf.src_path }}}}/migrations/migrate.py",
              "{{{{ _stage }}}}", {arguments}]
"""
AUDIT = '''\
"""Audit: who did what."""

from typing import ClassVar

from .service import Section


class AuditConfig(Section):
    """Where it is written."""

    section: ClassVar[str] = "audit"

    trail: str = "audit"
'''
FEATURE = '''\
"""Audit: a feature that came later."""

from app.core.declaration.audit import AuditConfig
from app.core.feature import Feature

feature = Feature(name="audit", section=AuditConfig)
'''
SECTION = """\
{%- if 'audit' in features %}

audit:
  trail: {{ audit_trail | quoted }}
{%- endif %}
"""
QUESTION = """\
audit_trail:
  type: str
  help: Where is it written who did what?
  when: "{{ 'audit' in features }}"
  default: "{{ preset(service_type).audit_trail }}"
  validator: "{{ complaint('audit_trail', audit_trail) }}"

"""


REMOVED = {"v2.0.0": "\n### Removed\n\n- `app/core/build.py`: nothing asked for it.\n"}
MEANING = "\nFor existing services: an update brings it.\n"


def make(template: Path) -> Path:
    """Make the releases."""
    release(template)
    for version, change in RELEASES.items():
        change(template)
        with (template / "CHANGELOG.md").open("a", encoding="utf-8") as changelog:
            changelog.write(f"\n## {version}\n{REMOVED.get(version, '')}{MEANING}")
        commit(template, version)
        git(template, "tag", version)
    git(template, "repack", "-adq")
    return template


def replace(path: Path, *pairs: tuple[str, str]) -> None:
    """Replace texts in a file, each of which is there."""
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, f"{path} has no {old!r}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def migration(template: Path, version: str, *arguments: str) -> None:
    """Add a migration, after those that are there."""
    entry = MIGRATION.format(
        version=version, arguments=", ".join(f'"{each}"' for each in arguments)
    )
    after = "\n_message_after_copy:"
    questions = template / "copier.yml"
    text = questions.read_text(encoding="utf-8").replace("_migrations: []\n", "_migrations:\n")
    questions.write_text(text.replace(after, f"{entry}{after}"), encoding="utf-8")


def one_more_file(template: Path) -> None:
    """v1.1.0."""
    app = template / "template/app"
    (app / "core/build.py").write_text('"""Which build this is."""\n\nBUILD = 1\n')
    for name in ("main.py", "core/health.py", "core/config.py", "setup.py", "api/items.py"):
        text = (app / name).read_text(encoding="utf-8")
        # Every docstring, all over the file.
        (app / name).write_text(re.sub(r'"""(?=[A-Z])', '"""Newer: ', text), encoding="utf-8")
    replace(template / "template/Dockerfile.jinja", ("WORKDIR /srv\n", "WORKDIR /service\n"))
    replace(template / "template/README.md.jinja", ("## Endpoints\n", "## Paths\n"))


def one_more_question(template: Path) -> None:
    """v1.2.0."""
    app = template / "template/app"
    (app / "core/middleware.py").rename(app / "core/wrapping.py")
    replace(app / "main.py", ("app.core.middleware", "app.core.wrapping"))
    with (app / "core/wrapping.py").open("a") as file:
        file.write("\n\nNEWER = True\n")
    migration(template, "v1.2.0", "moved", "app/core/middleware.py", "app/core/wrapping.py")
    replace(
        template / "copier.yml",
        (
            "features:\n  type: str\n",
            "team:\n  type: str\n  help: Whose is it?\n"
            '  default: "{{ preset(service_type).team }}"\n\n'
            "features:\n  type: str\n",
        ),
    )
    replace(
        template / "extensions/answers/table.py",
        (
            '    "features": Question("service", "features", "choices"),\n',
            '    "team": Question("service", "team", "str"),\n'
            '    "features": Question("service", "features", "choices"),\n',
        ),
    )
    replace(
        app / "core/declaration/service.py",
        ("    features: list[str]", '    team: str = "platform"\n    features: list[str]'),
    )
    replace(
        app / "service.yaml.jinja",
        ("  features: [", "  team: {{ team | quoted }}\n  features: ["),
    )


def one_question_renamed(template: Path) -> None:
    """v2.0.0."""
    migration(template, "v2.0.0", "renamed", "consumer_group", "group_prefix")
    migration(template, "v2.0.0", "chosen", "python_version", "3.14", "3.13")
    questions = template / "copier.yml"
    replace(questions, ("consumer_group", "group_prefix"), (', "3.14"]', "]"))
    replace(questions, ('"renamed", "group_prefix"', '"renamed", "consumer_group"'))
    table = template / "extensions/answers/table.py"
    replace(
        table,
        ('"consumer_group": Question', '"group_prefix": Question'),
        ("RETIRED: frozenset[str] = frozenset()", 'RETIRED = frozenset({"consumer_group"})'),
        ('"3.13", "3.14")', '"3.13")'),
    )
    for path in (template / "presets").glob("*.yml"):
        path.write_text(path.read_text().replace("consumer_group:", "group_prefix:"))
    for path in (template / "template").rglob("*.jinja"):
        path.write_text(re.sub(r"({{[^}]*)\bconsumer_group\b", r"\1group_prefix", path.read_text()))
    (template / "template/app/core/build.py").unlink()
    replace(
        template / "template/pyproject.toml.jinja",
        ('    "structlog>=26.1",\n', ""),
        ("dependencies = [\n{%-", 'dependencies = [\n    "structlog>=26.2",\n{%-'),
        ('    "pyyaml>=6.0.3",\n', '    "orjson>=3.11",\n    "pyyaml>=6.0.3",\n'),
    )


def one_more_feature(template: Path) -> None:
    """v2.1.0."""
    app = template / "template/app"
    (app / "core/declaration/audit.py").write_text(AUDIT)
    (app / "features/audit.py").write_text(FEATURE)
    (app / "domain/audit.py").write_text('"""What is worth an entry: yours to say."""\n')
    replace(
        template / "copier.yml",
        (
            '    "agent: asks a language model": agent\n',
            '    "agent: asks a language model": agent\n    "audit: notes who did what": audit\n',
        ),
        (
            "# Refuses answers that don't fit together",
            f"{QUESTION}# Refuses answers that don't fit together",
        ),
        (
            "  # a sidecar\n",
            "  # audit\n  - |\n    {% if 'audit' not in features %}\n"
            "    app/core/declaration/audit.py\n    app/features/audit.py\n"
            "    app/domain/audit.py\n"
            "    {% endif %}\n\n  # a sidecar\n",
        ),
    )
    table = template / "extensions/answers/table.py"
    replace(
        table,
        (
            "from .declaration.agent import AgentConfig\n",
            "from .declaration.agent import AgentConfig\n"
            "from .declaration.audit import AuditConfig\n",
        ),
        ("InvokeConfig, AgentConfig)", "InvokeConfig, AgentConfig, AuditConfig)"),
        (
            '    "max_history": Question("agent", "max_history", "int"),\n',
            '    "max_history": Question("agent", "max_history", "int"),\n'
            '    "audit_trail": Question("audit", "trail", "str"),\n',
        ),
    )
    with (app / "service.yaml.jinja").open("a") as file:
        file.write(SECTION)


RELEASES: Mapping[str, Callable[[Path], None]] = {
    "v1.1.0": one_more_file,
    "v1.2.0": one_more_question,
    "v2.0.0": one_question_renamed,
    "v2.1.0": one_more_feature,
}
VERSIONS = ("v1.0.0", *RELEASES)
