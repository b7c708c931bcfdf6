"""The curriculum: finding concepts, and what to know first."""

import pytest

from app.domain.curriculum import CONCEPTS, MODULES, find, named, prerequisites, related


def test_every_concept_is_found_by_its_own_name() -> None:
    """Names are unique, and none hides behind another's words."""
    assert len({concept.name for concept in CONCEPTS}) == len(CONCEPTS)
    for concept in CONCEPTS:
        assert named(concept.name.upper()) == concept
        assert find(f"What about {concept.name}?") == concept


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a dict", "dictionaries"),
        ("two classes", "classes"),
        ("a list comprehension or a loop", "lists"),
        ("tuples first, then lists", "tuples"),
        ("the keyword argument", "parameters"),
    ],
)
def test_the_longest_words_win_then_the_first(text: str, name: str) -> None:
    """Plurals are understood."""
    found = find(text)
    assert found
    assert found.name == name


@pytest.mark.parametrize("text", ["", "hello", "breakfast", "classical music"])
def test_parts_of_words_are_no_concept(text: str) -> None:
    """`break` is not in breakfast."""
    assert find(text) is None


def test_one_concept_builds_on_those_before() -> None:
    """The first of a module builds on the module before."""
    modules = list(MODULES.values())
    first, second, *_ = CONCEPTS
    assert prerequisites(first) == []
    assert prerequisites(second) == [first.name]
    opening = named(next(iter(modules[1])))
    assert opening
    assert prerequisites(opening) == list(modules[0])


def test_related_concepts_share_the_module() -> None:
    """Itself not among them."""
    for concept in CONCEPTS:
        assert {*related(concept), concept.name} == MODULES[concept.module].keys()
