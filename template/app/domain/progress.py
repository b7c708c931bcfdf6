"""Progress: what each event changes. Pure: a state and an event in, the new state out."""

from app.contracts.answer import AnswerEvent
from app.contracts.debug import ErrorRequestEvent
from app.contracts.event import Event
from app.contracts.exercise import ExerciseGradedEvent, ExerciseResponseEvent
from app.contracts.learnflow import utc
from app.contracts.learning import LearningQueryEvent
from app.contracts.progress import MasteryData, StudentProgress
from app.contracts.struggle import Severity, StruggleAlertEvent, StruggleContext
from app.domain.streaks import active
from app.domain.struggle import AWAY_MINUTES, RULES, Rule, asks_for_help, error_type, worse
from app.models.progress import ProgressState, TopicProgress

KEPT = 50
"""How many alerts, open exercises and error types a student's progress holds."""

ALERT_NUMBER = 100
"""First number of the ids derived for alerts: other services derive theirs from 1 on."""


def active_in(state: ProgressState | None, event: Event, user_id: str) -> ProgressState:
    """Any event about a student is an activity; for a question not yet routed that is all."""
    state = state or ProgressState(user_id=user_id)
    state = active(state, event.timestamp)
    return state.model_copy(update={"revision": state.revision + 1})


def asked(state: ProgressState | None, event: LearningQueryEvent) -> ProgressState:
    """Return the progress after a routed question; who says to be stuck needs a person."""
    state = active_in(state, event, event.user_id)
    state = state.model_copy(update={"queries": state.queries + 1})
    if not asks_for_help(event.query):
        return state
    count = state.asked_for_help + 1
    rule, about = RULES["asked_for_help"], StruggleContext(topic=event.topic, count=count)
    state = state.model_copy(update={"asked_for_help": count})
    return _alert(state, event, rule, rule.severity(count), about)


def answered(state: ProgressState | None, event: AnswerEvent, user_id: str) -> ProgressState:
    """Return the progress after a specialist has answered."""
    state = active_in(state, event, user_id)
    return state.model_copy(update={"answers": state.answers + 1})


def erred(state: ProgressState | None, event: ErrorRequestEvent) -> ProgressState:
    """Return the progress after an error; the same type again and again is a struggle."""
    state = active_in(state, event, event.user_id)
    name = error_type(event.traceback or "") or error_type(event.error_message)
    if name is None:
        return state
    before = state.errors.get(name, 0)
    # The newest type stands last, so that the oldest one goes.
    others = {key: count for key, count in state.errors.items() if key != name}
    errors = dict([*others.items(), (name, before + 1)][-KEPT:])
    rule, about = RULES["repeated_error"], StruggleContext(error_type=name, count=before + 1)
    state = state.model_copy(update={"errors": errors})
    return _alert(state, event, rule, worse(rule, before, before + 1), about)


def received(
    state: ProgressState | None, event: ExerciseResponseEvent, user_id: str
) -> ProgressState:
    """Return the progress after an exercise was handed out: its clock runs."""
    state = answered(state, event, user_id)
    started = {event.exercise_id: utc(event.timestamp)}
    opened = dict([*state.open_exercises.items(), *started.items()][-KEPT:])
    return state.model_copy(update={"open_exercises": opened})


def graded(state: ProgressState | None, event: ExerciseGradedEvent) -> ProgressState:
    """Return the progress after a grade; a passed exercise forgets the struggles before it."""
    state = active_in(state, event, event.user_id)
    state = _took_too_long(state, event)
    update: dict[str, object] = {
        "total_exercises": state.total_exercises + 1,
        "passed_exercises": state.passed_exercises + event.passed,
        "topics": _topics_graded(state, event),
    }
    if event.passed:
        opened = {
            key: time for key, time in state.open_exercises.items() if key != event.exercise_id
        }
        update |= {
            "errors": {},
            "failed_in_a_row": 0,
            "asked_for_help": 0,
            "open_exercises": opened,
        }
        return state.model_copy(update=update)
    before = state.failed_in_a_row
    rule = RULES["failed_in_a_row"]
    about = StruggleContext(topic=event.topic, exercise_id=event.exercise_id, count=before + 1)
    state = state.model_copy(update={**update, "failed_in_a_row": before + 1})
    return _alert(state, event, rule, worse(rule, before, before + 1), about)


def scored(state: ProgressState | None, event: StudentProgress) -> ProgressState:
    """Return the progress after new scores of a topic; older ones that arrive late are left."""
    state = active_in(state, event, event.student_id)
    time, name = utc(event.timestamp), event.component
    topic = state.topics.get(name) or TopicProgress(last_updated=time)
    if topic.scored_at is None or topic.scored_at <= time:
        scores = MasteryData.model_validate(event.scores.model_dump())
        update = {"scores": scores, "scored_at": time, "last_updated": time}
        topic = topic.model_copy(update=update)
    state = state.model_copy(update={"topics": {**state.topics, name: topic}})
    rule, quiz = RULES["concept_gap"], event.scores.quiz
    about = StruggleContext(topic=name, quiz=quiz)
    return _alert(state, event, rule, rule.severity(quiz), about)


def alerts_of(state: ProgressState, event: Event) -> list[StruggleAlertEvent]:
    """Return the alerts that an event has raised, also when it is handled again."""
    ids = {event.derived_id(ALERT_NUMBER + number) for number in range(len(RULES))}
    return [alert for alert in state.alerts if alert.event_id in ids]


def _topics_graded(state: ProgressState, event: ExerciseGradedEvent) -> dict[str, TopicProgress]:
    if event.topic is None:
        return state.topics
    time = utc(event.timestamp)
    topic = state.topics.get(event.topic) or TopicProgress(last_updated=time)
    update = {
        "exercises_completed": topic.exercises_completed + 1,
        "exercises_passed": topic.exercises_passed + event.passed,
        "last_updated": max(topic.last_updated, time),
    }
    return {**state.topics, event.topic: topic.model_copy(update=update)}


def _took_too_long(state: ProgressState, event: ExerciseGradedEvent) -> ProgressState:
    started = state.open_exercises.get(event.exercise_id)
    if started is None:
        return state
    minutes = (utc(event.timestamp) - started).total_seconds() / 60
    if minutes > AWAY_MINUTES:
        return state
    rule = RULES["time_exceeded"]
    about = StruggleContext(
        topic=event.topic, exercise_id=event.exercise_id, minutes=round(minutes, 1)
    )
    return _alert(state, event, rule, rule.severity(minutes), about)


def _alert(
    state: ProgressState,
    event: Event,
    rule: Rule,
    severity: Severity | None,
    about: StruggleContext,
) -> ProgressState:
    if severity is None:
        return state
    number = ALERT_NUMBER + list(RULES).index(rule.struggle_type)
    alert = StruggleAlertEvent(
        event_id=event.derived_id(number),
        timestamp=utc(event.timestamp),
        user_id=state.user_id,
        struggle_type=rule.struggle_type,
        severity=severity,
        context=about,
        recommended_action=rule.action,
    )
    return state.model_copy(update={"alerts": [*state.alerts, alert][-KEPT:]})
