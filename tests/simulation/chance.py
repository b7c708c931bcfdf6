"""Chance, all of it from one seed: what goes wrong, and every id and wait that a service draws."""

import os
import random
from collections.abc import Generator
from contextlib import contextmanager
from random import Random
from typing import Literal, get_args
from unittest.mock import patch

from dev.openai.script import Failure
from dev.sidecar import Fault

Kind = Literal["delay", "error", "conflict", "drop", "duplicate", "reorder", "down"]
RATES = (0.0, 0.0, 0.02, 0.05, 0.1)
KINDS: tuple[Kind, ...] = get_args(Kind)
CALLS = ("state.", "publish", "deliver", "invoke", "health", "call")


class Mix:
    """How much of what goes wrong with one seed; `calm` is when nothing does any more."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.calm = False
        self.rates: dict[Kind, float] = {
            kind: dice.choice((0, 0, 0.02, 0.05, 0.1)) for kind in KINDS
        }
        self.latency = dice.choice((0.001, 0.01, 0.05))
        self.steps = dice.choice((0, 400, 150, 60))
        self.down_seconds = dice.choice((0.05, 0.5, 3.0))
        self.model = dice.choice((0.0, 0.0, 0.1, 0.4, 0.9))

    def wait(self) -> float:
        """Return the time that a message is on its way."""
        return self._dice.expovariate(1 / self.latency)

    def life(self) -> int | None:
        """Return after how many steps an app dies; None is never."""
        if self.calm or not self.steps:
            return None
        return 1 + int(self._dice.expovariate(1 / self.steps))

    def down(self) -> float:
        """Return how long an app is gone."""
        return self._dice.expovariate(1 / self.down_seconds)

    def model_failure(self) -> Failure | None:
        """Return what befalls a request to the model: a refusal, or what may pass."""
        if self.calm or self._dice.random() >= self.model:
            return None
        return Failure(self._dice.choice((400, 429, 500, 503)))

    def fault(self, operation: str, path: str) -> Fault | None:
        """Return what befalls a call."""
        if self.calm or path.startswith("/dapr/") or not operation.startswith(CALLS):
            return None
        for kind, rate in self.rates.items():
            if self._dice.random() < rate and _may(kind, operation):
                seconds = self._dice.expovariate(1 / 2) if kind == "delay" else 0.0
                status = self._dice.choice((500, 503, 429))
                return Fault(kind, operation, seconds=seconds, status=status)
        return None


def _may(kind: Kind, operation: str) -> bool:
    match kind:
        case "conflict":
            return operation == "state.save"
        case "reorder":
            return operation in {"publish", "deliver"}
        case "duplicate":  # nothing sends a call to another service twice: it may count or cost
            return operation not in {"call", "invoke"}
        case _:
            return True


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Let all randomness of this process come from `seed`: ids, tokens, waits."""
    source, before = Random(f"ids of {seed}"), random.getstate()
    with patch.object(os, "urandom", source.randbytes), patch("random._urandom", source.randbytes):
        random.seed(f"waits of {seed}")
        try:
            yield
        finally:
            random.setstate(before)
