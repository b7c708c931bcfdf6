"""CloudEvents as Dapr wraps them."""

import base64
import json
from typing import Any

CLOUD_EVENT = "application/cloudevents+json"

DEFAULTS = {"source": "Dapr", "type": "com.dapr.event.sent", "specversion": "1.0"}


def wrap(body: bytes, content_type: str, **attributes: str) -> dict[str, Any]:
    """Return the envelope for a published body.

    A CloudEvent stays as it is, without an id if it has none. Otherwise JSON becomes data, bytes
    become base64, everything else a string; `attributes` are those of the envelope. Raises
    ValueError if it should be a CloudEvent and is no JSON object.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == CLOUD_EVENT:
        own: Any = json.loads(body)
        if not isinstance(own, dict):
            raise ValueError("a CloudEvent is a JSON object")
        return {**DEFAULTS, **own}
    described = {"datacontenttype": content_type or "text/plain"}
    return {**DEFAULTS, **attributes, **described, **_data(body, kind)}


def _data(body: bytes, kind: str) -> dict[str, Any]:
    if kind == "application/octet-stream":
        return {"data_base64": base64.b64encode(body).decode()}
    text = body.decode("utf-8", "replace")
    if kind != "application/json" and not kind.endswith("+json"):
        return {"data": text}
    try:
        return {"data": json.loads(text)}
    except ValueError:
        return {"data": text}
