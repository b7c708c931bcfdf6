"""`make eval`, offline: the cases as they stand, and cases that fail."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from app.agents.client import Agent
from dev.evaluation import Case, Spent, avoids, evaluate, main, mentions, report, run
from dev.openai import Failure, OpenAIServer, Reply

CASE = "from dev.evaluation import Case, mentions\nCASES = [Case"
USAGE = {"prompt_tokens": 1000, "completion_tokens": 10}


class Answer(BaseModel):
    """An answer of a shape."""

    text: str


async def test_cases_are_asked_and_checked(agent: Agent, openai_server: OpenAIServer) -> None:
    """What was missed stands under its case, the pass rate in the last line."""
    openai_server.script.extend(["A LIST.", "Well.", Failure(401)])
    asked = [Case(question, [mentions("list"), avoids("well")]) for question in ("a?", "b?", "c?")]
    results = [result for case in asked for result in await evaluate(agent, [case])]
    assert report(results).splitlines() == [
        "passed  a?",
        "failed  b?",
        "        not: mentions 'list'",
        "        not: avoids 'well'",
        "failed  c?",
        "        not: model-refused: The model's server answered 401.",
        "1 of 3 passed (33%)",
    ]


async def test_what_was_paid_is_counted(agent: Agent, openai_server: OpenAIServer) -> None:
    """Also of answers that could not be used; a refused call costs nothing."""
    cut = Reply("A list", finish="length", usage=USAGE)
    openai_server.script.extend([Reply("A list.", usage=USAGE), cut, Failure(401)])
    before = Spent.now()
    results = await evaluate(agent, [Case("a?", [])] * 3)
    assert sum(not result.failures for result in results) == 1
    assert Spent.now().since(before) == "tokens 2000 in, 20 out; cost $0.000832"


async def test_an_answer_can_be_asked_for_in_a_shape(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """As use cases ask: checks get the model, and what does not fit is a failure."""
    openai_server.script.extend(
        Reply(said, finish="stop") for said in ('{"text": "ü"}', "no", "no")
    )
    checks: list[Callable[[Answer], bool]] = [lambda answer: answer.text == "ü"]
    asked = Case("a?", [*checks, mentions("Ü")], Answer)
    (fits,), (other,) = await evaluate(agent, [asked]), await evaluate(agent, [asked])
    assert (fits.failures, len(openai_server.requests)) == ([], 3)
    assert other.failures == ["model-answer-unusable: The answer is no Answer."]


async def test_a_check_that_raises_is_a_failure_of_its_case(agent: Agent) -> None:
    """The others are reported all the same: they are paid."""

    def broken(answer: str) -> bool:
        """Has a thousandth word."""
        return bool(answer.split()[999])

    failed, passed = await evaluate(agent, [Case("a?", [broken]), Case("b?", [])])
    assert failed.failures == ["Has a thousandth word. (IndexError: list index out of range)"]
    assert not passed.failures


async def test_a_check_that_decides_nothing_is_a_failure(agent: Agent) -> None:
    """Were it enough not to be false, one that was forgotten to be made would always pass."""
    unmade: list[Any] = [mentions]
    (result,) = await evaluate(agent, [Case("a?", unmade)])
    (failure,) = result.failures
    assert "returns function, neither True nor False" in failure


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "FileNotFoundError"),
        ("CASES = [", "SyntaxError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("", "CASES is no list of cases, or an empty one."),
        ("CASES = []", "CASES is no list of cases, or an empty one."),
        ("CASES = ['What?']", "CASES is no list of cases, or an empty one."),
        (f"{CASE}('What?', mentions('a'))]", "Input should be an instance of Sequence"),
        (f"{CASE}('What?', ['a'])]", "Input should be callable"),
        (f"{CASE}('What?', [], dict)]", "Input should be a subclass of BaseModel"),
    ],
)
def test_a_file_without_cases_is_said_to_be_one(
    content: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line, and nothing passed."""
    path = tmp_path / "cases.py"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(sys, "argv", ["evaluation", str(path)])
    assert main() == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: ")
    assert said in line


@pytest.mark.usefixtures("companions")
@pytest.mark.parametrize(("word", "code"), [("asked", 0), ("never", 1)])
async def test_the_declared_agent_is_asked(
    word: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the settings of the environment; the exit code tells whether all passed."""
    assert await run([Case("What is a list?", [mentions(word)])]) == code
    out = capsys.readouterr().out
    assert "What is a list?" in out
    assert "tokens" in out.splitlines()[-1]


@pytest.mark.usefixtures("companions")
async def test_the_command_asks_the_cases_of_a_file(tmp_path: Path) -> None:
    """As a process of its own, as `make eval` runs it."""
    path = tmp_path / "cases.py"
    case = 'Case("What is a list?", [mentions("asked")])'
    path.write_text(f"from dev.evaluation import Case, mentions\nCASES = [{case}]")
    command = (sys.executable, "-m", "dev.evaluation", str(path))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert (process.returncode, b"1 of 1 passed (100%)" in out) == (0, True), err
