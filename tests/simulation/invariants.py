"""What must hold when all is quiet again, whatever went wrong before."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.simulation.students import Student
from tests.simulation.world import Outcome

SPECIALISTS = {
    "concepts": ("concepts-service", "learning.concept-request", "learning.concept-response"),
    "review": ("code-review-service", "code.review-request", "code.review-feedback"),
    "debug": ("debug-service", "code.error-request", "code.error-hint"),
    "exercise": ("exercise-service", "exercise.request", "exercise.response"),
}
"""Specialist → service, topic of its requests, topic of its answers."""
READERS = {
    "exercise.graded": "progress-service",
    "learning.events": "progress-service",
    "exercise.submission": "exercise-service",
}
"""Topic of students' events → who reads it."""
ALERTS = range(100, 120)
"""The numbers of alerts among what an event gives rise to."""
ANSWERS = [answers for _, _, answers in SPECIALISTS.values()]
Event = dict[str, Any]


def violations(outcome: Outcome) -> list[str]:
    """Return a line for each thing that does not hold."""
    ended = _Ended(outcome)
    return [
        *ended.questions(),
        *ended.malformed(),
        *(line for student in outcome.students for line in ended.counters(student)),
        *(line for student in outcome.students for line in ended.derived(student)),
        *(f"an ETag came again: {line}" for line in outcome.backwards),
    ]


class _Ended:
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._dead = {_dead(letter) for letter in outcome.topics["dead-letter.queue"]}
        self._malformed = {each for student in outcome.students for each in student.malformed}

    def questions(self) -> Iterator[str]:
        """Every question ends in an answer or a dead letter."""
        asked = self._distinct("learning.query")
        routed = {event["event_id"]: event for event in self._events("learning.routed")}
        for student in self._outcome.students:
            for lost in set(student.asked) - asked.keys():
                yield f"question {lost} was accepted and never published"
        for question in asked:
            if self._is_dead("triage-service", question):
                continue
            decision = routed.get(_derived(question, 1))
            if decision is None:
                yield f"question {question} was never routed"
            elif decision["specialist"] in SPECIALISTS:
                yield from self._answered(question, decision["specialist"])

    def malformed(self) -> Iterator[str]:
        """Every event that nobody can read ends in a dead letter."""
        for topic, service in READERS.items():
            published = {event["event_id"] for event in self._events(topic)}
            for event in published & self._malformed:
                if not self._is_dead(service, event):
                    yield f"malformed event {event} on {topic} is no dead letter"

    def _answered(self, question: str, specialist: str) -> Iterator[str]:
        service, requests, answers = SPECIALISTS[specialist]
        request = _derived(question, 2)
        if request not in self._distinct(requests):
            yield f"question {question} never reached {service}"
        answered = {event["request_id"] for event in self._events(answers)}
        if request not in answered and not self._is_dead(service, request):
            yield f"request {request} of question {question} has no answer"

    def counters(self, student: Student) -> Iterator[str]:
        """Every effect happens once, and what is counted adds up."""
        name = student.name
        progress = self._value(f"state-store/progress-service||progress:progress:{name}")
        answers = [event for topic in ANSWERS for event in self._distinct(topic, name).values()]
        by_topic = {
            "queries": [*self._distinct("learning.routed", name).values()],
            "answers": answers,
            "total_exercises": [*self._distinct("exercise.graded", name).values()],
        }
        more = ("learning.query", "code.error-request", "learning.events")
        others = [event for topic in more for event in self._distinct(topic, name).values()]
        everything = [*others, *(event for events in by_topic.values() for event in events)]
        for counter, events in {**by_topic, "revision": everything}.items():
            yield from self._counts(name, counter, progress.get(counter, 0), events, "progress")
        session = self._value(f"state-store/triage-service||triage:session:{name}")
        questions = [*self._distinct("learning.query", name).values()]
        yield from self._counts(
            name,
            "query_count",
            session.get("query_count", 0),
            questions,
            "triage",
            student.answered,
            student.waited,
        )
        attempts = self._value(f"state-store/exercise-service||exercise:attempts:{name}:e-1")
        submitted = [*self._distinct("exercise.submission", name).values()]
        yield from self._counts(
            name, "attempts", len(attempts.get("attempts", [])), submitted, "exercise"
        )
        errors = [*self._distinct("code.error-request", name).values()]
        occurrences = sum(each["occurrences"] for each in self._errors(name))
        yield from self._counts(
            name, "occurrences", occurrences, errors, "debug", 0, student.waited
        )

    def derived(self, student: Student) -> Iterator[str]:
        """What follows from a student's progress agrees with it."""
        name = student.name
        progress = self._value(f"state-store/progress-service||progress:progress:{name}")
        alerts: list[Any] = self._value("state-store/progress-service||progress:alerts").get(
            "alerts", []
        )
        ids = [alert["event_id"] for alert in alerts]
        if len(ids) != len(set(ids)):
            yield "an alert is kept twice"
        given_up = {event for service, event in self._dead if service in {"", "progress-service"}}
        lost = {_derived(event, number) for event in given_up for number in ALERTS}
        told = self._distinct("struggle.alert", name)
        for alert in progress.get("alerts", []):
            if alert["event_id"] not in told.keys() & set(ids) | lost:
                yield f"{name}: alert {alert['event_id']} was not told"
        scored = self._distinct("learning.events", name).keys()
        if scored and not scored & given_up:
            shared = self._value(f"shared-store/shared||student:{name}:mastery:latest")
            mine = progress["topics"]["sets"]["scores"]
            theirs = shared.get("latest_scores", {}).get("sets")
            if mine != theirs:
                yield f"{name}: mastery is {mine} in progress and {theirs} for all"

    def _counts(
        self,
        student: str,
        counter: str,
        counted: int,
        events: list[Event],
        service: str,
        least: int = 0,
        most: int = 0,
    ) -> Iterator[str]:
        dead = sum(self._is_dead(f"{service}-service", event["event_id"]) for event in events)
        low, high = len(events) - dead + least, len(events) + most
        if not low <= counted <= high:
            yield f"{student}: {counter} is {counted}, not {low} to {high}"

    def _errors(self, student: str) -> Iterable[Event]:
        found = self._outcome.documents.items()
        errors = [doc["value"] for key, doc in found if "||debug:error:" in key]
        return [error for error in errors if error["user_id"] == student]

    def _events(self, topic: str) -> list[Event]:
        return self._outcome.topics[topic]

    def _distinct(self, topic: str, student: str | None = None) -> dict[str, Event]:
        """Return the events that can be read, by id."""
        return {
            event["event_id"]: event
            for event in self._events(topic)
            if student in {None, event.get("user_id"), event.get("student_id")}
            and event["event_id"] not in self._malformed
        }

    def _value(self, key: str) -> dict[str, Any]:
        return self._outcome.documents.get(key, {"value": {}})["value"]

    def _is_dead(self, service: str, event_id: str) -> bool:
        return not self._dead.isdisjoint({(service, event_id), ("", event_id)})


def _dead(letter: Event) -> tuple[str, str]:
    """Return which service gave up which event; Dapr's own dead letters don't say who it was."""
    if "original_payload" not in letter:
        return "", letter["event_id"]
    return letter["consumer_agent"], letter["original_payload"]["data"]["event_id"]


def _derived(event_id: str, number: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"{event_id}/{number}"))
