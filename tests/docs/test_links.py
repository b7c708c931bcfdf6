"""Pages lead to each other."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, links, text
from tests.rendering import ROOT


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file or folder that is there, and to a heading in it."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_reached_from_the_readme() -> None:
    """By one link after the other."""
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for link in links(page):
            target = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            name = str(target.relative_to(ROOT))
            if target.suffix == ".md" and name not in {*reached, *waiting}:
                waiting.append(name)
    assert {page for page in PAGES if page.startswith("docs/")} <= reached


def test_every_decision_is_in_the_index() -> None:
    """On a line of its own."""
    index = "docs/decisions/README.md"
    found = {page for page in PAGES if page.startswith("docs/decisions/")} - {index}
    listed = re.findall(r"^- \[[^]]+\]\(([\w-]+\.md)\)", text(index), re.M)
    assert sorted(listed) == sorted(
        Path(page).name for page in found - {"docs/decisions/README.md"}
    )
