"""A generated service as it is deployed: under a real sidecar, with its own `dapr/` files."""

import json
import shutil
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from dev.serve import HOST
from tests.stack.daprd import Daprd, daprd
from tests.stack.kafka import Kafka
from tests.stack.part import Part, answers, running
from tests.stack.postgresql import Postgresql
from tests.stack.redis import Redis

APP_TOKEN, SIDECAR_TOKEN = "the-apps-token", "the-sidecars-token"
TOKENS = {"APP_API_TOKEN": APP_TOKEN, "DAPR_API_TOKEN": SIDECAR_TOKEN}
READY_SECONDS = 90.0

Store = Redis | Postgresql


@dataclass(frozen=True)
class Deployed:
    """A service that is up; both processes can be killed and started again."""

    app: Part
    sidecar: Daprd
    url: str

    async def ready(self) -> None:
        """Wait until the service says that it is ready and its sidecar has read its topics."""
        await self.sidecar.ready(READY_SECONDS)
        await self.app.until(lambda: answers(f"{self.url}/ready"), READY_SECONDS, "ready")

    def client(self) -> httpx2.AsyncClient:
        """Return a client with the token that the service asks for."""
        headers = {"dapr-api-token": APP_TOKEN}
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=30
        )


@asynccontextmanager
async def deployed(
    path: Path,
    port: int,
    *,
    broker: Kafka,
    store: Store,
    names: Path,
    env: Mapping[str, str] | None = None,
    sidecar_log_level: str = "info",
) -> AsyncGenerator[Deployed]:
    """Run the service in `path` on `port`; what it and its sidecar say is beside its folder."""
    folder = path.with_name(f"{path.name}.sidecar")
    secrets = {"KAFKA_BROKERS": broker.address, **TOKENS}
    if isinstance(store, Redis):
        secrets["REDIS_HOST"] = store.address
    async with daprd(
        path.name,
        port,
        resources(path, folder / "resources", store),
        folder,
        env=secrets,
        config=path / "dapr" / "config.yaml",
        names=names,
        # As in docker-compose.yml and k8s/.
        arguments=["--enable-app-health-check", "--app-health-check-path=/health"],
        log_level=sidecar_log_level,
    ) as sidecar:
        url = f"http://{HOST}:{port}"
        ports = {
            "APP_PORT": str(port),
            "DAPR_HTTP_PORT": str(sidecar.http_port),
        }
        app = Part(
            name=path.name,
            folder=path.parent,
            cwd=path,
            command=[sys.executable, "-m", "app"],
            up=lambda: answers(f"{url}/health"),
            env={"LOG_FORMAT": "json", **ports, **TOKENS, **(env or {})},
        )
        async with running(app):
            yield Deployed(app, sidecar, url)


def resources(path: Path, folder: Path, store: Store) -> list[Path]:
    """Return where a sidecar finds the policies and components of the service in `path`.

    On Redis they are the ones for development. On PostgreSQL the state components are production's:
    the secrets that a cluster holds for them come from a file.
    """
    policies, development = path / "dapr", path / "dapr" / "components"
    if isinstance(store, Redis):
        return [policies, development]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source, kind in ((development, "pubsub."), (path / "dapr" / "production", "state.")):
        for component in _components(source, kind):
            name = component["metadata"]["name"]
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(component))
    secrets = folder.with_name("secrets.json")
    secrets.write_text(json.dumps({"postgresql": {"connection-string": store.url}}))
    (folder / "kubernetes.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "dapr.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name": "kubernetes"},
                "spec": {
                    "type": "secretstores.local.file",
                    "version": "v1",
                    "metadata": [
                        {"name": "secretsFile", "value": str(secrets)},
                        {"name": "multiValued", "value": "true"},
                    ],
                },
            }
        )
    )
    return [policies, folder]


def _components(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    for file in folder.glob("*.yaml"):
        for component in yaml.safe_load_all(file.read_text()):
            if component["spec"]["type"].startswith(kind):
                yield component
