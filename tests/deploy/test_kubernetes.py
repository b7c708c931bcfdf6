"""The Kubernetes manifests are valid, and say what the declaration says."""

import shutil
import subprocess
from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]  # ships none
import pytest

from tests.deploy.service import Rendered, parsed

BASE = "k8s/base"
SECONDS = 10
"""What ends after the app, at the most."""


def objects(service: Rendered) -> dict[str, Any]:
    """Return the service's own objects by kind."""
    found = service.documents(BASE)
    kinds = {each["kind"]: each for each in found}
    assert len(kinds) == len(found)
    del kinds["Kustomization"]
    return kinds


def test_every_yaml_file_is_strict(service: Rendered) -> None:
    """No key stands twice: kubectl would hide it."""
    files = list(service.yaml_files())
    assert {path.name for path in files} > {"service.yaml", "docker-compose.yml", "ci.yml"}
    for path in files:
        assert all(parsed(path.read_text(encoding="utf-8"))), path


def test_kubernetes_knows_every_field(service: Rendered) -> None:
    """A misspelt field is refused, not ignored."""
    kinds = objects(service)
    assert ("Configuration" in kinds) == service.uses_sidecar
    # Dapr's, which Kubernetes does not know.
    kinds.pop("Configuration", None)
    assert kinds.keys() == {
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    }
    for manifest in kinds.values():
        kubernetes_validate.validate(manifest, "1.34", strict=True)


def test_every_manifest_is_applied(service: Rendered) -> None:
    """`kubectl apply -k k8s/base` takes all of them, and the resiliency where there is one."""
    listed = set(service.yaml(f"{BASE}/kustomization.yaml")["resources"])
    files = {path.name for path in (service.root / BASE).iterdir()} - {"kustomization.yaml"}
    resilient = service.has("dapr/resiliency.yaml")
    assert listed == files | ({"../../dapr"} if resilient else set())
    assert service.has("dapr/kustomization.yaml") == resilient
    if resilient:
        assert service.yaml("dapr/kustomization.yaml")["resources"] == ["resiliency.yaml"]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_kustomize_builds_it(service: Rendered) -> None:
    """What is applied has one Deployment, the Dapr objects that are its own, no component."""
    built = subprocess.run(
        ["kubectl", "kustomize", service.root / BASE], capture_output=True, text=True, check=True
    )
    names = [(each["kind"], each["metadata"]["name"]) for each in parsed(built.stdout)]
    expected = {(kind, service.name) for kind in objects(service)}
    if service.has("dapr/resiliency.yaml"):
        expected.add(("Resiliency", service.name))
    assert len(names) == len(expected)
    assert set(names) == expected


def test_everything_has_the_name_of_the_service(service: Rendered) -> None:
    """One name, so that selectors, references and the app-id can't part."""
    for manifest in objects(service).values():
        assert manifest["metadata"]["name"] == service.name
    label = {"app.kubernetes.io/name": service.name}
    kinds = objects(service)
    assert kinds["Service"]["spec"]["selector"] == label
    assert kinds["Deployment"]["spec"]["selector"]["matchLabels"] == label
    assert kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == label
    assert kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == label
    assert label.items() <= service.pod()["metadata"]["labels"].items()
    assert kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == service.name
    assert service.pod()["spec"]["serviceAccountName"] == service.name


def test_names_leave_room_for_pods(service: Rendered) -> None:
    """A pod adds 17 characters to the name; a label holds 63."""
    assert len(service.name) + 17 <= 63


