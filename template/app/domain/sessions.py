"""Sessions: what a student is at."""

from app.contracts.learnflow import utc
from app.contracts.learning import LearningQueryEvent
from app.contracts.requests import AgentRequest
from app.models.session import SessionState


def query_event(request: AgentRequest) -> LearningQueryEvent:
    """Return the event of a question that came over HTTP; its time is ours, not the client's."""
    return LearningQueryEvent(
        user_id=request.student_id,
        query=request.query,
        session_id=request.context.session_id if request.context else None,
        context=request.context,
    )


def session_id(query: LearningQueryEvent) -> str:
    """Return the session of a query; a student who names none has one of their own."""
    said = query.context.session_id if query.context else None
    return query.session_id or said or query.user_id


def asked(
    session: SessionState | None, query: LearningQueryEvent, topic: str | None
) -> SessionState:
    """Return the session after a query; a session id of somebody else begins anew."""
    time = utc(query.timestamp)
    if session is None or session.user_id != query.user_id:
        session = SessionState(
            session_id=session_id(query),
            user_id=query.user_id,
            start_time=time,
            last_activity=time,
        )
    return session.model_copy(
        update={
            "last_activity": max(session.last_activity, time),
            "current_topic": topic or session.current_topic,
            "query_count": session.query_count + 1,
        }
    )
