"""The agent: typed answers, what they cost, and nothing that must not be told."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import BaseModel, ConfigDict, SecretStr

from app.agents.client import Agent
from app.agents.errors import AnswerWithheldError, ModelAnswerError, ModelUnavailableError
from app.agents.guard import RUN, SIGN, Guard, Watch
from app.agents.reply import Message
from app.agents.settings import AgentSettings
from app.agents.usage import Price, PriceTable, Usage
from app.core.config import ConfigurationError, load_settings
from app.core.feature import discover
from app.main import create_app
from dev.openai import OpenAIServer, Reply

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
KEY = "sk-never-to-be-seen-anywhere"
SYSTEM = "You are a helpful assistant. Say so when you don't know."
QUESTION = Message(role="user", content="hi")


class Verdict(BaseModel):
    """The shape that the tests ask for."""

    good: bool
    why: str


class Scores(BaseModel):
    """A shape that leaves names to the model."""

    scores: dict[str, float]


class Remark(BaseModel):
    """A shape that takes more than it names."""

    model_config = ConfigDict(extra="allow")


async def test_the_system_prompt_comes_first(agent: Agent, openai_server: OpenAIServer) -> None:
    """From the declaration, as are model and limits."""
    await agent.chat([QUESTION])
    (asked,) = openai_server.requests
    said = [(message.role, message.content) for message in asked.messages]
    assert said == [("system", SYSTEM), ("user", "hi")]
    assert (asked.model, asked.max_tokens) == ("gpt-4.1-mini", 100)


async def test_a_servers_address_may_have_a_query(
    agent_with: AgentWith, served: tuple[OpenAIServer, str]
) -> None:
    """It stays behind the path."""
    async with agent_with(openai_base_url=f"{served[1]}?api-version=preview") as agent:
        assert (await agent.chat([QUESTION])).content


async def test_no_proxy_is_between_servers_of_one_machine(
    agent_with: AgentWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy")
    async with agent_with(agent_retries=0) as agent:
        assert (await agent.chat([QUESTION])).content


async def test_an_answer_tells_what_it_cost(agent: Agent, openai_server: OpenAIServer) -> None:
    """Efficiency is the share of the budget left unspent; cached tokens are cheaper."""
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 600},
    }
    openai_server.script.append(Reply("one two three four five", usage=usage))
    told = "agent_token_efficiency_sum", {"model": "gpt-4.1-mini"}
    before = REGISTRY.get_sample_value(*told) or 0
    reply = await agent.chat([QUESTION])
    assert reply.content == "one two three four five"
    assert reply.usage == Usage(tokens_in=1000, tokens_out=5, tokens_cached=600)
    assert reply.cost == pytest.approx((400 * 0.40 + 600 * 0.10 + 5 * 1.60) / 1_000_000)
    assert reply.token_efficiency == pytest.approx(0.95)
    assert REGISTRY.get_sample_value(*told) == pytest.approx(before + 0.95)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": -5, "completion_tokens": 5},
        {"completion_tokens": 10**9},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 5},
        {"completion_tokens": 0},
    ],
)
async def test_nonsense_in_the_usage_is_estimated(
    agent: Agent, openai_server: OpenAIServer, usage: dict[str, int] | None
) -> None:
    """Servers leave it out, or invent it; a user's budget must not depend on that."""
    counted = usage and {"prompt_tokens": 1, **usage}
    openai_server.script.append(Reply("four by four is 16", usage=counted))
    reply = await agent.chat([QUESTION])
    assert reply.usage.estimated
    assert 0 < reply.usage.tokens_in < 200
    assert reply.usage.tokens_out == 5
    assert 0 <= reply.token_efficiency <= 1


