"""The composition root."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fastapi import APIRouter, FastAPI

from app.core import declaration as declared
from app.core.config import Settings, load_settings
from app.core.errors import install_problems
from app.core.feature import Feature, attribute, discover, in_order, modules, opened
from app.core.health import health_router
from app.core.middleware import ApiToken, BodyLimit, RequestContext
from app.core.resources import Resources

DECLARATION = Path(__file__).with_name("service.yaml")


def create_app(
    settings: Settings | None = None,
    features: Sequence[Feature] | None = None,
    declaration: declared.Declaration | None = None,
) -> FastAPI:
    """Put the service together, or raise a ConfigurationError, DeclarationError or StartError."""
    settings = settings or load_settings(Settings)
    declaration = declaration or declared.load(DECLARATION)
    features = discover() if features is None else in_order(features)
    resources = Resources(settings, declaration.service)
    for feature in features:
        if feature.section:
            resources.add(declaration.section(feature.section))
        if feature.settings:
            resources.add(load_settings(feature.settings))
    app = FastAPI(
        title=declaration.service.service_name,
        version=declaration.service.version,
        description=declaration.service.description,
        lifespan=partial(opened, features, resources),
    )
    app.state.resources, app.state.unlimited = resources, set[str]()
    install_problems(app)
    app.include_router(health_router([check for feature in features for check in feature.checks]))
    own = (attribute(module, "router", APIRouter) for module in modules("app.api"))
    for router in [*own, *(router for feature in features for router in feature.routers)]:
        app.include_router(router)
    for feature in features:
        if feature.install:
            feature.install(app, resources)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, but=app.state.unlimited)
    if settings.app_api_token:
        app.add_middleware(ApiToken, token=settings.app_api_token)
    app.add_middleware(RequestContext)
    return app
