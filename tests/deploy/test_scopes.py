"""Who may use which topic of LearnFlow: `fleet/scopes` says what the six declare."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from dev.serve import HOST, serve
from dev.sidecar import hosted
from dev.sidecar.blocks import App as SidecarApp
from dev.sidecar.components import Component, load
from dev.sidecar.core import api
from fleet.services import LEARNFLOW
from tests.conftest import Rendered
from tests.contract.app import App
from tests.rendering import ROOT

SCOPES = ROOT / "fleet" / "scopes" / "kustomization.yaml"
PUBSUB, LETTERS = "kafka-pubsub", "dead-letter.queue"
STRANGER = "stranger"
Topics = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def declared() -> Topics:
    """Return what each of the six publishes and reads, by app-id."""
    found: Topics = {}
    for preset in LEARNFLOW:
        answers = yaml.safe_load((ROOT / "presets" / f"{preset}.yml").read_text("utf-8"))
        found[answers["service_name"]] = {
            verb: {topic["name"] for topic in answers["topics"] if topic[verb]} | {LETTERS}
            for verb in ("publish", "subscribe")
        }
    return found


@pytest.fixture(scope="module")
def folder(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with production's components, as the file changes them."""
    service = rendered("simulated-triage", service_type="triage")
    components = (service / "dapr" / "production" / "components.yaml").read_text("utf-8")
    documents = [each for each in yaml.safe_load_all(components) if each]
    for patch in yaml.safe_load(SCOPES.read_text("utf-8"))["patches"]:
        for document in documents:
            if patch["target"].get("name", document["metadata"]["name"]) == _name(document):
                for step in yaml.safe_load(patch["patch"]):
                    _add(document, step["path"], step["value"])
    place = tmp_path_factory.mktemp("scopes")
    (place / "components.yaml").write_text(yaml.safe_dump_all(documents), "utf-8")
    return place


def _name(document: dict[str, Any]) -> str:
    return document["metadata"]["name"]


def _add(document: Any, path: str, value: Any) -> None:
    *names, last = path.split("/")[1:]
    for name in names:
        document = document[name]
    if last == "-":
        document.append(value)
    else:
        document[last] = value


def scopes(component: Component, option: str) -> dict[str, set[str]]:
    """Return an option that names topics by app-id."""
    pairs = (entry.split("=") for entry in component.options[option].split(";"))
    return {app_id: set(topics.split(",")) for app_id, topics in pairs}


def test_the_file_says_what_the_six_declare(declared: Topics, folder: Path) -> None:
    """All of it, and nothing else; each topic is protected."""
    component = load(folder, "triage-service")[PUBSUB]
    for option, verb in (("publishingScopes", "publish"), ("subscriptionScopes", "subscribe")):
        assert scopes(component, option) == {name: of[verb] for name, of in declared.items()}
    everything = set[str]().union(*(topics for of in declared.values() for topics in of.values()))
    assert set(component.words("protectedTopics")) == everything


def test_others_have_no_component(declared: Topics, folder: Path) -> None:
    """The six have all."""
    assert load(folder, STRANGER) == {}
    assert {len(load(folder, app_id)) for app_id in declared} == {3}


async def test_the_six_can_do_what_they_declare(declared: Topics, folder: Path) -> None:
    """Each publishes and gets its own topics, and no other."""
    topics = sorted(set[str]().union(*(of["publish"] for of in declared.values())))
    wishes = [{"pubsubname": PUBSUB, "topic": each, "route": f"/{each}"} for each in topics]
    apps = {app_id: App(wishes) for app_id in declared}
    taken: dict[str, set[str]] = {app_id: set() for app_id in declared}
    async with hosted() as sidecar, AsyncExitStack() as stack:
        ports: dict[str, int] = {}
        for app_id, app in apps.items():
            await stack.enter_async_context(app.serving())
            served = SidecarApp(app_id, f"http://{HOST}:{app.port}", load(folder, app_id))
            ports[app_id] = await stack.enter_async_context(serve(api(sidecar, served)))
            sidecar.add(served)
            await served.up.wait()
        client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, verify=False))
        for app_id, port in ports.items():
            for topic in topics:
                url = f"http://127.0.0.1:{port}/v1.0/publish/{PUBSUB}/{topic}"
                status = (await client.post(url, json=1)).status_code
                assert status in {204, 403}
                taken[app_id] |= {topic} if status == 204 else set()
        await sidecar.settled()
    got = {
        app_id: {seen.path[1:] for seen in app.requests if seen.method == "POST"}
        for app_id, app in apps.items()
    }
    assert taken == {app_id: of["publish"] for app_id, of in declared.items()}
    assert got == {app_id: of["subscribe"] for app_id, of in declared.items()}
