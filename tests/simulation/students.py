"""What students do: questions, answers to exercises, scores, and events that are none."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from uuid import UUID

from dev.sidecar.world import Answer, UnreachableError

STUDENTS = ("stu-1", "stu-2", "stu-3")

QUESTIONS = (
    "What is a list?",
    "How does a for loop work in Python?",
    "Review this code: ```total = 1```",
    "I get a KeyError: 'a'",
    "I'm stuck, my program fails with NameError: name 'x' is not defined",
    "Give me an exercise on sets",
    "How am I doing?",
)

MALFORMED = 0.15
"""The share of a student's events that lack a field."""
NEEDED = ("submission_id", "passed", "score", "scores", "mastery", "component", "submission")
"""Fields without which an event can't be read."""

Send = Callable[[str, str, object], Awaitable[Answer]]
"""Posts to a service: its name, the path, the body."""
Publish = Callable[[str, str, object], Awaitable[Answer]]
"""Publishes on a topic: the topic, the key, the data."""


class Student:
    """Somebody who learns; `asked` are the ids of the questions that were accepted.

    `malformed` are the ids of events that no service can read.
    """

    def __init__(self, name: str, dice: Random, send: Send, publish: Publish) -> None:
        self.name = name
        self.asked: list[str] = []
        self.malformed: set[str] = set()
        self.waited, self.answered = 0, 0
        """How often an answer was waited for, and came."""
        self._dice = dice
        self._send = send
        self._publish = publish

    async def learn(self, actions: int) -> None:
        """Do one thing after the other."""
        for _ in range(actions):
            await asyncio.sleep(self._dice.expovariate(1.0))
            act = self._dice.choice((self._ask, self._ask, self._ask, self._wait, self._other))
            try:
                await act()
            except UnreachableError:  # a student doesn't know what became of it, and goes on
                continue

    async def _ask(self) -> None:
        answer = await self._send("triage-service", "/query", self._question())
        if answer.status == 202:
            self.asked.append(json.loads(answer.body)["query_id"])

    async def _wait(self) -> None:
        self.waited += 1
        answer = await self._send("triage-service", "/ask", self._question())
        self.answered += answer.status == 200

    async def _other(self) -> None:
        topic, data = self._dice.choice((self._grade, self._score, self._submission))()
        if self._dice.random() < MALFORMED:
            self.malformed.add(str(data["event_id"]))
            del data[self._dice.choice([name for name in data if name in NEEDED])]
        times = self._dice.choice((1, 1, 2))
        while times:  # who publishes has its own retries
            with suppress(UnreachableError):
                times -= (await self._publish(topic, self.name, data)).status == 204
            await asyncio.sleep(0.5)

    def _question(self) -> dict[str, str]:
        return {"student_id": self.name, "query": self._dice.choice(QUESTIONS)}

    def _grade(self) -> tuple[str, dict[str, object]]:
        passed = self._dice.random() < 0.5
        return "exercise.graded", {
            **self._event(),
            "submission_id": "s-1",
            "exercise_id": "e-1",
            "passed": passed,
            "score": 100 if passed else 0,
            "feedback": "",
            "topic": "sets",
        }

    def _score(self) -> tuple[str, dict[str, object]]:
        score = self._dice.choice((0.2, 0.5, 1.0))
        names = ("completion", "quiz", "quality", "consistency")
        event = self._event()
        return "learning.events", {
            "student_id": self.name,
            "component": "sets",
            "scores": dict.fromkeys(names, score),
            "mastery": score,
            "idempotency_key": event["event_id"],
            "event_id": event["event_id"],
        }

    def _submission(self) -> tuple[str, dict[str, object]]:
        return "exercise.submission", {**self._event(), "exercise_id": "e-1", "submission": "1"}

    def _event(self) -> dict[str, object]:
        event_id = str(UUID(int=self._dice.getrandbits(128), version=4))
        return {"event_id": event_id, "user_id": self.name}
