"""`python -m app`: check the configuration, then serve."""

import sys

from app.core.config import ConfigurationError, Settings, load_environment, load_settings

EX_CONFIG = 78  # sysexits.h


def serve(settings: Settings) -> int:
    """Run the service; the answer is the exit code."""
    import uvicorn  # here: a wrong variable is told at once, not after a second of imports

    from app.core.declaration import DeclarationError, ServiceConfig
    from app.core.feature import StartError
    from app.core.telemetry import configure_logging
    from app.main import create_app

    try:
        configure_logging(settings)
        app = create_app(settings)
    except (DeclarationError, StartError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, StartError) else EX_CONFIG
    uvicorn.run(
        app,
        host=settings.app_host,
        port=settings.app_port or app.state.resources.get(ServiceConfig).port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return 0


if __name__ == "__main__":
    try:
        load_environment()
        sys.exit(serve(load_settings(Settings)))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        sys.exit(EX_CONFIG)
