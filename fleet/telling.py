"""What the sidecar of a fleet tells: events on their way, and calls between services."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from dev.sidecar import Sidecar
from dev.sidecar.blocks import App
from dev.sidecar.world import Answer, Call, CallApp, Clock


@dataclass(frozen=True)
class Record:
    """Something that happened at the sidecar of `app`.

    `kind` is `published`, `answered` or `invoked`; `subject` the topic, or the app and its method;
    `outcome` what was answered.
    """

    kind: str
    app: str
    subject: str
    trace_id: str
    event_id: str = ""
    outcome: str = ""
    ms: float = 0.0


Listener = Callable[[Record], None]


class TellingSidecar(Sidecar):
    """A sidecar that hands records to a listener."""

    def __init__(self, listen: Listener, call_app: CallApp, clock: Clock, random: Random) -> None:
        super().__init__(call_app, clock, random)
        self._listen = listen
        self._known = set[str]()

    async def call(self, app: App, call: Call, operation: str = "call") -> Answer:
        """Call an app, and tell of it; an event is told of as published when it first goes out."""
        headers = dict(call.headers)
        trace_id = headers.get("traceparent", "--").split("-")[1]
        event: dict[str, Any] = json.loads(call.body) if operation == "deliver" else {}
        event_id, topic = str(event.get("id", "")), str(event.get("topic", ""))
        if event and event_id not in self._known:
            self._known.add(event_id)
            self._listen(Record("published", event["source"], topic, trace_id, event_id))
        since, outcome = time.perf_counter(), "unreachable"
        try:
            answer = await super().call(app, call, operation)
            status = json.loads(answer.body).get("status") if event and answer.body else None
            outcome = str(status or answer.status)
            return answer
        finally:
            ms = (time.perf_counter() - since) * 1000
            if event:
                self._listen(Record("answered", app.app_id, topic, trace_id, event_id, outcome, ms))
            elif caller := headers.get("dapr-caller-app-id"):
                subject = f"{app.app_id}{call.path}"
                self._listen(Record("invoked", caller, subject, trace_id, "", outcome, ms))
