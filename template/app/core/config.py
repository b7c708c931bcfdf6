"""Settings: what operations change, read from the environment and checked at start."""

import logging
import re
from typing import Annotated, Literal, NoReturn, TypeVar

from dotenv import load_dotenv
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

S = TypeVar("S", bound=BaseSettings)
Level = Literal["debug", "info", "warning", "error"]


class ConfigurationError(Exception):
    """A variable is missing or wrong; the message is one line a problem."""


def _sent(secret: SecretStr) -> SecretStr:
    """Return a secret without the white space around it; the rest must fit into a header."""
    text = secret.get_secret_value().strip()
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("must be printable ASCII without blanks")
    return SecretStr(text)


Token = Annotated[SecretStr, AfterValidator(_sent)]


class Environment(BaseSettings):
    """Base of all settings: a variable is the field's name in capitals, an empty one is none."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, allow_inf_nan=False)


class Settings(Environment):
    """Settings that every service has."""

    app_host: str = Field(default="127.0.0.1", description="Address; 0.0.0.0 in a container.")
    app_port: int | None = Field(default=None, ge=1, le=65535, description="Instead of the port.")
    app_api_token: Token | None = Field(default=None, description="Callers send this token.")
    log_level: Annotated[Level, BeforeValidator(str.lower)] = "info"
    log_format: Literal["auto", "json", "pretty"] = Field(default="auto")
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body.")
    shutdown_seconds: int = Field(default=30, ge=1, description="Time to finish open requests.")


def load_environment() -> None:
    """Add what `.env` says to the environment, which wins; ConfigurationError if unreadable."""
    logging.getLogger("dotenv.main").addFilter(_unreadable)  # which would skip a line that is none
    try:
        load_dotenv(".env")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f".env can't be read: {error}") from None


def _unreadable(warning: logging.LogRecord) -> NoReturn:
    raise ValueError(warning.getMessage())


def load_settings(kind: type[S]) -> S:
    """Read settings from the environment, or raise a ConfigurationError: one line a problem."""
    try:
        return kind()
    except ValidationError as error:
        problems = [_problem(kind, problem) for problem in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(problems)) from None
    except SettingsError as error:  # of the field only the text tells
        name = re.search(r'field "(.*?)"', str(error))
        told = f'{_variable(kind, name[1])} is no JSON, as ["a", "b"] is' if name else str(error)
        raise ConfigurationError(told) from None


def _problem(kind: type[BaseSettings], problem: ErrorDetails) -> str:
    name, *inside = map(str, problem["loc"] or [kind.__name__])  # no place: of several together
    aliases = {str(field.validation_alias): field for field in kind.model_fields.values()}
    field = {**aliases, **kind.model_fields}.get(name)
    about = f" ({field.description})" if field and field.description else ""
    inner = kind.model_config.get("env_nested_delimiter") or "."
    where = inner.join([_variable(kind, name), *inside])
    if problem["type"] == "missing":
        return f"{where} is missing{about}"
    shown = field and not inside and "Secret" not in str(field.annotation)
    given = f"={problem['input']!r}" if shown else ""
    return f"{where}{given}: {' '.join(problem['msg'].split())}{about}"


def _variable(kind: type[BaseSettings], name: str) -> str:
    """Return the variable of a field; an alias is one itself."""
    prefix = kind.model_config.get("env_prefix", "")
    return f"{prefix}{name}".upper() if name in kind.model_fields else name
