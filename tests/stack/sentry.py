"""Sentry: it signs the certificates by which sidecars know each other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.serve import HOST
from tests.stack import install
from tests.stack.part import Part, answers, own_port, running

TRUST_DOMAIN = "public"


@dataclass(kw_only=True)
class Sentry(Part):
    """A certificate authority for sidecars."""

    port: int
    credentials: Path

    def seen_from(self, namespace: str) -> dict[str, str]:
        """Return what a sidecar in a namespace needs to see in its environment."""
        anchors = (self.credentials / "ca.crt").read_text()
        return {"DAPR_TRUST_ANCHORS": anchors, "NAMESPACE": namespace}

    @property
    def arguments(self) -> list[str]:
        """Return what a sidecar has to be started with."""
        asked = ["--enable-mtls", "--sentry-address", f"{HOST}:{self.port}"]
        return [*asked, "--control-plane-trust-domain", TRUST_DOMAIN]


@asynccontextmanager
async def sentry(folder: Path) -> AsyncGenerator[Sentry]:
    """Run Sentry, with a root certificate of its own."""
    binary = await asyncio.to_thread(install.sentry)
    port, health, credentials = own_port(), own_port(), folder / "credentials"
    credentials.mkdir(parents=True)
    command = [binary, "--trust-domain", TRUST_DOMAIN, "--issuer-credentials", credentials]
    command += ["--listen-address", HOST, "--port", str(port), "--config", "/dev/null"]
    command += ["--healthz-listen-address", HOST, "--healthz-port", str(health)]
    part = Sentry(
        name="sentry",
        folder=folder,
        command=[*command, "--enable-metrics=false"],
        up=lambda: answers(f"http://{HOST}:{health}/healthz"),
        port=port,
        credentials=credentials,
    )
    async with running(part):
        yield part
