"""Prints what a service has once it is put together; run in its folder."""

from collections.abc import Iterator

from prometheus_client import REGISTRY
from pydantic_settings import BaseSettings

from app.core.feature import discover
from app.main import create_app


def settings(base: type[BaseSettings] = BaseSettings) -> Iterator[str]:
    """Yield the fields of every settings model."""
    for model in base.__subclasses__():
        yield from model.model_fields
        yield from settings(model)


def main() -> None:
    """Print a line for each part: its kind and its name."""
    app = create_app()
    routes = {getattr(route, "path", None) or "" for route in app.routes}
    for path in sorted(routes | app.openapi()["paths"].keys()):
        print("route", path)
    for name in sorted({*settings()}):
        print("setting", name)
    for metric in sorted(metric.name for metric in REGISTRY.collect()):
        print("metric", metric)
    for feature in discover():
        print("feature", feature.name)


if __name__ == "__main__":
    main()
