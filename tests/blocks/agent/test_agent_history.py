"""Conversations: a memory that has an end, and an owner."""

import asyncio

import pytest

from app.agents.history import History, Turn, kept
from app.core.declaration.agent import AgentConfig
from app.core.errors import NotFoundError
from app.services.state import StateStore
from dev.sidecar import Sidecar as DevSidecar

CONFIG = AgentConfig(model="test-model", max_history=4)


@pytest.fixture
def history(store: StateStore) -> History:
    """Return a memory of four messages."""
    return History(store, CONFIG, 1000)


def turns(*lengths: int) -> list[Turn]:
    """Return messages of so many tokens."""
    roles = ("user", "assistant")
    return [
        Turn(role=roles[n % 2], content=f"{n:>{4 * length}}") for n, length in enumerate(lengths)
    ]


async def test_a_conversation_is_remembered_in_its_order(history: History) -> None:
    """As the model takes it."""
    await history.add("s-1", "u-1", "question 1", "answer 1")
    await history.add("s-1", "u-1", "question 2", "answer 2")
    said = [(message["role"], message["content"]) for message in await history.messages("s-1")]
    assert said == [
        ("user", "question 1"),
        ("assistant", "answer 1"),
        ("user", "question 2"),
        ("assistant", "answer 2"),
    ]
    assert await history.messages("s-2") == []


@pytest.mark.parametrize(
    ("limit", "tokens", "left"),
    [
        (1, 100, 2),
        (2, 100, 2),
        (3, 100, 2),
        (4, 100, 4),
        (100, 100, 6),
        (100, 60, 6),
        (100, 59, 4),
        (100, 40, 4),
        (100, 39, 2),
        (100, 1, 2),
    ],
)
def test_the_oldest_turns_are_forgotten(limit: int, tokens: int, left: int) -> None:
    """Whole turns: a question stays with its answer, and the last one stays."""
    said = turns(10, 10, 10, 10, 10, 10)
    assert kept(said, limit, tokens) == said[-left:]


def test_a_long_turn_hides_what_was_before_it() -> None:
    """A conversation has no holes."""
    said = turns(1, 1, 90, 1, 10, 1)
    assert kept(said, 100, 50) == said[-2:]


async def test_no_message_is_lost_between_replicas(history: History) -> None:
    """Two that answer one session at the same time."""
    await asyncio.gather(*(history.add("s-1", "u-1", f"q{n}", f"a{n}") for n in range(2)))
    said = [message["content"] for message in await history.messages("s-1")]
    assert sorted(said) == ["a0", "a1", "q0", "q1"]
    assert [text[1] for text in said[::2]] == [text[1] for text in said[1::2]]


async def test_no_message_is_lost_when_many_answer_one_session(store: StateStore) -> None:
    """In two replicas, four times each."""
    config = CONFIG.model_copy(update={"max_history": 100})
    replicas = [History(store, config, 1000) for _ in range(2)]
    adding = (replicas[n % 2].add("s-1", "u-1", f"q{n}", f"a{n}") for n in range(8))
    await asyncio.gather(*adding)
    said = [message["content"] for message in await replicas[0].messages("s-1")]
    assert sorted(said[::2]) == [f"q{n}" for n in range(8)]
    assert [text[1] for text in said[::2]] == [text[1] for text in said[1::2]]


async def test_a_conversation_is_its_users(history: History) -> None:
    """For others it is not there; nor can they go on with it."""
    await history.add("s-1", "u-1", "question", "answer")
    with pytest.raises(NotFoundError):
        await history.messages("s-1", "u-2")
    with pytest.raises(NotFoundError):
        await history.add("s-1", "u-2", "question", "answer")
    with pytest.raises(NotFoundError):
        await history.delete("s-1", "u-2")
    assert len(await history.messages("s-1", "u-1")) == 2


async def test_a_deleted_conversation_is_gone(history: History) -> None:
    """All of it."""
    await history.add("s-1", "u-1", "question", "answer")
    await history.delete("s-1", "u-1")
    assert await history.read("s-1") is None


async def test_what_is_kept_is_what_was_said(history: History, sidecar: DevSidecar) -> None:
    """Once, with the prompt that it was answered by; no key of a server."""
    await history.add("s-1", "u-1", "question", "answer")
    stored = await sidecar.state("conversation:s-1")
    assert set(stored) == {
        *("session_id", "user_id", "messages"),
        *("system_prompt", "created_at", "updated_at"),
    }
