"""What every service does."""

from httpx2 import AsyncClient


async def test_the_process_is_alive(client: AsyncClient) -> None:
    """`/health` speaks of the process and of nothing else."""
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_with_all_it_needs(client: AsyncClient) -> None:
    """`/ready` names each check."""
    answer = await client.get("/ready")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["checks"].values()) <= {"ok"}


async def test_its_routes_are_described(client: AsyncClient) -> None:
    """Clients can be made from `/openapi.json`."""
    described = (await client.get("/openapi.json")).json()
    assert {"/health", "/ready"} <= described["paths"].keys()
