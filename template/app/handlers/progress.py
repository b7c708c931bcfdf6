"""What the other services tell: each event moves a student's progress once."""

import structlog

from app.contracts.answer import AnswerEvent
from app.contracts.concepts import ConceptResponseEvent
from app.contracts.debug import ErrorHintEvent, ErrorRequestEvent
from app.contracts.exercise import ExerciseGradedEvent, ExerciseResponseEvent
from app.contracts.learning import LearningQueryEvent
from app.contracts.progress import StudentProgress
from app.contracts.review import CodeFeedbackEvent
from app.domain import progress as changes
from app.services.pubsub import on
from app.usecases.progress import ProgressDep

log = structlog.get_logger("app.progress")


@on("learning.query")
async def asked(event: LearningQueryEvent, progress: ProgressDep) -> None:
    """A student is active; the question itself is counted once it is routed."""
    user_id = event.user_id
    await progress.record(event, user_id, lambda state: changes.active_in(state, event, user_id))


@on("learning.routed")
async def routed(event: LearningQueryEvent, progress: ProgressDep) -> None:
    """A question counts; who says to be stuck is brought to a teacher."""
    await progress.record(event, event.user_id, lambda state: changes.asked(state, event))


@on("learning.concept-response")
async def explained(event: ConceptResponseEvent, progress: ProgressDep) -> None:
    """An explanation counts as an answer."""
    await _answered(event, progress)


@on("code.review-feedback")
async def reviewed(event: CodeFeedbackEvent, progress: ProgressDep) -> None:
    """A review counts as an answer."""
    await _answered(event, progress)


@on("code.error-hint")
async def hinted(event: ErrorHintEvent, progress: ProgressDep) -> None:
    """A hint counts as an answer."""
    await _answered(event, progress)


@on("code.error-request")
async def erred(event: ErrorRequestEvent, progress: ProgressDep) -> None:
    """The same error again and again is brought to a teacher."""
    await progress.record(event, event.user_id, lambda state: changes.erred(state, event))


@on("exercise.response")
async def received(event: ExerciseResponseEvent, progress: ProgressDep) -> None:
    """An exercise counts as an answer, and its clock starts."""
    if (user_id := _asker(event)) is not None:
        await progress.record(event, user_id, lambda state: changes.received(state, event, user_id))


@on("exercise.graded")
async def graded(event: ExerciseGradedEvent, progress: ProgressDep) -> None:
    """A grade counts; failing again and again, or taking long, is brought to a teacher."""
    await progress.record(
        event, event.user_id, lambda state: changes.graded(state, event), topic=event.topic
    )


@on("learning.events")
async def scored(event: StudentProgress, progress: ProgressDep) -> None:
    """New scores move the mastery that all services read."""
    await progress.record(
        event, event.student_id, lambda state: changes.scored(state, event), topic=event.component
    )


async def _answered(event: AnswerEvent, progress: ProgressDep) -> None:
    if (user_id := _asker(event)) is not None:
        await progress.record(event, user_id, lambda state: changes.answered(state, event, user_id))


def _asker(event: AnswerEvent) -> str | None:
    if event.user_id is None:  # of an older service: there is nobody to count it for
        log.info("progress.nobody", request_id=event.request_id)
    return event.user_id
