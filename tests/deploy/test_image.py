"""The image and the Compose file."""

import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.service import Rendered


def test_hadolint_finds_nothing(service: Rendered) -> None:
    """The Dockerfile keeps to the rules of its linter."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, service.root / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_the_declared_service(service: Rendered) -> None:
    """Python, port and health check are those of the declaration; root is nobody."""
    text = service.text("Dockerfile")
    version = service.declaration["service"]["python_version"]
    assert re.findall(r"^FROM (\S+)", text, re.M) == [f"python:{version}-slim"] * 2
    assert re.findall(r"^EXPOSE (.+)$", text, re.M) == [str(service.port)]
    assert f"APP_PORT={service.port}\n" in text
    assert "APP_HOST=0.0.0.0" in text
    assert re.findall(r"^USER (.+)$", text, re.M) == ["10001:10001"]
    assert "'/health'" in text
    assert re.findall(r"^CMD (.+)$", text, re.M) == ['["python", "-m", "app"]']


def test_the_image_holds_the_app_alone(service: Rendered) -> None:
    """Nothing but what the image is made of leaves the folder."""
    kept = re.findall(r"^!(.+)$", service.text(".dockerignore"), re.M)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", service.text("Dockerfile"), re.M)
    assert sorted(kept) == sorted(" ".join(copied).split()) == ["app", "pyproject.toml", "uv.lock"]


def test_compose_runs_what_the_features_need(service: Rendered) -> None:
    """Kafka for events, Redis for state, a sidecar for either; nothing more."""
    services = service.yaml("docker-compose.yml")["services"]
    expected = {"app"}
    expected |= {"sidecar"} if service.uses_sidecar else set()
    expected |= {"kafka"} if "pubsub" in service.features else set()
    expected |= {"redis"} if "state" in service.features else set()
    assert services.keys() == expected
    assert services["app"]["ports"] == [f"127.0.0.1:{service.port}:{service.port}"]
    for each in services.values():
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", []))
    if service.uses_sidecar:
        command = services["sidecar"]["command"]
        assert f"--app-id={service.name}" in command
        assert f"--app-port={service.port}" in command
        for option in command:
            if path := re.search(r"=/(dapr\S*)$", option):
                assert service.has(path[1])
        for needed in services["sidecar"]["depends_on"]:
            assert needed in services
