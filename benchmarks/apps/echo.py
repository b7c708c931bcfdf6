"""What is called: an app that answers with what it got."""

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.post("/echo")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body."""
    return body


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that it is there."""
    return {"status": "ok"}
