"""The real Dapr sidecar of one app, without a control plane."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.serve import HOST
from tests.stack import install
from tests.stack.part import Part, answers, own_port, running

SETTLE_SECONDS = 0.2


@dataclass(kw_only=True)
class Daprd(Part):
    """A sidecar; it is up once its components are loaded."""

    app_id: str
    http_port: int
    grpc_port: int

    @property
    def url(self) -> str:
        """Where its HTTP API is."""
        return f"http://{HOST}:{self.http_port}"

    async def ready(self, seconds: float = 60.0) -> None:
        """Wait until it has found its app, too; then it has read the app's subscriptions."""
        await self.until(lambda: answers(f"{self.url}/v1.0/healthz", 204), seconds, "ready")


@asynccontextmanager
async def daprd(
    app_id: str,
    app_port: int | None,
    resources: Sequence[Path],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    config: Path | None = None,
    names: Path | None = None,
    arguments: Sequence[str] = (),
    log_level: str = "info",
) -> AsyncGenerator[Daprd]:
    """Run a sidecar with the components and policies in `resources`.

    `names` is the SQLite file in which sidecars find each other, the same for all of them;
    `config` a Configuration of the app's own; `env` all that the sidecar sees of the environment.
    """
    binary = await asyncio.to_thread(install.daprd)
    http, grpc, internal = own_port(), own_port(), own_port()
    command = [binary, "--mode", "standalone", "--app-id", app_id, "--log-level", log_level]
    command += ["--app-port", str(app_port), "--app-protocol", "http"] if app_port else []
    command += ["--dapr-http-port", str(http), "--dapr-grpc-port", str(grpc)]
    command += ["--dapr-internal-grpc-port", str(internal)]
    command += ["--dapr-internal-grpc-listen-address", HOST, "--dapr-listen-addresses", HOST]
    command += ["--enable-metrics=false", *arguments]
    for path in [config, _resolution(folder, names or folder / "names.sqlite")]:
        command += ["--config", path] if path else []
    for path in resources:
        command += ["--resources-path", path]

    async def up() -> bool:
        outbound = f"http://{HOST}:{http}/v1.0/healthz/outbound"
        if not await answers(outbound, 204):
            return False
        # It is healthy for a moment, too, before it ends because a component can't be reached.
        await asyncio.sleep(SETTLE_SECONDS)
        return await answers(outbound, 204)

    part = Daprd(
        name=f"daprd-{app_id}",
        folder=folder,
        command=command,
        up=up,
        env=env or {},
        app_id=app_id,
        http_port=http,
        grpc_port=grpc,
    )
    async with running(part):
        yield part


def _resolution(folder: Path, names: Path) -> Path:
    """Write a Configuration for finding others without multicast; YAML reads JSON."""
    resolution = {
        "component": "sqlite",
        "version": "v1",
        "configuration": {"connectionString": str(names)},
    }
    path = folder / "names.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "dapr.io/v1alpha1",
                "kind": "Configuration",
                "metadata": {"name": "names"},
                "spec": {"nameResolution": resolution},
            }
        )
    )
    return path
