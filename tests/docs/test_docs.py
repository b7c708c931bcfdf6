"""What the pages tell a reader to do works, and what they say comes of it does."""

from pathlib import Path

import pytest

from tests.docs.pages import RUN, Command, steps
from tests.docs.reader import NOT_RUN, NOT_RUN_HERE, Reader, clone, not_run


@pytest.mark.parametrize("page", RUN)
def test_a_page_can_be_followed(page: str, tmp_path: Path, shared: Path) -> None:
    """From its first command to its last: a tutorial in an empty folder, the others in a clone."""
    folder = tmp_path / "reader"
    if page.startswith("docs/tutorial/"):
        folder.mkdir()
    else:
        clone(folder)
    with Reader(folder, tmp_path, shared / "docs.lock") as reader:
        for step in steps(page):
            reader.follow(step)


def test_what_is_not_run_is_in_the_pages() -> None:
    """The list of exceptions has no dead entry."""
    typed = [step.text for page in RUN for step in steps(page) if isinstance(step, Command)]
    reasons = {not_run(command, Path(__file__).parents[2]) for command in typed}
    assert reasons - {None} == {*NOT_RUN.values(), *NOT_RUN_HERE.values()}
