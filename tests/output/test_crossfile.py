"""What one service relies on another has."""

from typing import Any

import pytest

from tests.output.combinations import LEARNFLOW, Combination, combinations, preset
from tests.output.conftest import Rendering
from tests.output.running import Runner
from tests.output.test_residue import parts

BY_NAME = {combination.name: combination for combination in combinations()}


@pytest.mark.parametrize("target", preset("triage")["targets"], ids=lambda t: t["app_id"])
def test_methods_that_are_called_are_there(
    target: dict[str, list[str]], rendering: Rendering, run: Runner
) -> None:
    """In the service that a LearnFlow preset has under that name."""
    (name,) = (n for n in LEARNFLOW if preset(n)["service_name"] == target["app_id"])
    routes = parts(rendering(BY_NAME[name]), run)
    assert {f"route /{method}" for method in target["methods"]} <= {*routes}


@pytest.mark.parametrize(
    "combination",
    [each for each in combinations() if "pubsub" in each.features],
    ids=lambda each: each.name,
)
def test_what_is_declared_to_be_read_is_read(
    combination: Combination, rendering: Rendering, run: Runner
) -> None:
    """From the component that is declared, topic for topic; nothing else is."""
    answers: dict[str, Any] = {**preset(combination.service_type), **combination.answers}
    wanted = {
        f"route /events/{answers['pubsub_component']}/{topic['name']}"
        for topic in answers["topics"]
        if topic["subscribe"]
    }
    if "state" in combination.features:  # it keeps dead letters
        wanted.add(f"route /events/{answers['pubsub_component']}/dead-letter.queue")
    lines = parts(rendering(combination), run)
    assert {line for line in lines if line.startswith("route /events/")} == wanted
