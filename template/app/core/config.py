"""Settings: what operations change, read from the environment and checked at start."""

from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)

EX_CONFIG = 78
"""Exit code for a wrong configuration (sysexits.h)."""


class ConfigurationError(Exception):
    """A variable is missing or wrong; the message is one line a problem."""


class Settings(BaseSettings):
    """Settings that every service has; a variable is the field's name in capitals."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    app_host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 in a container."
    )
    app_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port to listen on instead of the declared one."
    )
    app_api_token: SecretStr | None = Field(
        default=None, description="Token that callers must send as `dapr-api-token`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    log_format: Literal["auto", "json", "pretty"] = Field(
        default="auto", description="auto: pretty in a terminal, else JSON lines."
    )
    max_body_bytes: int = Field(
        default=1_048_576, ge=1024, description="Largest request body, in bytes."
    )
    shutdown_seconds: int = Field(
        default=30, ge=1, description="Time to finish open requests before the process ends."
    )


def load_settings(kind: type[S]) -> S:
    """Read settings of class `kind` from the environment.

    Raises:
        ConfigurationError: one line a variable, with what it should be.
    """
    try:
        return kind()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_problems(kind, error))) from None


def _problems(kind: type[BaseSettings], error: ValidationError) -> list[str]:
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        field = kind.model_fields.get(name)
        about = f" ({field.description})" if field and field.description else ""
        if problem["type"] == "missing":
            lines.append(f"{name.upper()} is missing{about}")
            continue
        secret = field is None or "Secret" in str(field.annotation)
        given = "" if secret else f"={problem['input']!r}"
        lines.append(f"{name.upper()}{given}: {problem['msg']}{about}")
    return lines
