"""The composition root."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI

from app.core import declaration as declared
from app.core.config import Settings, load_settings
from app.core.feature import Feature, StartError, discover, in_order, modules
from app.core.health import health_router
from app.core.middleware import BodyLimit, RequestContext
from app.core.problems import install_problems
from app.core.resources import Resources
from app.core.security import ApiToken

DECLARATION = Path(__file__).with_name("service.yaml")


def create_app(
    settings: Settings | None = None,
    features: Sequence[Feature] | None = None,
    declaration: declared.Declaration | None = None,
) -> FastAPI:
    """Put the service together: its features, the user's door, its routes.

    Nothing is opened before the lifespan; configuration is checked here.

    Raises:
        ConfigurationError: a variable is missing or wrong.
        DeclarationError: `service.yaml` does not hold.
        StartError: a module can't be imported or a feature's need is not met.
    """
    settings = settings or load_settings(Settings)
    declaration = declaration or declared.load(DECLARATION)
    features = discover() if features is None else in_order(features)
    resources = Resources()
    for item in (settings, declaration, declaration.service):
        resources.add(item)
    for feature in features:
        if feature.section:
            resources.add(declaration.section(feature.section))
        if feature.settings:
            resources.add(load_settings(feature.settings))

    service = declaration.service
    app = FastAPI(
        title=service.service_name,
        version=service.version,
        description=service.description,
        lifespan=_lifespan(features, resources),
    )
    app.state.resources = resources
    install_problems(app)
    app.include_router(health_router(check for feature in features for check in feature.checks))
    for router in [*_own_routers(), *(r for feature in features for r in feature.routers)]:
        app.include_router(router)
    for feature in features:
        if feature.install:
            feature.install(app, resources)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    if settings.app_api_token:
        app.add_middleware(ApiToken, token=settings.app_api_token)
    app.add_middleware(RequestContext)
    return app


def _own_routers() -> list[APIRouter]:
    routers: list[APIRouter] = []
    for module in modules("app.api"):
        router = getattr(module, "router", None)
        if not isinstance(router, APIRouter):
            raise StartError(f"{module.__name__} has no `router: APIRouter`")
        routers.append(router)
    return routers


def _lifespan(features: Sequence[Feature], resources: Resources):
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for feature in features:
                if feature.lifespan:
                    await stack.enter_async_context(feature.lifespan(resources))
            yield

    return lifespan
