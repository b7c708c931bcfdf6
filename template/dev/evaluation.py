"""`make eval`: ask the configured model the cases in `tests/cases.py`, and look at its answers.

The exit code is 0 if all pass, 1 if not, 78 for a wrong configuration.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dotenv import load_dotenv

from app.agents.client import Agent
from app.agents.reply import Message, Reply
from app.agents.settings import AgentSettings
from app.agents.usage import Usage
from app.core import declaration
from app.core.config import ConfigurationError, load_settings
from app.core.declaration.agent import AgentConfig
from app.core.errors import ServiceError

CASES = Path("tests/cases.py")
AT_ONCE = 4

Check = Callable[[str], bool]


@dataclass(frozen=True)
class Case:
    """A question, and checks of the answer; a check says by its docstring what it wants."""

    question: str
    checks: Sequence[Check]


def mentions(word: str) -> Check:
    """Return a check that a word is in the answer, in any case."""

    def check(answer: str) -> bool:
        return word.casefold() in answer.casefold()

    check.__doc__ = f"mentions '{word}'"
    return check


def avoids(word: str) -> Check:
    """Return a check that a word is not in the answer, in any case."""

    def check(answer: str) -> bool:
        return word.casefold() not in answer.casefold()

    check.__doc__ = f"avoids '{word}'"
    return check


@dataclass(frozen=True)
class Result:
    """What became of a case; no failures, it passed."""

    case: Case
    failures: Sequence[str]
    reply: Reply[str] | None = None


async def evaluate(agent: Agent, cases: Sequence[Case]) -> list[Result]:
    """Ask all cases, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(case: Case) -> Result:
        async with gate:
            try:
                reply = await agent.chat([Message(role="user", content=case.question)])
            except ServiceError as error:
                return Result(case, [f"{error.code}: {error.detail}"])
        wrong = [check for check in case.checks if not check(reply.content)]
        return Result(case, [check.__doc__ or check.__name__ for check in wrong], reply)

    return await asyncio.gather(*(ask(case) for case in cases))


def report(results: Sequence[Result]) -> str:
    """Return a line for each case, and the sum: pass rate, tokens, cost."""
    lines: list[str] = []
    for result in results:
        lines.append(f"{'failed' if result.failures else 'passed'}  {result.case.question}")
        lines += [f"        not: {failure}" for failure in result.failures]
    replies = [result.reply for result in results if result.reply]
    usage = sum((reply.usage for reply in replies), Usage())
    costs = [reply.cost for reply in replies]
    cost = "unknown" if None in costs else f"${sum(cost or 0 for cost in costs):.6f}"
    passed = sum(not result.failures for result in results)
    rate = f"{passed / len(results):.0%}" if results else "nothing"
    tokens = f"tokens {usage.tokens_in} in, {usage.tokens_out} out"
    return "\n".join([*lines, f"{passed} of {len(results)} passed ({rate}); {tokens}; cost {cost}"])


async def run(cases: Sequence[Case]) -> int:
    """Evaluate the declared agent, print the report, and return the exit code."""
    config = declaration.load(Path("app/service.yaml")).section(AgentConfig)
    async with Agent.open(config, load_settings(AgentSettings)) as agent:
        results = await evaluate(agent, cases)
    print(report(results))
    return int(any(result.failures for result in results))


def main() -> int:
    """Evaluate the cases of the file that is named, or of `tests/cases.py`."""
    load_dotenv(".env")
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    cases = cast("Sequence[Case]", runpy.run_path(str(path))["CASES"])
    try:
        return asyncio.run(run(cases))
    except (ConfigurationError, declaration.DeclarationError) as error:
        print(error, file=sys.stderr)
        return 78


if __name__ == "__main__":
    sys.exit(main())
