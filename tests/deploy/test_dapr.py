"""The Dapr files carry the declared names, and fit what the service does itself."""

import re

from tests.deploy.service import Rendered

FOLDERS = ("dapr/components", "dapr/production")
FIFTEEN_MINUTES = 900


def test_there_is_nothing_of_dapr_without_a_sidecar(service: Rendered) -> None:
    """The folder is there exactly where Dapr is used."""
    assert service.has("dapr") == service.uses_sidecar
    if not service.uses_sidecar:
        for path in ("README.md", "Makefile", "docker-compose.yml", ".env.example"):
            assert "dapr" not in service.text(path).lower()


def test_components_are_the_declared_ones(service: Rendered) -> None:
    """The same in development and in production, and no other."""
    declared: dict[str, str] = {}
    if "pubsub" in service.features:
        declared["pubsub.yaml"] = service.declaration["pubsub"]["component_name"]
    if "state" in service.features:
        declared["state.yaml"] = service.declaration["state"]["component_name"]
        if shared := service.declaration["state"].get("shared_component_name"):
            declared["shared-state.yaml"] = shared
    for folder in FOLDERS:
        names = {
            path.name: service.yaml(f"{folder}/{path.name}")["metadata"]["name"]
            for path in (service.root / folder).glob("*.yaml")
            if path.name != "config.yaml"
        }
        assert names == declared


def test_types_follow_the_backend(service: Rendered) -> None:
    """Redis on a developer's machine, the declared backend in production, PostgreSQL as v2."""
    if "state" not in service.features:
        return
    backend = service.declaration["state"]["backend"]
    version = {"redis": "v1", "postgresql": "v2"}[backend]
    for name in ("state", "shared-state"):
        if service.has(f"dapr/components/{name}.yaml"):
            local = service.yaml(f"dapr/components/{name}.yaml")["spec"]
            assert (local["type"], local["version"]) == ("state.redis", "v1")
            spec = service.yaml(f"dapr/production/{name}.yaml")["spec"]
            assert (spec["type"], spec["version"]) == (f"state.{backend}", version)


def test_shared_state_has_a_prefix_of_its_own(service: Rendered) -> None:
    """With the app-id before its keys, no service could read what another wrote."""
    for folder in FOLDERS:
        if service.has(f"{folder}/shared-state.yaml"):
            assert service.metadata(f"{folder}/shared-state.yaml")["keyPrefix"] == "shared"
            assert service.metadata(f"{folder}/state.yaml")["keyPrefix"] == "appid"


def test_each_service_has_a_group_of_its_own(service: Rendered) -> None:
    """In a common group, services would share the events out between them."""
    if "pubsub" not in service.features:
        return
    group = service.declaration["pubsub"]["consumer_group"]
    for folder in FOLDERS:
        metadata = service.metadata(f"{folder}/pubsub.yaml")
        assert metadata["consumerGroup"] == f"{group}-{{appID}}"
        assert metadata["initialOffset"] == "oldest"
    assert service.metadata("dapr/components/pubsub.yaml")["authType"] == "none"


def test_production_is_encrypted_and_authenticated(service: Rendered) -> None:
    """Addresses and passwords come from Secrets that the README names."""
    if not service.has("dapr/production"):
        return
    readme = service.text("README.md")
    for path in (service.root / "dapr/production").glob("*state.yaml"):
        metadata = service.metadata(f"dapr/production/{path.name}")
        assert "connectionString" in metadata or metadata["enableTLS"] == "true"
    if "pubsub" in service.features:
        metadata = service.metadata("dapr/production/pubsub.yaml")
        assert metadata["authType"] == "password"
        assert metadata["disableTls"] == "false"
    for path in (service.root / "dapr/production").glob("*.yaml"):
        spec = service.yaml(f"dapr/production/{path.name}")["spec"]
        for item in spec.get("metadata", []):
            if reference := item.get("secretKeyRef"):
                assert f"`{reference['name']}`" in readme
                assert f"`{reference['key']}`" in readme
            else:
                assert not re.search(r"password|token|secret|username", item["name"].lower())


def test_addresses_are_set_wherever_a_sidecar_runs(service: Rendered) -> None:
    """What a component takes from the environment, `make run` and Compose both set."""
    if not service.has("dapr/components"):
        return
    compose = service.yaml("docker-compose.yml")["services"]["sidecar"]["environment"]
    makefile = service.text("Makefile")
    wanted = {
        item["envRef"]
        for path in (service.root / "dapr/components").glob("*.yaml")
        for item in service.yaml(f"dapr/components/{path.name}")["spec"]["metadata"]
        if "envRef" in item
    }
    assert wanted == compose.keys()
    for variable in wanted:
        assert f"export {variable} ?= localhost:" in makefile


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
    for path in ("dapr/config.yaml", "dapr/production/config.yaml", "dapr/resiliency.yaml"):
        if service.has(path):
            assert service.yaml(path)["metadata"]["name"] == service.name
    for path in (service.root / "dapr/components").glob("*.yaml"):
        assert service.yaml(f"dapr/components/{path.name}")["scopes"] == [service.name]


def test_only_named_services_may_invoke_it(service: Rendered) -> None:
    """Nobody by default; of the six, triage calls the others."""
    if not service.uses_sidecar:
        return
    control = service.yaml("dapr/production/config.yaml")["spec"]["accessControl"]
    assert control["defaultAction"] == "deny"
    callers = {policy["appId"] for policy in control.get("policies", [])}
    specialists = {"concepts", "code-review", "debug", "exercise", "progress"}
    kind = service.declaration["service"]["service_type"]
    assert callers == ({"triage-service"} if kind in specialists else set[str]())
    for policy in control.get("policies", []):
        assert policy["namespace"] == service.yaml("k8s/base/kustomization.yaml")["namespace"]
