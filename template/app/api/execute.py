"""Running code. Without a sandbox nothing runs: the service says so."""

from fastapi import APIRouter, HTTPException

from app.models.execution import Execution, Outcome

router = APIRouter(tags=["execution"])


@router.post("/execute", responses={501: {"description": "There is no sandbox yet."}})
async def execute(execution: Execution) -> Outcome:
    """Run a program within its limits."""
    raise HTTPException(
        501, f"The {len(execution.code)} characters of code were not run: there is no sandbox yet."
    )
