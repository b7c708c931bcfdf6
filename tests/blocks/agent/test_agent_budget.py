"""Budgets: reserved before a call, settled after it, on a user's account of the day."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from app.agents.client import Agent
from app.agents.errors import BudgetError, ModelDeadlineError, ModelRefusedError
from app.agents.ledger import Ledger
from app.agents.reply import Message
from app.agents.usage import Usage
from app.services.state import StateStore
from dev.openai import Failure, OpenAIServer, Reply
from dev.serve import HOST
from dev.sidecar import Fault
from dev.sidecar import Sidecar as DevSidecar

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
QUESTION = Message(role="user", content="hi")
USAGE = {"prompt_tokens": 30, "completion_tokens": 10}
NIGHT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


@pytest.fixture
async def ledger(store: StateStore) -> AsyncGenerator[Ledger]:
    """Return the accounts, with 230 tokens a day: a call may take about 130, and takes 40."""
    async with Ledger.open(store, 230) as ledger:
        yield ledger


async def test_what_is_spent_is_refused(
    agent_with: AgentWith, ledger: Ledger, openai_server: OpenAIServer
) -> None:
    """A refused call asks nothing and costs nothing; others may go on."""
    openai_server.script.extend(Reply("hello", usage=USAGE) for _ in range(9))
    before = REGISTRY.get_sample_value("agent_budget_refusals_total") or 0
    async with agent_with(ledger=ledger) as agent:
        for _ in range(3):
            await agent.chat([QUESTION], user="u-1")
        with capture_logs() as logs, pytest.raises(BudgetError) as refused:
            await agent.chat([QUESTION], user="u-1")
        (line,) = logs
        assert (line["event"], line["spent"], line["limit"]) == ("agent.budget_refused", 120, 230)
        with pytest.raises(BudgetError):
            await anext(agent.stream([QUESTION], user="u-1"))
        assert (refused.value.status, len(openai_server.requests)) == (429, 3)
        assert 0 < (refused.value.retry_after or 0) <= 24 * 3600
        await agent.chat([QUESTION], user="u-2")
    assert REGISTRY.get_sample_value("agent_budget_refusals_total") == before + 2
    account = await ledger.account("u-1")
    assert (account.calls, account.tokens_in, account.tokens_out) == (3, 90, 30)
    assert account.cost_dollars == pytest.approx(3 * (30 * 0.40 + 10 * 1.60) / 1_000_000)
    assert (account.calls_unpriced, account.reserved) == (0, {})


@pytest.mark.parametrize("replicas", [1, 2])
async def test_calls_at_the_same_time_can_not_overspend(
    agent_with: AgentWith, store: StateStore, openai_server: OpenAIServer, replicas: int
) -> None:
    """What the first may come to cost is not there for the second, on any replica."""
    openai_server.script.extend(Reply("hello", usage=USAGE, wait=0.1) for _ in range(9))
    ledgers = [Ledger(store, 150) for _ in range(replicas)]
    async with agent_with(ledger=ledgers[0]) as one, agent_with(ledger=ledgers[-1]) as other:
        asked = [agent.chat([QUESTION], user="u-1") for agent in (one, other) for _ in range(2)]
        found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in found].count(BudgetError) == 3
    assert len(openai_server.requests) == 1
    for ledger in ledgers:
        await ledger.written()
    assert (await ledgers[0].account("u-1")).tokens == 40


async def test_a_call_that_was_refused_costs_nothing(
    agent_with: AgentWith, ledger: Ledger, openai_server: OpenAIServer
) -> None:
    """By the server; an answer that can't be used is paid."""
    openai_server.script.extend([Failure(401), Reply("cut", finish="length", usage=USAGE)])
    async with agent_with(ledger=ledger) as agent:
        with pytest.raises(ModelRefusedError):
            await agent.chat([QUESTION], user="u-1")
        account = await ledger.account("u-1")
        assert (account.calls, account.reserved) == (0, {})
        with pytest.raises(Exception, match="longer than"):
            await agent.chat([QUESTION], user="u-1")
    assert (await ledger.account("u-1")).tokens == 40


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_ends_while_it_waits_for_another_try_costs_nothing(
    agent_with: AgentWith, ledger: Ledger, openai_server: OpenAIServer, stream: bool
) -> None:
    """The server refused the last one, and is asked nothing."""
    openai_server.script.append(Failure(429, retry_after="300"))
    async with agent_with(ledger=ledger, agent_seconds=600.0) as agent:
        with capture_logs() as logs:
            parts = agent.stream([QUESTION], user="u-1")
            asking = anext(parts) if stream else agent.chat([QUESTION], user="u-1")
            call = asyncio.ensure_future(asking)
            async with asyncio.timeout(60):
                while not any(  # noqa: ASYNC110 - a log offers no event
                    line["event"] == "agent.retried" for line in logs
                ):
                    await asyncio.sleep(0.01)
            call.cancel()
            await asyncio.wait([call])
            await parts.aclose()
    account = await ledger.account("u-1")
    assert (account.calls, account.tokens, account.reserved) == (0, 0, {})


