"""Progress and alerts, to be read."""

import time
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query

from app.contracts.requests import AgentRequest, AgentResponse
from app.contracts.struggle import StruggleAlertEvent
from app.core.errors import NotFoundError
from app.domain.reporting import sentence
from app.models.progress import ProgressReport
from app.usecases.progress import ProgressDep

router = APIRouter(tags=["progress"])

NOTHING = "Nothing is known of you yet: ask a question or try an exercise."


@router.get("/progress/{student_id}")
async def read(student_id: str, progress: ProgressDep) -> ProgressReport:
    """Read a student's progress; 404 where nothing is known."""
    report = await progress.report(student_id)
    if report is None:
        raise NotFoundError("progress of", student_id)
    return report


@router.post("/get_progress")
async def get_progress(request: AgentRequest, progress: ProgressDep) -> AgentResponse:
    """Tell students how they are doing; the method that triage calls."""
    started = time.perf_counter()
    report = await progress.report(request.student_id)
    return AgentResponse(
        response_id=str(uuid4()),
        agent_type="progress",
        student_id=request.student_id,
        content=sentence(report) if report else NOTHING,
        metadata=report.model_dump(mode="json") if report else {},
        token_efficiency=1.0,
        processing_time_ms=(time.perf_counter() - started) * 1000,
    )


@router.get("/alerts")
async def alerts(
    progress: ProgressDep,
    student_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[StruggleAlertEvent]:
    """Read the newest alerts, of one student or of all, newest first."""
    found = [
        alert
        for alert in await progress.alerts()
        if student_id is None or alert.user_id == student_id
    ]
    return found[:limit]