def test_the_port_is_the_declared_one(service: Rendered) -> None:
    """Container, probes, Service and NetworkPolicy agree."""
    container = service.container()
    assert container["ports"] == [{"name": "http", "containerPort": service.port}]
    probes = {
        name: container[name]["httpGet"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["startupProbe"]["path"] == probes["livenessProbe"]["path"] == "/health"
    assert probes["readinessProbe"]["path"] == "/ready"
    kinds = objects(service)
    assert kinds["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    assert kinds["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0]["port"] == service.port


def test_the_annotations_are_the_declaration(service: Rendered) -> None:
    """The sidecar gets the app-id, port and configuration of this service; or there is none."""
    annotations = service.pod()["metadata"]["annotations"]
    dapr = {key: value for key, value in annotations.items() if key.startswith("dapr.io/")}
    assert all(isinstance(value, str) for value in annotations.values())
    if not service.uses_sidecar:
        assert not dapr
        return
    assert dapr["dapr.io/app-id"] == service.name
    assert dapr["dapr.io/app-port"] == str(service.port)
    assert dapr["dapr.io/config"] == service.object("Configuration")["metadata"]["name"]
    assert dapr["dapr.io/app-health-check-path"] == "/health"
    assert [dapr[f"dapr.io/sidecar-cpu-{end}"] for end in ("request", "limit")] == ["50m", "200m"]
    assert [dapr[f"dapr.io/sidecar-memory-{end}"] for end in ("request", "limit")] == [
        "64Mi",
        "128Mi",
    ]


def test_the_end_has_time(service: Rendered) -> None:
    """Pause, open requests and the sidecar fit into the grace period."""
    settings = objects(service)["ConfigMap"]["data"]
    pause = int(service.container()["lifecycle"]["preStop"]["exec"]["command"][1])
    requests = int(settings["SHUTDOWN_SECONDS"])
    assert service.pod()["spec"]["terminationGracePeriodSeconds"] > pause + requests + SECONDS
    if service.uses_sidecar:
        annotations = service.pod()["metadata"]["annotations"]
        blocked = int(annotations["dapr.io/block-shutdown-duration"].removesuffix("s"))
        assert blocked > pause + requests
        assert int(annotations["dapr.io/graceful-shutdown-seconds"]) <= SECONDS


def test_the_pod_is_restricted(service: Rendered) -> None:
    """Pod Security "restricted", a root that can't be written, and no token for the cluster."""
    pod, container = service.pod()["spec"], service.container()["securityContext"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_secrets_are_those_of_the_features(service: Rendered) -> None:
    """A secret comes by reference, and only where a feature needs it."""
    secrets = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in
               service.container().get("env", [])}  # fmt: skip
    expected = {"APP_API_TOKEN", "DAPR_API_TOKEN"} if service.uses_sidecar else set[str]()
    if "agent" in service.features:
        expected.add("OPENAI_API_KEY")
    assert secrets.keys() == expected
    annotations = service.pod()["metadata"]["annotations"]
    if service.uses_sidecar:
        for variable, annotation in (("APP_API_TOKEN", "app"), ("DAPR_API_TOKEN", "api")):
            name = annotations[f"dapr.io/{annotation}-token-secret"]
            assert secrets[variable] == {"name": name, "key": "token"}
    readme = service.text("README.md")
    for reference in secrets.values():
        assert f"`{reference['name']}`" in readme
        assert f"`{reference['key']}`" in readme


TIERS = {
    "lightweight": (["100m", "500m"], ["128Mi", "256Mi"]),
    "standard": (["200m", "1000m"], ["256Mi", "512Mi"]),
    "agent": (["500m", "2000m"], ["512Mi", "1Gi"]),
}
TIER = {
    "triage": "lightweight",
    "concepts": "standard",
    "progress": "standard",
    "code-review": "agent",
    "debug": "agent",
    "exercise": "agent",
    "ai-agent": "agent",
}


def test_resources_are_those_of_the_tier(service: Rendered) -> None:
    """The figures of the technical research, by type of service."""
    resources = service.container()["resources"]
    given = tuple([resources[end][what] for end in ("requests", "limits")]
                  for what in ("cpu", "memory"))  # fmt: skip
    assert given in TIERS.values()
    kind = service.declaration["service"]["service_type"]
    if kind in TIER:
        assert given == TIERS[TIER[kind]]
    elif "agent" in service.features:
        assert given == TIERS["agent"]


def test_it_scales_from_2_to_10(service: Rendered) -> None:
    """At 70 % CPU and 80 % memory; the Deployment leaves the number alone."""
    kinds = objects(service)
    spec = kinds["HorizontalPodAutoscaler"]["spec"]
    targets = {
        each["resource"]["name"]: each["resource"]["target"]["averageUtilization"]
        for each in spec["metrics"]
    }
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert targets == {"cpu": 70, "memory": 80}
    assert "replicas" not in kinds["Deployment"]["spec"]


def test_the_network_is_open_for_what_is_used(service: Rendered) -> None:
    """Names always; sidecars, broker, store and model where the features need them."""
    policy = objects(service)["NetworkPolicy"]["spec"]
    inward = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    outward = {port["port"] for rule in policy["egress"] for port in rule.get("ports", [])}
    backend = service.declaration.get("state", {}).get("backend")
    sidecar = service.uses_sidecar
    assert inward == {service.port} | ({50002, 3501, 9090} if sidecar else set[int]())
    assert outward == {
        53,
        *([50002] if sidecar else []),
        *([9092] if "pubsub" in service.features else []),
        *([5432] if backend == "postgresql" else []),
        *([6379] if backend == "redis" else []),
        *([443] if "agent" in service.features else []),
    }
