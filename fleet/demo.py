"""The demo: a student's question travels through the six services, and every hop is shown."""

import asyncio
import sys
import time
from typing import Any

import httpx2

from fleet.host import Record, fleet
from fleet.services import LEARNFLOW, FleetError, Service

STUDENT = "stu-00123"
QUESTION = "How does a for loop work in Python?"
COUNT_SECONDS = 15.0
"""How long progress may take to count the answers."""


class Story:
    """Prints what happens, in milliseconds since the question was asked."""

    def __init__(self) -> None:
        self._asked: float | None = None

    def ask(self, text: str) -> None:
        """Begin to count."""
        self._asked = time.perf_counter()
        print(f"\n{text}")

    def line(self, service: str, what: str, event: str = "", trace: str = "") -> None:
        """Print one hop."""
        if self._asked is None:
            return
        ms = (time.perf_counter() - self._asked) * 1000
        ids = f"  event {event[:8]}…" if event else ""
        ids += f"  trace {trace[:8]}…" if trace else ""
        print(f"  {ms:7.0f} ms  {service:<20} {what:<48}{ids}", flush=True)

    def record(self, record: Record) -> None:
        """Print what the sidecar tells: published, handled and invoked."""
        what = {
            "published": f"publishes {record.subject}",
            "answered": f"handled {record.subject} in {record.ms:.0f} ms: {record.outcome}",
            "invoked": f"called {record.subject} for {record.ms:.0f} ms: {record.outcome}",
        }.get(record.kind)
        if what:
            self.line(record.app, what, record.event_id, record.trace_id)


async def demo() -> None:
    """Run the demo, or raise a FleetError that says what did not happen."""
    story = Story()
    started = time.perf_counter()

    def progress(text: str) -> None:
        print(f"[{time.perf_counter() - started:5.1f} s] {text}", file=sys.stderr, flush=True)

    async with (
        fleet(LEARNFLOW, listen=story.record, progress=progress) as services,
        httpx2.AsyncClient(timeout=30, trust_env=False) as client,  # past any proxy
    ):
        progress("all six are ready")
        triage, counter = services["triage"], services["progress"]
        before = await counted(client, counter)
        answer = await _at_once(client, triage, story)
        await _by_events(client, triage, story)
        after = await wait_for_counts(client, counter, {"queries": 2, "answers": 2}, before)
        print(f"\nThe answer: {answer['content']}")
        print(f"Progress counted {after['queries']} questions and {after['answers']} answers.")
    progress("done")


async def _at_once(client: httpx2.AsyncClient, triage: Service, story: Story) -> dict[str, Any]:
    story.ask(f'{STUDENT} asks, and waits: "{QUESTION}"')
    story.line("student", f"POST {triage.app_id}/ask")
    reply = await client.post(f"{triage.url}/ask", json={"student_id": STUDENT, "query": QUESTION})
    answer = body(reply, 200)
    if not answer.get("content"):
        raise FleetError(f"the answer is empty: {answer}")
    story.line("student", f"has the answer of {answer['agent_type']}")
    return answer


async def _by_events(client: httpx2.AsyncClient, triage: Service, story: Story) -> None:
    story.ask(f'{STUDENT} asks again, and does not wait: "{QUESTION}"')
    story.line("student", f"POST {triage.app_id}/query")
    body(
        await client.post(f"{triage.url}/query", json={"student_id": STUDENT, "query": QUESTION}),
        202,
    )


async def counted(client: httpx2.AsyncClient, counter: Service) -> dict[str, int]:
    """Return how many questions and answers of the student progress has counted."""
    reply = await client.get(f"{counter.url}/progress/{STUDENT}")
    found = {} if reply.status_code == 404 else body(reply, 200)
    return {name: int(found.get(name, 0)) for name in ("queries", "answers")}


async def wait_for_counts(
    client: httpx2.AsyncClient,
    counter: Service,
    more: dict[str, int],
    before: dict[str, int],
    seconds: float = COUNT_SECONDS,
) -> dict[str, int]:
    """Wait until progress has counted that many more than before, and return the counts."""
    wanted = {name: before[name] + count for name, count in more.items()}
    found = before
    try:
        async with asyncio.timeout(seconds):
            while found != wanted:
                await asyncio.sleep(0.1)
                found = await counted(client, counter)
    except TimeoutError:
        raise FleetError(f"progress counted {found}, not {wanted} (log: {counter.log})") from None
    return found


def body(reply: httpx2.Response, status: int) -> dict[str, Any]:
    """Return the body of a reply, or raise a FleetError where its status is another."""
    if reply.status_code != status:
        raise FleetError(f"{reply.request.url} answered {reply.status_code}: {reply.text}")
    return reply.json()
