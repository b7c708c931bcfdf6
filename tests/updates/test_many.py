"""Many services are updated by one command, and a table says what became of each."""

from pathlib import Path

import pytest

from tests.rendering import commit
from tests.updates.conftest import append, generate, tag
from tests.updates.generations import replace
from updating.many import main


def test_a_table_says_what_became_of_each(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Updated, in need of somebody, refused; 1 as not all went through."""
    good, edited, refused, dirty = (
        generate(release, tmp_path / name, service_name=f"{name}-service")
        for name in ("good", "edited", "refused", "dirty")
    )
    replace(refused / ".copier-answers.yml", ("port: 8000", "port: 80000"))
    commit(refused)
    append(edited / "app/main.py", "# mine")
    commit(edited)
    append(dirty / "app/main.py", "# mine")
    append(release / "template/app/main.py", "# of the template")
    append(release / "CHANGELOG.md", "", "## 1.1.0", "", "- A bullet that", "  needs: two lines.")
    tag(release, "v1.1.0")
    assert main([str(good), str(edited), str(refused), str(dirty)]) == 1
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split() == ["service", "version", "outcome"]
    assert rows[1].endswith("1.0.0 → 1.1.0  updated, to be committed")
    assert rows[2].endswith("1.0.0 → 1.1.0  needs you: app/main.py")
    assert "1.0.0 → 1.1.0  port: 80000 is" in rows[3]
    assert rows[4].endswith("there are changes that are not committed: commit or stash them.")
    commit(good)
    assert main([str(good)]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("1.1.0    is current")
