"""Settings: what operations change, read from the environment and checked at start."""

from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


class ConfigurationError(Exception):
    """A variable is missing or wrong; the message is one line a problem."""


class Environment(BaseSettings):
    """Base of all settings: a variable is the field's name in capitals, an empty one is none."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)


class Settings(Environment):
    """Settings that every service has."""

    app_host: str = Field(default="127.0.0.1", description="Address; 0.0.0.0 in a container.")
    app_port: int | None = Field(default=None, ge=1, le=65535, description="Instead of the port.")
    app_api_token: SecretStr | None = Field(default=None, description="Callers send this token.")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(lambda level: level.lower())
    ] = "info"
    log_format: Literal["auto", "json", "pretty"] = Field(default="auto")
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body.")
    shutdown_seconds: int = Field(default=30, ge=1, description="Time to finish open requests.")


def load_settings(kind: type[S]) -> S:
    """Read settings from the environment, or raise a ConfigurationError: one line a variable."""
    try:
        return kind()
    except ValidationError as error:
        problems = [_problem(kind, problem) for problem in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(problems)) from None


def _problem(kind: type[BaseSettings], problem: ErrorDetails) -> str:
    name = str(problem["loc"][0])
    field = kind.model_fields[name]
    about = f" ({field.description})" if field.description else ""
    if problem["type"] == "missing":
        return f"{name.upper()} is missing{about}"
    given = "" if "SecretStr" in str(field.annotation) else f"={problem['input']!r}"
    return f"{name.upper()}{given}: {problem['msg']}{about}"
