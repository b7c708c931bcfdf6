"""Runs of code: what is asked for, and what came of it."""

from pydantic import BaseModel, Field

MAX_SECONDS = 5.0
"""Wall time of a run (spec section 6)."""
MAX_MEMORY_MB = 50
"""Memory for the program's own data."""
MAX_OUTPUT_BYTES = 65_536
"""What is kept of each output; the rest is cut off and said to be."""


class Execution(BaseModel):
    """A program to run, and its limits."""

    code: str = Field(min_length=1, max_length=50_000, description="A Python program.")
    stdin: str = Field(default="", max_length=100_000, description="What it reads.")
    seconds: float = Field(default=MAX_SECONDS, gt=0, le=MAX_SECONDS)
    memory_mb: int = Field(default=MAX_MEMORY_MB, gt=0, le=MAX_MEMORY_MB)
    output_bytes: int = Field(default=MAX_OUTPUT_BYTES, gt=0, le=MAX_OUTPUT_BYTES)


class Outcome(BaseModel):
    """How a run ended."""

    exit_code: int | None
    """None where a limit ended it."""
    stdout: str
    stderr: str
    truncated: bool
    """Whether an output was cut off."""
    limit: str | None
    """The limit that ended it: `seconds` or `memory_mb`."""
    seconds: float
