"""Access control as it is generated for a cluster, where sidecars know each other by mTLS."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from fastapi import FastAPI

from dev.serve import serve
from tests.rendering import render
from tests.stack import daprd
from tests.stack.sentry import sentry

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


def configuration(service: Path) -> dict[str, Any]:
    """Return the sidecar's Configuration in a cluster."""
    documents = yaml.safe_load_all((service / "k8s" / "base" / "configmap.yaml").read_text())
    (found,) = [each for each in documents if each["kind"] == "Configuration"]
    return found


async def test_only_who_is_named_may_call(tmp_path: Path) -> None:
    """Triage may call a specialist, another specialist may not, nor a triage of elsewhere."""
    config = tmp_path / "configuration.yaml"
    service = render(tmp_path / "concepts-service", service_type="concepts")
    config.write_text(yaml.safe_dump(configuration(service)))
    names, app = tmp_path / "names.sqlite", FastAPI()
    app.get("/hello")(lambda: "hello")
    async with sentry(tmp_path / "sentry") as authority, serve(app) as port:
        known: dict[str, Any] = {"names": names, "arguments": authority.arguments}
        home, elsewhere = authority.seen_from("learnflow"), authority.seen_from("elsewhere")
        async with (
            daprd(
                service.name, port, [], tmp_path / "callee", env=home, config=config, **known
            ) as callee,
            daprd("triage-service", None, [], tmp_path / "triage", env=home, **known) as triage,
            daprd("debug-service", None, [], tmp_path / "debug", env=home, **known) as debug,
            daprd(
                "triage-service", None, [], tmp_path / "elsewhere", env=elsewhere, **known
            ) as stranger,
            httpx2.AsyncClient(trust_env=False, verify=False, timeout=30) as client,
        ):
            await callee.ready()
            answers = [
                await client.get(f"{caller.url}/v1.0/invoke/{target}/method/hello")
                for caller, target in (
                    (triage, service.name),
                    (debug, service.name),
                    (stranger, f"{service.name}.learnflow"),
                )
            ]
    assert [answer.status_code for answer in answers] == [200, 403, 403]
