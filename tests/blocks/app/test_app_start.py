"""Starting and ending in order; saying how one is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

import pytest
from httpx2 import AsyncClient
from pydantic import Field, Secret, model_validator
from pydantic_settings import SettingsConfigDict

from app.core import health
from app.core.config import ConfigurationError, Environment
from app.core.feature import Check, Feature, StartError, in_order
from app.core.resources import Resources
from app.main import create_app
from dev.serve import HOST, free_port, serve


@pytest.mark.parametrize(
    ("name", "value"),
    [("APP_PORT", "0"), ("LOG_FORMAT", "xml"), ("MAX_BODY_BYTES", "1"), ("SHUTDOWN_SECONDS", "-1")],
)
def test_a_variable_out_of_range_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Before anything is opened."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name}='{value}': "):
        create_app(features=[])


@pytest.mark.parametrize("token", [" ", "a b", "caf\u00e9", "caf\udce9"])
def test_a_token_that_no_header_can_hold_is_named(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """And not shown: with it, every call would be refused."""
    monkeypatch.setenv("APP_API_TOKEN", token)
    with pytest.raises(ConfigurationError, match=r"^APP_API_TOKEN: .*must be printable ASCII"):
        create_app(features=[])


class Shop(Environment):
    """Settings as `app/setup.py` may have them: a prefix, an alias, a list, a group, a rule."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="__")
    host: str = Field(description="Where it is.")
    mail: str = Field(validation_alias="SMTP_HOST")
    origins: list[str] = Field(default=[])
    keys: dict[str, Secret[int]] = Field(default={})
    least: int = 1
    most: float = 9

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.most:
            raise ValueError("the least\nis more than the most")
        return self


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SHOP_HOST": ""}, "SHOP_HOST is missing (Where it is.)"),
        ({"SMTP_HOST": ""}, "SMTP_HOST is missing"),
        ({"SHOP_MOST": "b"}, "SHOP_MOST='b': Input should be a valid number, "),
        ({"SHOP_MOST": "inf"}, "SHOP_MOST='inf': Input should be a finite number"),
        ({"SHOP_ORIGINS": "a,b"}, 'SHOP_ORIGINS is no JSON, as ["a", "b"] is'),
        ({"SHOP_ORIGINS": "[1]"}, "SHOP_ORIGINS__0: Input should be a valid string"),
        ({"SHOP_KEYS": '"hidden"'}, "SHOP_KEYS: Input should be a valid dictionary"),
        ({"SHOP_KEYS__A": "hidden"}, "SHOP_KEYS__a: Input should be a valid integer, "),
        ({"SHOP_LEAST": "10"}, "Shop: Value error, the least is more than the most"),
    ],
)
def test_settings_of_ones_own_are_told_by_their_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], line: str
) -> None:
    """A line each, whatever a model of settings can do; secrets are not shown."""
    for name, value in ({"SHOP_HOST": "a", "SMTP_HOST": "b"} | variables).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as wrong:
        create_app(features=[Feature(name="shop", settings=Shop)])
    assert str(wrong.value).startswith(line)
    assert "\n" not in str(wrong.value)
    assert "hidden" not in str(wrong.value)


def test_a_port_that_is_about_to_be_taken_is_not_given() -> None:
    """Else `make dev` would put a sidecar where the service is to listen."""
    wanted = free_port()
    assert free_port(wanted, but=wanted) != wanted


def test_features_open_after_what_they_need() -> None:
    """Whatever order they are found in."""
    features = [Feature(name="a", needs=["c"]), Feature(name="b"), Feature(name="c")]
    for found in (features, features[::-1]):
        names = [feature.name for feature in in_order(found)]
        assert sorted(names) == ["a", "b", "c"]
        assert names.index("c") < names.index("a")


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ([Feature(name="a", needs=["b"])], "'b'"),
        ([Feature(name="a", needs=["b"]), Feature(name="b", needs=["a"])], "'b'"),
    ],
)
def test_what_can_not_be_put_together_does_not_start(features: list[Feature], reason: str) -> None:
    """The reason names the features."""
    with pytest.raises(StartError, match=reason):
        create_app(features=features)


async def test_features_close_in_reverse() -> None:
    """What another one needs is there until that one is closed."""
    said: list[str] = []

    def tells(name: str, *needs: str) -> Feature:
        @asynccontextmanager
        async def lifespan(_: Resources) -> AsyncGenerator[None]:
            said.append(f"open {name}")
            yield
            said.append(f"close {name}")

        return Feature(name=name, needs=needs, lifespan=lifespan)

    app = create_app(features=[tells("a", "b"), tells("b")])
    assert said == []
    async with app.router.lifespan_context(app):
        assert said == ["open b", "open a"]
    assert said == ["open b", "open a", "close a", "close b"]


async def good(_: Resources) -> None:
    """Pass."""


async def bad(_: Resources) -> None:
    """Fail with a reason."""
    raise ConnectionError("the disk is full")


async def slow(_: Resources) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@asynccontextmanager
async def checked(**checks: Check) -> AsyncGenerator[AsyncClient]:
    """Run the service with nothing but these checks."""
    feature = Feature(name="test", checks=list(checks.values()))
    app = create_app(features=[feature])
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        yield client


async def test_ready_names_each_check() -> None:
    """200 where all is well."""
    async with checked(one=Check(name="one", run=good), two=Check(name="two", run=good)) as client:
        answer = await client.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"one": "ok", "two": "ok"}}


async def test_not_ready_says_why() -> None:
    """503, with the reason of the check that failed; the process is alive all the same."""
    async with checked(one=Check(name="one", run=good), two=Check(name="two", run=bad)) as client:
        answer = await client.get("/ready")
        alive = await client.get("/health")
    assert answer.status_code == 503
    reason = "ConnectionError: the disk is full"
    assert answer.json() == {"status": "not ready", "checks": {"one": "ok", "two": reason}}
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe gets its answer in time."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    async with checked(one=Check(name="one", run=slow)) as client:
        answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"one": "TimeoutError"})


async def test_requests_are_counted() -> None:
    """By route, not by path: ids in paths would be endless."""
    async with checked() as client:
        await client.get("/nowhere/1")
        await client.get("/health")
        metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/health",status="200"}' in metrics
    assert 'route="unmatched",status="404"' in metrics
    assert "/nowhere" not in metrics