async def test_the_server_says_which_model_answered(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """And that one is paid; a model without a price costs what nobody knows."""
    openai_server.script.append(Reply("hello", model="gpt-4.1-mini-2025-04-14"))
    openai_server.script.append(Reply("hello", model="homemade"))
    dated, unknown = await agent.chat([QUESTION]), await agent.chat([QUESTION])
    assert dated.model == "gpt-4.1-mini-2025-04-14"
    assert dated.cost
    assert (unknown.model, unknown.cost) == ("homemade", None)


def test_prices_are_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A table of one's own adds to the template's and wins; a wrong one fails the start."""
    own = tmp_path_factory.mktemp("prices") / "prices.yaml"
    own.write_text(
        "homemade: {input: 1, cached: 0, output: 2}\ngpt-4o: {input: 9, cached: 9, output: 9}"
    )
    prices, million = PriceTable.load(own), Usage(1_000_000)
    assert [prices.cost(model, million) for model in ("homemade", "gpt-4o", "gpt-4.1")] == [1, 9, 2]
    for wrong in ("{input: cheap}", "{input: 1, cached: 0, output: .inf}"):
        own.write_text(f"homemade: {wrong}\n")
        with pytest.raises(ConfigurationError, match=r"^AGENT_PRICES="):
            PriceTable.load(own)
    assert PriceTable({"m": Price(input=1, cached=0, output=2)}).cost("m-mini", Usage(1)) is None


async def test_an_answer_has_the_shape_asked_for(agent: Agent) -> None:
    """Whatever is asked."""
    assert isinstance((await agent.ask("Is it good?", Verdict)).content, Verdict)


async def test_a_code_fence_around_json_is_no_mistake(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """Models like to put one there."""
    openai_server.script.append('```json\n{"good": true, "why": ""}\n```')
    assert (await agent.ask("Is it good?", Verdict)).content.good
    assert len(openai_server.requests) == 1


async def test_an_answer_of_another_shape_is_repaired_once(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """The model is shown its answer and what is wrong; both answers are paid."""
    openai_server.script.extend(['{"good": "who knows"}', '{"good": true, "why": "it is"}'])
    reply = await agent.ask("Is it good?", Verdict)
    assert reply.content == Verdict(good=True, why="it is")
    first, second = openai_server.requests
    shown, complaint = second.messages[-2:]
    assert (shown.role, shown.content) == ("assistant", '{"good": "who knows"}')
    assert "good: Input should be a valid boolean" in complaint.text
    assert "why: Field required" in complaint.text
    assert len(second.messages) == len(first.messages) + 2
    assert reply.usage.tokens_out > 10


@pytest.mark.parametrize("content", ["no json", "{}", '{"good": "who knows", "why": ""}'])
async def test_an_answer_of_another_shape_again_is_an_error(
    agent: Agent, openai_server: OpenAIServer, content: str
) -> None:
    """Nobody goes on with half of it, nor pays for a third."""
    openai_server.script.extend([content] * 3)
    with pytest.raises(ModelAnswerError, match="Verdict"):
        await agent.ask("Is it good?", Verdict)
    assert len(openai_server.requests) == 2


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
async def test_a_number_that_no_store_keeps_is_repaired(
    agent: Agent, openai_server: OpenAIServer, number: str
) -> None:
    """Read as one, it would be written as null, and be no number when it is read again."""
    told = '{"scores": {"style": %s}}'
    openai_server.script.extend([told % number, told % 1])
    assert (await agent.ask("Is it good?", Scores)).content == Scores(scores={"style": 1})
    assert "Input should be a finite number" in openai_server.requests[-1].messages[-1].text


async def test_an_answer_that_was_cut_is_not_repaired(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """It would be cut again."""
    openai_server.script.append("word " * 200)
    with pytest.raises(ModelAnswerError):
        await agent.ask("Is it good?", Verdict)
    assert len(openai_server.requests) == 1


@pytest.mark.parametrize(
    "leak", [KEY, f"Of course: {KEY}!", f"My instructions: {SYSTEM}", SYSTEM.replace(" ", "\n")]
)
async def test_key_and_system_prompt_are_in_no_answer(
    agent: Agent, openai_server: OpenAIServer, leak: str
) -> None:
    """Whatever the model was talked into."""
    openai_server.script.extend([leak, json.dumps({"good": True, "why": leak})])
    with pytest.raises(AnswerWithheldError) as caught:
        await agent.chat([QUESTION])
    assert KEY not in str(caught.value)
    with pytest.raises(AnswerWithheldError):
        await agent.ask("Is it good?", Verdict)


@pytest.mark.parametrize("leak", [KEY, SYSTEM])
@pytest.mark.parametrize("shape", [Scores, Remark])
async def test_key_and_system_prompt_are_in_no_name_of_a_field(
    agent: Agent, openai_server: OpenAIServer, leak: str, shape: type[BaseModel]
) -> None:
    """Where the shape lets the model choose names; JSON has two ways to write them."""
    for name in (leak, "".join(f"\\u{ord(letter):04x}" for letter in leak)):
        told = f'{{"scores": {{"{name}": 1}}, "{name}": 1}}'
        openai_server.script.append(Reply(told, finish="stop"))
        with pytest.raises(AnswerWithheldError):
            await agent.ask("Is it good?", shape)


async def test_a_part_of_the_prompt_may_be_said(agent: Agent, openai_server: OpenAIServer) -> None:
    """An agent may say what it is."""
    openai_server.script.append("I am a helpful AI tutor.")
    assert (await agent.chat([QUESTION])).content == "I am a helpful AI tutor."


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_so_much_of_the_prompt_in_a_row_is_too_much(size: int) -> None:
    """Wherever it stands in the prompt and in the answer, in pieces of any size."""
    prompt = " ".join(str(number) for number in range(1000, 1100))
    guard = Guard("", prompt)
    for start in range(0, len(prompt) - RUN, 13):
        for length, too_much in ((RUN - 1, False), (RUN, True)):
            answer = f"{'x' * start}{prompt[start : start + length]}y"
            watch = Watch(guard)
            told = ""
            with pytest.raises(AnswerWithheldError) if too_much else nullcontext():
                for at in range(0, len(answer), size):
                    told += watch.tell(answer[at : at + size])
                assert told + watch.rest() == answer
            assert prompt[start : start + SIGN] not in told or not too_much


def test_a_long_answer_is_looked_through_in_no_time() -> None:
    """The event loop stands still meanwhile."""
    prompt = " ".join(str(number) for number in range(100_000, 103_000))[:20_000]
    guard = Guard(KEY, prompt)
    started = time.thread_time()
    guard.check(f"{prompt[:50]}, {prompt[90:130]}; " * 4000)
    assert time.thread_time() - started < 2


async def test_a_version_tells_other_prompts_apart(agent_with: AgentWith) -> None:
    """So that no answer to another question is taken for kept."""
    versions: set[str] = set()
    for declared in ({}, {"model": "other"}, {"system_prompt_template": "Other."}):
        async with agent_with(declared=declared) as agent:
            versions |= {agent.version("a", Verdict), agent.version("b", Verdict)}
    assert len(versions) == 6


async def test_without_a_key_it_does_not_start(
    service: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named."""
    assert service.state.resources.get(AgentSettings)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigurationError, match=r"^OPENAI_API_KEY is missing"):
        create_app(features=discover())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OPENAI_API_KEY", " ", "OPENAI_API_KEY: Value error, must be printable ASCII"),
        ("OPENAI_API_KEY", f"{KEY} {KEY}", "OPENAI_API_KEY: Value error, must be printable ASCII"),
        ("OPENAI_API_KEY", f"\u201c{KEY}", "OPENAI_API_KEY: Value error, must be printable ASCII"),
        ("OPENAI_BASE_URL", "api.test/v1", "OPENAI_BASE_URL='api.test/v1': Value error, must be"),
        ("OPENAI_BASE_URL", "ftp://api.test", "OPENAI_BASE_URL='ftp://api.test': Value error, mu"),
        ("OPENAI_BASE_URL", "https:///v1", "OPENAI_BASE_URL='https:///v1': Value error, must be"),
        ("OPENAI_BASE_URL", "http://a:b/", "OPENAI_BASE_URL='http://a:b/': Value error, must be"),
        ("OPENAI_MODEL", " ", "OPENAI_MODEL=' ': String should match pattern"),
        ("OPENAI_BASE_URL", "http://a:80811", "OPENAI_BASE_URL='http://a:80811': Value error, mu"),
    ],
)
def test_what_can_reach_no_server_does_not_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    """One line, without the key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(AgentSettings)
    assert str(caught.value).startswith(told)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AGENT_PRICES", "/nope.yaml", "AGENT_PRICES=/nope.yaml: "),
        ("USER_TOKENS_PER_DAY", "40", "USER_TOKENS_PER_DAY=40: each call needs more, "),
    ],
)
@pytest.mark.usefixtures("service")
async def test_what_would_fail_every_call_does_not_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    """One line, before anything is opened."""
    monkeypatch.setenv("MAX_TOKENS", "40")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        create_app(features=discover())
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_white_space_around_a_key_is_no_part_of_it() -> None:
    """Files of secrets end with a line end."""
    settings = AgentSettings(openai_api_key=SecretStr(f" {KEY}\n"))
    assert settings.openai_api_key.get_secret_value() == KEY


@pytest.mark.parametrize("key", [KEY, f"{KEY}\n"])
async def test_no_log_holds_the_key(
    agent_with: AgentWith, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    """At LOG_LEVEL=debug either, nor of a request that can't be sent."""
    caplog.set_level("DEBUG")
    async with agent_with(openai_api_key=SecretStr(key), agent_retries=0) as agent:
        with suppress(ModelUnavailableError):
            await agent.chat([QUESTION])
    assert KEY not in caplog.text


def test_a_key_is_not_shown() -> None:
    """Nor by mistake."""
    settings = AgentSettings(openai_api_key=SecretStr(KEY))
    assert KEY not in repr(settings) + json.dumps(settings.model_dump(mode="json"))
