"""What every service does: failures of one shape, a token if wanted, an orderly start and end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from httpx2 import AsyncClient, ConnectError
from pydantic import BaseModel

from app.main import create_app
from dev.serve import HOST, free_port, serve

JSON = {"content-type": "application/json"}


class Body(BaseModel):
    """What the test's route takes."""

    number: int


@asynccontextmanager
async def bare() -> AsyncGenerator[AsyncClient]:
    """Run the service without features, with a route that fails if it gets a zero."""
    app = create_app(features=[])

    @app.post("/number")
    async def number(body: Body) -> int:
        return 100 // body.number

    _ = number  # FastAPI keeps it
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        yield client


async def test_a_failure_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a code and the id of the request; a bug shows nothing of itself."""
    monkeypatch.setenv("MAX_BODY_BYTES", "1024")
    async with bare() as client:
        for answer, status, code in (
            (await client.get("/nowhere"), 404, "not-found"),
            (await client.get("/number"), 405, "method-not-allowed"),
            (await client.post("/number", content=b" " * 1025), 413, "content-too-large"),
            (await client.post("/number", content=b"{}", headers=JSON), 422, "invalid-input"),
            (await client.post("/number", json={"number": 0}), 500, "internal-server-error"),
        ):
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
            assert "Zero" not in answer.text
        assert (await client.post("/number", json={"number": 5})).json() == 20


async def test_without_the_token_only_probes_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is one; the sidecar sends it with every call."""
    monkeypatch.setenv("APP_API_TOKEN", "s3cret")
    async with bare() as client:
        right = {"dapr-api-token": "s3cret"}
        assert (await client.post("/number", json={"number": 5})).status_code == 401
        assert (await client.post("/number", json={"number": 5}, headers=right)).json() == 20
        for path in ("/health", "/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200


@asynccontextmanager
async def started(folder: Path | None = None, **variables: str) -> AsyncGenerator[Process]:
    """Run `python -m app` with these variables, inside the block at the longest."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app"),
        cwd=folder,
        env={**os.environ, **variables},
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.usefixtures("companions")
async def test_a_wrong_configuration_is_a_line_each_and_exit_78() -> None:
    """So that all can be put right in one go; nothing else is said."""
    async with started(APP_PORT="abc", LOG_LEVEL="loud") as process:
        out, said = await process.communicate()
    assert [line.split(": ")[0] for line in said.decode().splitlines()] == [
        "APP_PORT='abc'",
        "LOG_LEVEL='loud'",
    ]
    assert out == b""
    assert process.returncode == 78


@pytest.mark.parametrize("line", [b"APP_HOST=caf\xe9\n", b'APP_API_TOKEN="s3cret\n'])
async def test_an_env_file_that_can_not_be_read_is_a_line_and_exit_78(
    tmp_path: Path, line: bytes
) -> None:
    """As any other wrong configuration."""
    (tmp_path / ".env").write_bytes(line)
    async with started(tmp_path, PYTHONPATH=str(Path.cwd())) as process:
        _, said = await process.communicate()
    assert said.decode().startswith(".env can't be read: ")
    assert said.count(b"\n") == 1
    assert process.returncode == 78


@pytest.mark.usefixtures("companions")
async def test_it_runs_until_it_is_told_to_end() -> None:
    """SIGTERM ends it, with nothing on stderr."""
    port = free_port()
    async with started(APP_PORT=str(port), LOG_FORMAT="json") as process:
        async with AsyncClient(base_url=f"http://{HOST}:{port}") as client, asyncio.timeout(90):
            while True:
                try:
                    assert (await client.get("/health")).status_code == 200
                    break
                except ConnectError:
                    await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, said = await process.communicate()
    assert said.decode() == ""
    assert all(line.startswith("{") for line in out.decode().splitlines())
    assert process.returncode in {0, -signal.SIGTERM}
