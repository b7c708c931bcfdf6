"""The Dapr files carry the declared names, and fit what the service does itself."""

import re

import pytest

from tests.deploy.service import Rendered, metadata

DEVELOPMENT, PRODUCTION = "dapr/components", "dapr/production"
EITHER = pytest.mark.parametrize("folder", [DEVELOPMENT, PRODUCTION])
FIFTEEN_MINUTES = 900


def test_there_is_nothing_of_dapr_without_a_sidecar(service: Rendered) -> None:
    """The folder is there exactly where Dapr is used."""
    assert service.has("dapr") == service.uses_sidecar
    if not service.uses_sidecar:
        for path in ("README.md", "Makefile", "docker-compose.yml", ".env.example"):
            assert "dapr" not in service.text(path).lower()


def stores(service: Rendered) -> list[str]:
    """Return the names of its state components: its own, then the shared one."""
    declared = service.declaration.get("state", {})
    names = (declared.get(key) for key in ("component_name", "shared_component_name"))
    return [name for name in names if name]


@EITHER
def test_components_are_the_declared_ones(service: Rendered, folder: str) -> None:
    """The same in development and in production, and no other."""
    declared = stores(service)
    if "pubsub" in service.features:
        declared.append(service.declaration["pubsub"]["component_name"])
    assert service.components(folder).keys() == set(declared)
    assert service.has(folder) == bool(declared)


def test_no_component_is_beside_the_resiliency(service: Rendered) -> None:
    """A sidecar for development reads `dapr/` itself: no component of production is there."""
    assert "Component" not in {each["kind"] for each in service.documents("dapr")}


def test_types_follow_the_backend(service: Rendered) -> None:
    """Redis on a developer's machine, the declared backend in production, PostgreSQL as v2."""
    if "state" not in service.features:
        return
    backend = service.declaration["state"]["backend"]
    version = {"redis": "v1", "postgresql": "v2"}[backend]
    for name in stores(service):
        local = service.components(DEVELOPMENT)[name]["spec"]
        assert (local["type"], local["version"]) == ("state.redis", "v1")
        spec = service.components(PRODUCTION)[name]["spec"]
        assert (spec["type"], spec["version"]) == (f"state.{backend}", version)


@EITHER
def test_shared_state_has_a_prefix_of_its_own(service: Rendered, folder: str) -> None:
    """With the app-id before its keys, no service could read what another wrote."""
    components = service.components(folder)
    for name, prefix in zip(stores(service), ("appid", "shared"), strict=False):
        assert metadata(components[name])["keyPrefix"] == prefix


@EITHER
def test_each_service_has_a_group_of_its_own(service: Rendered, folder: str) -> None:
    """In a common group, services would share the events out between them."""
    if "pubsub" not in service.features:
        return
    declared = service.declaration["pubsub"]
    given = metadata(service.components(folder)[declared["component_name"]])
    assert given["consumerGroup"] == f"{declared['consumer_group']}-{{appID}}"
    assert given["initialOffset"] == "oldest"
    assert given["authType"] == {DEVELOPMENT: "none", PRODUCTION: "password"}[folder]


def test_production_is_encrypted_and_authenticated(service: Rendered) -> None:
    """Addresses and passwords come from Secrets that the README names."""
    readme = service.text("README.md")
    for component in service.components(PRODUCTION).values():
        spec, given = component["spec"], metadata(component)
        encrypted = {
            "state.redis": given.get("enableTLS") == "true",
            "state.postgresql": "connectionString" in given,
            "pubsub.kafka": given.get("disableTls") == "false",
        }
        assert encrypted[spec["type"]]
        assert component["auth"] == {"secretStore": "kubernetes"}
        for item in spec["metadata"]:
            if reference := item.get("secretKeyRef"):
                assert f"`{reference['name']}`" in readme
                assert f"`{reference['key']}`" in readme
            else:
                assert not re.search(r"password|token|secret|username", item["name"].lower())


def test_addresses_are_set_wherever_a_sidecar_runs(service: Rendered) -> None:
    """What a component takes from the environment, `make run` and Compose both set."""
    components = service.components(DEVELOPMENT)
    if not components:
        return
    compose = service.yaml("docker-compose.yml")["services"]["sidecar"]["environment"]
    makefile = service.text("Makefile")
    wanted = {
        item["envRef"]
        for component in components.values()
        for item in component["spec"]["metadata"]
        if "envRef" in item
    }
    assert wanted == compose.keys()
    for variable in wanted:
        assert f'os.environ.setdefault("{variable}", ' in makefile


def test_events_are_redelivered_for_a_quarter_of_an_hour(service: Rendered) -> None:
    """A restart of the service dead-letters nothing."""
    if "pubsub" not in service.features:
        return
    spec = service.yaml("dapr/resiliency.yaml")["spec"]
    inbound = spec["targets"]["components"][service.declaration["pubsub"]["component_name"]]
    retry = spec["policies"]["retries"][inbound["inbound"]["retry"]]
    assert "outbound" not in inbound
    assert int(retry["duration"].removesuffix("s")) * retry["maxRetries"] >= FIFTEEN_MINUTES


def test_the_sidecar_repeats_no_invocation(service: Rendered) -> None:
    """The service repeats calls itself, and three times three would be nine.

    Each target is named: Dapr raises a built-in policy of fewer than three retries to three.
    """
    targets = service.declaration.get("invocation", {}).get("targets", [])
    assert service.has("dapr/resiliency.yaml") == ("pubsub" in service.features or bool(targets))
    if targets:
        spec = service.yaml("dapr/resiliency.yaml")["spec"]
        retries = {name: spec["policies"]["retries"][policy["retry"]]["maxRetries"]
                   for name, policy in spec["targets"]["apps"].items()}  # fmt: skip
        assert retries == {target["app_id"]: 0 for target in targets}


def test_dapr_objects_are_for_this_service(service: Rendered) -> None:
    """Configuration and resiliency carry its name; development components are scoped to it."""
    if not service.uses_sidecar:
        return
    for path in ("dapr/config.yaml", "dapr/resiliency.yaml"):
        if service.has(path):
            assert service.yaml(path)["metadata"]["name"] == service.name
    assert all(c["scopes"] == [service.name] for c in service.components(DEVELOPMENT).values())
    assert not any("scopes" in each for each in service.components(PRODUCTION).values())


def test_only_named_services_may_invoke_it(service: Rendered) -> None:
    """Nobody by default; of the six, triage calls the others."""
    if not service.uses_sidecar:
        return
    control = service.object("Configuration")["spec"]["accessControl"]
    assert control["defaultAction"] == "deny"
    callers = {policy["appId"] for policy in control.get("policies", [])}
    specialists = {"concepts", "code-review", "debug", "exercise", "progress"}
    kind = service.declaration["service"]["service_type"]
    assert callers == ({"triage-service"} if kind in specialists else set[str]())
    for policy in control.get("policies", []):
        assert policy["namespace"] == service.yaml("k8s/base/kustomization.yaml")["namespace"]
