"""`make eval`: ask the configured model the cases in `tests/cases.py`, and look at its answers.

The exit code is 0 if all pass, 1 if not, 78 for a wrong configuration or file of cases.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from pydantic.dataclasses import dataclass as validated

from app.agents import metrics
from app.agents.client import Agent
from app.agents.reply import Message
from app.agents.settings import AgentSettings
from app.core import declaration
from app.core.config import ConfigurationError, load_environment, load_settings
from app.core.declaration.agent import AgentConfig
from app.core.errors import ServiceError

CASES = Path("tests/cases.py")
AT_ONCE = 4

Check = Callable[[Any], bool]
"""Takes the answer: a text, or the model that the case asks for."""


class CasesError(Exception):
    """A file has no cases to ask; its text says why."""


@validated(frozen=True)
class Case:
    """A question, and checks of the answer; a check says by its docstring what it wants."""

    question: str
    checks: Sequence[Check]
    shape: type[BaseModel] | None = None
    """A model that the answer must fit; without one it is a text."""


def mentions(word: str) -> Check:
    """Return a check that a word is in the answer, in any case."""

    def check(answer: str | BaseModel) -> bool:
        return word.casefold() in _text(answer)

    check.__doc__ = f"mentions '{word}'"
    return check


def avoids(word: str) -> Check:
    """Return a check that a word is not in the answer, in any case."""

    def check(answer: str | BaseModel) -> bool:
        return word.casefold() not in _text(answer)

    check.__doc__ = f"avoids '{word}'"
    return check


def _text(answer: str | BaseModel) -> str:
    return (answer if isinstance(answer, str) else answer.model_dump_json()).casefold()


@dataclass(frozen=True)
class Result:
    """What became of a case; no failures, it passed."""

    case: Case
    failures: Sequence[str]


@dataclass(frozen=True)
class Spent:
    """What all calls so far have cost, also those whose answers could not be used."""

    tokens_in: float
    tokens_out: float
    dollars: float
    unpriced: float
    """Calls whose price is not known."""

    @classmethod
    def now(cls) -> "Spent":
        """Return what the metrics have counted."""
        tokens = {kind: _sum(metrics.TOKENS, "_sum", kind) for kind in ("input", "output")}
        unpriced = _sum(metrics.UNPRICED, "_total")
        return cls(tokens["input"], tokens["output"], _sum(metrics.COST, "_total"), unpriced)

    def since(self, before: "Spent") -> str:
        """Say what was spent since then."""
        tokens_in, tokens_out = (
            self.tokens_in - before.tokens_in,
            self.tokens_out - before.tokens_out,
        )
        known = self.unpriced == before.unpriced
        cost = f"${self.dollars - before.dollars:.6f}" if known else "unknown"
        return f"tokens {tokens_in:.0f} in, {tokens_out:.0f} out; cost {cost}"


def _sum(metric: MetricWrapperBase, ending: str, kind: str | None = None) -> float:
    samples = (sample for family in metric.collect() for sample in family.samples)
    return sum(
        sample.value
        for sample in samples
        if sample.name.endswith(ending) and kind in (None, sample.labels.get("gen_ai_token_type"))
    )


async def evaluate(agent: Agent, cases: Sequence[Case]) -> list[Result]:
    """Ask all cases, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(case: Case) -> Result:
        try:
            async with gate:
                answer = await _answer(agent, case)
        except ServiceError as error:
            return Result(case, [f"{error.code}: {error.detail}"])
        failures = [failure for check in case.checks if (failure := _failure(check, answer))]
        return Result(case, failures)

    return await asyncio.gather(*(ask(case) for case in cases))


async def _answer(agent: Agent, case: Case) -> str | BaseModel:
    if case.shape:
        return (await agent.ask(case.question, case.shape)).content
    return (await agent.chat([Message(role="user", content=case.question)])).content


def _failure(check: Check, answer: str | BaseModel) -> str:
    wanted = check.__doc__ or check.__name__
    try:
        found = check(answer)
        if type(found) is not bool:  # whatever is no falsehood would pass
            raise TypeError(f"returns {type(found).__name__}, neither True nor False")
        return "" if found else wanted
    except Exception as error:  # checks are anybody's code; the other cases were paid, too
        return f"{wanted} ({type(error).__name__}: {error})"


def report(results: Sequence[Result]) -> str:
    """Return a line for each case and what it failed, and the pass rate."""
    lines: list[str] = []
    for result in results:
        lines.append(f"{'failed' if result.failures else 'passed'}  {result.case.question}")
        lines += [f"        not: {failure}" for failure in result.failures]
    passed = sum(not result.failures for result in results)
    return "\n".join([*lines, f"{passed} of {len(results)} passed ({passed / len(results):.0%})"])


async def run(cases: Sequence[Case]) -> int:
    """Evaluate the declared agent, print the report, and return the exit code."""
    config = declaration.load(Path("app/service.yaml")).section(AgentConfig)
    before = Spent.now()
    async with Agent.open(config, load_settings(AgentSettings)) as agent:
        results = await evaluate(agent, cases)
    print(f"{report(results)}; {Spent.now().since(before)}")
    return int(any(result.failures for result in results))


def read(path: Path) -> list[Case]:
    """Return the cases of a file; raises CasesError where there are none."""
    try:
        found = runpy.run_path(str(path)).get("CASES")
    except Exception as error:  # whatever a file of Python may raise
        about = " ".join(str(error).split())
        raise CasesError(f"{path}: {type(error).__name__}: {about}") from error
    cases = [*cast("list[object]", found)] if isinstance(found, list) else []
    if not cases or not all(isinstance(case, Case) for case in cases):
        raise CasesError(f"{path}: CASES is no list of cases, or an empty one.")
    return cast("list[Case]", cases)


def main() -> int:
    """Evaluate the cases of the file that is named, or of `tests/cases.py`."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    try:
        load_environment()
        return asyncio.run(run(read(path)))
    except (CasesError, ConfigurationError, declaration.DeclarationError) as error:
        print(error, file=sys.stderr)
        return 78


if __name__ == "__main__":
    from dev import evaluation  # its Case is the one that files of cases import, ours is another

    sys.exit(evaluation.main())
