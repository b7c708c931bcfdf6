"""The agent at a server that is not ours: LiteLLM's proxy with answers of its own making.

So that the agent and the embedded server do not just agree with each other. For tools the proxy
asks the embedded server in its turn, and reads and writes on its own what the two say. It is not
among this repository's dependencies: uv brings it, and then it runs without the network.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
import yaml
from pydantic import BaseModel, SecretStr

from app.agents.client import Agent
from app.agents.errors import ModelAnswerError, ModelRefusedError, ModelUnavailableError
from app.agents.reply import Message, Reply
from app.agents.settings import AgentSettings
from app.agents.tools import Tools
from app.core.declaration.agent import AgentConfig
from dev.openai import Call, OpenAIServer
from dev.openai import Reply as Says
from dev.serve import HOST, free_port, serve

pytestmark = pytest.mark.litellm

KEY = "sk-of-the-proxy-1234567890abcdef"
ANSWERS = {
    "plain": "The answer is 42.",
    "shaped": '{"good": true, "why": "It is."}',
    "limited": "litellm.RateLimitError",
    "failing": "litellm.InternalServerError",
}
"""What the proxy's models answer; an error's name has it raised."""
INSTALL_SECONDS, START_SECONDS = 300, 120
UV = (sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", "litellm[proxy]")
OFFLINE = {
    "PYTHONUNBUFFERED": "1",
    "UV_OFFLINE": "1",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": HOST,
    "LITELLM_TELEMETRY": "False",
    # what it has with it, in the place of what it would fetch
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
}
QUESTION = [Message(role="user", content="What is the answer?")]

T = TypeVar("T")


class Verdict(BaseModel):
    """The shape that is asked for."""

    good: bool
    why: str


@pytest.fixture(scope="module")
def upstream() -> int:
    """Return the port where the proxy looks for the model "passed"."""
    return free_port()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: int) -> Iterator[str]:
    """Run the proxy and return its URL."""
    folder = tmp_path_factory.mktemp("litellm")
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_key": "x", "mock_response": answer},
        }
        for name, answer in ANSWERS.items()
    ]
    base = {"model": "openai/passed", "api_key": "x", "api_base": f"http://{HOST}:{upstream}/v1"}
    models.append({"model_name": "passed", "litellm_params": base})
    config: dict[str, Any] = {
        "model_list": models,
        "general_settings": {"master_key": KEY},
        "litellm_settings": {"num_retries": 0},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [*UV, "litellm", "--config", "config.yaml", "--host", HOST, "--port", str(port)]
    log = folder / "proxy.log"
    with log.open("w") as output:
        install, env = [*UV, "python", "-c", ""], {**os.environ, **OFFLINE}
        done = subprocess.run(
            install, stdout=output, stderr=output, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode:
            pytest.fail(f"LiteLLM's proxy can't be installed: {_end(log)}")
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=output)
    with process:
        try:
            if not _alive(f"http://{HOST}:{port}/health/liveliness", process):
                pytest.fail(f"LiteLLM's proxy does not start: {_end(log)}")
            yield f"http://{HOST}:{port}/v1"
        finally:
            process.terminate()


def _alive(url: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client(trust_env=False, timeout=5) as http:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if http.get(url).status_code == 200:
                    return True
            except httpx2.TransportError:
                time.sleep(0.5)
    return False


def _end(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split())[-3000:]


def asked(url: str, model: str, ask: Callable[[Agent], Awaitable[T]], *, key: str = KEY) -> T:
    """Ask a model of the proxy."""

    async def run() -> T:
        settings = AgentSettings(
            openai_api_key=SecretStr(key), openai_base_url=url, agent_retries=1
        )
        async with Agent.open(AgentConfig(model=model), settings) as agent:
            return await ask(agent)

    return asyncio.run(run())


def test_an_answer_is_read(proxy: str) -> None:
    """With its usage and the model's name."""
    reply = asked(proxy, "plain", lambda agent: agent.chat(QUESTION))
    assert (reply.content, reply.model, reply.finish_reason) == (ANSWERS["plain"], "plain", "stop")
    assert (reply.usage.tokens_out > 0, reply.usage.estimated) == (True, False)


def test_a_stream_is_read(proxy: str) -> None:
    """Piece by piece, to its end."""

    async def ask(agent: Agent) -> list[str | Reply[str]]:
        return [part async for part in agent.stream(QUESTION)]

    *pieces, reply = asked(proxy, "plain", ask)
    assert isinstance(reply, Reply)
    assert len(pieces) > 3
    assert "".join(map(str, pieces)) == reply.content == ANSWERS["plain"]
    assert (reply.usage.tokens_out > 0, reply.usage.estimated) == (True, False)


def test_an_answer_has_its_shape(proxy: str) -> None:
    """Or is an error, after one repair."""
    reply = asked(proxy, "shaped", lambda agent: agent.ask("Is it good?", Verdict))
    assert reply.content == Verdict(good=True, why="It is.")
    with pytest.raises(ModelAnswerError):
        asked(proxy, "plain", lambda agent: agent.ask("Is it good?", Verdict))


@pytest.mark.parametrize("model", ["limited", "failing"])
def test_what_may_pass_is_unavailable(proxy: str, model: str) -> None:
    """After another try."""
    with pytest.raises(ModelUnavailableError):
        asked(proxy, model, lambda agent: agent.chat(QUESTION))


@pytest.mark.parametrize(("model", "key"), [("nobody", KEY), ("plain", "sk-wrong")])
def test_what_will_not_pass_is_refused(proxy: str, model: str, key: str) -> None:
    """An unknown model, a wrong key."""
    with pytest.raises(ModelRefusedError):
        asked(proxy, model, lambda agent: agent.chat(QUESTION), key=key)


CALLS = [Call("add", {"a": 1, "b": 2}), Call("add", {"a": 3, "b": 4})]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def passed(url: str, upstream: int, ask: Callable[[Agent], Awaitable[T]]) -> tuple[T, list[str]]:
    """Ask the model behind the proxy, which calls tools, then answers; return what those gave."""
    server = OpenAIServer()
    server.script.extend([Says("Let me see.", calls=CALLS), "It is 3, and 7."])

    async def run(agent: Agent) -> T:
        async with serve(server.app, port=upstream):
            return await ask(agent)

    answer = asked(url, "passed", run)
    told = server.requests[-1].messages
    return answer, [message.text for message in told if message.role == "tool"]


def test_tools_are_called(proxy: str, upstream: int) -> None:
    """Their results reach the model through the proxy, and its answer comes back."""
    reply, results = passed(proxy, upstream, lambda agent: agent.chat(QUESTION, tools=Tools(add)))
    assert results == ["3", "7"]
    assert reply.content == "Let me see.\n\nIt is 3, and 7."
    assert (reply.usage.tokens_out > 0, reply.usage.estimated) == (True, False)


def test_tools_are_called_in_a_stream(proxy: str, upstream: int) -> None:
    """As the proxy cuts the pieces of the calls."""

    async def ask(agent: Agent) -> list[str | Reply[str]]:
        return [part async for part in agent.stream(QUESTION, tools=Tools(add))]

    (*pieces, reply), results = passed(proxy, upstream, ask)
    assert results == ["3", "7"]
    assert isinstance(reply, Reply)
    assert "".join(map(str, pieces)) == reply.content == "Let me see.\n\nIt is 3, and 7."
    assert (reply.usage.tokens_out > 0, reply.usage.estimated) == (True, False)
