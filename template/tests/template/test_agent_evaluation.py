"""`make eval`, offline: the cases as they stand, and cases that fail."""

import pytest

from app.agents.client import Agent
from dev.evaluation import Case, avoids, evaluate, mentions, report, run
from dev.openai import Failure, OpenAIServer, Reply


async def test_cases_are_asked_and_checked(agent: Agent, openai_server: OpenAIServer) -> None:
    """Pass rate, tokens and cost stand in the last line; what was missed, under its case."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 10}
    openai_server.script.extend([Reply("A LIST.", usage=usage), Reply("Well.", usage=usage)])
    openai_server.script.append(Failure(401))
    asked = [Case(question, [mentions("list"), avoids("well")]) for question in ("a?", "b?", "c?")]
    results = [result for case in asked for result in await evaluate(agent, [case])]
    assert report(results).splitlines() == [
        "passed  a?",
        "failed  b?",
        "        not: mentions 'list'",
        "        not: avoids 'well'",
        "failed  c?",
        "        not: model-refused: The model's server answered 401.",
        "1 of 3 passed (33%); tokens 2000 in, 20 out; cost $0.000832",
    ]


@pytest.mark.usefixtures("companions")
@pytest.mark.parametrize(("word", "code"), [("asked", 0), ("never", 1)])
async def test_the_declared_agent_is_asked(
    word: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the settings of the environment; the exit code tells whether all passed."""
    assert await run([Case("What is a list?", [mentions(word)])]) == code
    assert "What is a list?" in capsys.readouterr().out