@pytest.mark.parametrize("stream", [False, True])
async def test_the_deadline_holds_for_the_accounts_too(
    agent_with: AgentWith,
    ledger: Ledger,
    openai_server: OpenAIServer,
    sidecar: DevSidecar,
    stream: bool,
) -> None:
    """Where the store is slow, the model is not asked, and nothing is charged."""
    sidecar.faults.append(Fault("delay", "state.get", path="spent", seconds=5.0))
    async with agent_with(ledger=ledger, agent_seconds=0.2) as agent, asyncio.timeout(4):
        parts = agent.stream([QUESTION], user="u-1")
        with pytest.raises(ModelDeadlineError):
            await (anext(parts) if stream else agent.chat([QUESTION], user="u-1"))
    assert openai_server.requests == []
    account = await ledger.account("u-1")
    assert (account.calls, account.reserved) == (0, {})


@pytest.fixture
def full() -> Generator[str]:
    """Return the URL of a port that neither takes nor refuses another connection."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://{HOST}:{listening.getsockname()[1]}/v1"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("seconds", [0.2, 60.0])
async def test_a_call_that_was_never_sent_costs_nothing(
    agent_with: AgentWith, ledger: Ledger, full: str, stream: bool, seconds: float
) -> None:
    """Its deadline is over, or who asked is gone, before there is a connection."""
    async with agent_with(ledger=ledger, openai_base_url=full, agent_seconds=seconds) as agent:
        parts = agent.stream([QUESTION], user="u-1")
        asking = anext(parts) if stream else agent.chat([QUESTION], user="u-1")
        with pytest.raises((ModelDeadlineError, TimeoutError)):
            await asyncio.wait_for(asking, 1.0)
    account = await ledger.account("u-1")
    assert (account.calls, account.tokens, account.reserved) == (0, 0, {})


async def test_a_stream_that_nobody_hears_to_its_end_is_paid(
    agent_with: AgentWith, ledger: Ledger, openai_server: OpenAIServer
) -> None:
    """As far as it was heard: by our guess."""
    openai_server.script.append(Reply("one two three " * 30, drip=0.005))
    async with agent_with(ledger=ledger) as agent:
        stream = agent.stream([QUESTION], user="u-1")
        for _ in range(9):
            await anext(stream)
        assert (await ledger.account("u-1")).held > 100
        await stream.aclose()
    account = await ledger.account("u-1")
    assert 0 < account.tokens_out < 60
    assert account.tokens_in > 0
    assert account.reserved == {}


async def test_what_a_killed_process_reserved_comes_back(store: StateStore) -> None:
    """When its call must be over, on whatever replica."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    killed, other = (Ledger(store, 100, lambda: now) for _ in range(2))
    await killed.reserve("u-1", 60, seconds=30)
    with pytest.raises(BudgetError) as refused:
        await other.reserve("u-1", 60, seconds=30)
    assert refused.value.retry_after == 1.0
    now += timedelta(seconds=61)
    await other.reserve("u-1", 60, seconds=30)
    assert (await other.account("u-1")).held == 60


async def test_no_call_is_lost_between_replicas(store: StateStore) -> None:
    """Nor between many at once in one of them."""
    ledgers = [Ledger(store, None), Ledger(store, None)]
    for _ in range(25):
        for ledger in ledgers:
            ledger.settle(await ledger.reserve("u-1", 9, seconds=1), Usage(2, 1), 0.5)
        await asyncio.sleep(0)
    for ledger in ledgers:
        await ledger.written()
    account = await Ledger(store, None).account("u-1")
    assert (account.calls, account.tokens, account.cost_dollars) == (50, 150, 25)


async def test_what_is_not_written_yet_counts(store: StateStore) -> None:
    """A user can't outrun the store; what costs nobody knows is not free."""
    ledger = Ledger(store, 100)
    hold = await ledger.reserve("u-1", 60, seconds=30)
    ledger.settle(hold, Usage(70, 10), None)
    account = await ledger.account("u-1")
    assert (account.calls_unpriced, account.cost_dollars, account.held) == (1, 0, 0)
    with pytest.raises(BudgetError):
        await ledger.reserve("u-1", 60, seconds=30)
    await ledger.written()
    assert (await Ledger(store, 100).account("u-1")).calls == 1


async def test_a_call_that_no_day_can_pay_is_told_so(store: StateStore) -> None:
    """To come back tomorrow would not help."""
    with pytest.raises(BudgetError, match="more than the 100 of a day") as refused:
        await Ledger(store, 100).reserve("u-1", 101, seconds=30)
    assert refused.value.retry_after is None


async def test_tomorrow_is_new(store: StateStore) -> None:
    """A day is one of UTC; a call is on the day it began."""
    now = NIGHT
    ledger = Ledger(store, 3, lambda: now)
    hold = await ledger.reserve("u-1", 3, seconds=30)
    with pytest.raises(BudgetError):
        await ledger.reserve("u-1", 1, seconds=30)
    now += timedelta(minutes=1)
    ledger.settle(hold, Usage(3), None)
    await ledger.reserve("u-1", 3, seconds=30)
    await ledger.written()
    assert (await ledger.account("u-1")).calls == 0
    now = NIGHT
    assert (await ledger.account("u-1")).calls == 1
