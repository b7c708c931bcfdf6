"""Each part comes up, serves, survives SIGKILL with what it has stored, and ends."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from dev.serve import HOST, serve
from tests.rendering import ROOT
from tests.stack import Daprd, Part, StackError, daprd, kafka, postgresql, redis
from tests.stack.part import exchange

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec: {{type: {type}, version: {version}, metadata: [{metadata}]}}
"""


def component(folder: Path, name: str, kind: str, version: str = "v1", **metadata: str) -> None:
    """Write a component into a folder."""
    folder.mkdir(exist_ok=True)
    items = ", ".join(f'{{name: {key}, value: "{value}"}}' for key, value in metadata.items())
    text = COMPONENT.format(name=name, type=kind, version=version, metadata=items)
    (folder / f"{name}.yaml").write_text(text)


async def restarted(part: Part) -> None:
    """Kill a part and start it again."""
    await part.kill()
    assert not part.running
    await part.start()


async def stored(sidecar: Daprd) -> httpx2.Response:
    """Return what the store `store` has under `key`."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.get(f"{sidecar.url}/v1.0/state/store/key")


async def store(sidecar: Daprd) -> None:
    """Store something under `key`."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{sidecar.url}/v1.0/state/store", json=[{"key": "key", "value": "kept"}]
        )
    assert answer.status_code == 204, answer.text


async def published(client: httpx2.AsyncClient, sidecar: Daprd) -> None:
    """Publish on a topic, which may have to be made first; within 30 s it works."""
    url = f"{sidecar.url}/v1.0/publish/broker/topic"
    async with asyncio.timeout(30):
        while (await client.post(url, json={})).status_code != 204:  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def test_redis(tmp_path: Path) -> None:
    """What it has said yes to is there after SIGKILL."""
    async with redis(tmp_path, appendfsync="always") as server:
        port = int(server.address.partition(":")[2])
        assert await exchange(port, b"SET key kept\r\n", size=3) == b"+OK"
        await restarted(server)
        assert await exchange(port, b"GET key\r\n", size=8) == b"$4\r\nkept"
    with pytest.raises(OSError, match="Connect call failed"):
        await exchange(port, b"PING\r\n", size=1)


async def test_state_in_postgresql(tmp_path: Path) -> None:
    """A sidecar's state in PostgreSQL is there after SIGKILL of both."""
    async with postgresql(tmp_path / "postgresql") as server:
        resources = tmp_path / "resources"
        component(resources, "store", "state.postgresql", version="v2", connectionString=server.url)
        async with daprd("app", None, [resources], tmp_path / "daprd") as sidecar:
            await store(sidecar)
            await restarted(server)
            await restarted(sidecar)
            assert (await stored(sidecar)).json() == "kept"


async def test_kafka(tmp_path: Path) -> None:
    """A sidecar publishes, also after SIGKILL of the broker."""
    async with kafka(tmp_path / "kafka") as broker:
        resources = tmp_path / "resources"
        component(resources, "broker", "pubsub.kafka", brokers=broker.address, authType="none")
        async with (
            daprd("app", None, [resources], tmp_path / "daprd") as sidecar,
            httpx2.AsyncClient(trust_env=False, timeout=20) as client,
        ):
            await published(client, sidecar)
            await restarted(broker)
            await published(client, sidecar)


async def test_sidecars_find_each_other(tmp_path: Path) -> None:
    """Without multicast, by the file of names."""
    names = tmp_path / "names.sqlite"

    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    async with (
        serve(app) as port,
        daprd("callee", port, [], tmp_path / "callee", names=names) as callee,
        daprd("caller", None, [], tmp_path / "caller", names=names) as caller,
        httpx2.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        await callee.ready()
        answered = await client.get(f"{caller.url}/v1.0/invoke/callee/method/hello")
        assert (answered.status_code, answered.json()) == (200, "hello")


async def test_what_does_not_come_up_says_why(tmp_path: Path) -> None:
    """With the tail of its log."""
    resources = tmp_path / "resources"
    component(resources, "store", "state.redis", redisHost=f"{HOST}:1", redisPassword="")
    with pytest.raises(StackError, match=r"daprd-app is not up.*(?s:.)*redis store"):
        async with daprd("app", None, [resources], tmp_path / "daprd"):
            pass


@pytest.mark.parametrize("part", ["redis", "postgresql"])
def test_a_part_never_outlives_its_parent(part: str, tmp_path: Path) -> None:
    """Not even one that is killed with SIGKILL; no data stays in a temporary folder."""
    script = (
        f"import asyncio, pathlib\nfrom tests.stack import {part}\n"
        "async def main():\n"
        f"    async with {part}(pathlib.Path('.').absolute()) as server:\n"
        "        print(*map(str, server.command), flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'template'}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        command = parent.stdout.readline().strip()
        assert running(command)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while running(command) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(command)
    data = re.search(r"/\S+/postgresql-\w+", command)
    assert not (data and Path(data[0]).exists())


def running(command: str) -> bool:
    """Return whether a process has this command line."""
    listed = subprocess.check_output(["ps", "-ww", "-eo", "args"], text=True)
    return any(line.endswith(command) for line in listed.splitlines())
