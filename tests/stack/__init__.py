"""The real stack on this machine, without containers: daprd, Kafka, Redis and PostgreSQL.

Each part is an async context manager that yields a handle. It is up when the block begins and gone
after it, and it never outlives the process that started it.

    async with kafka(folder / "kafka") as broker, redis(folder / "redis") as store:
        env = {"KAFKA_BROKERS": broker.address, "REDIS_HOST": store.address}
        async with daprd("app", 8000, [components], folder / "daprd", env=env) as sidecar:
            await sidecar.ready()
"""

from tests.stack.daprd import Daprd, daprd
from tests.stack.kafka import Kafka, kafka
from tests.stack.part import Part, StackError
from tests.stack.postgresql import Postgresql, postgresql
from tests.stack.redis import Redis, redis

__all__ = [
    "Daprd",
    "Kafka",
    "Part",
    "Postgresql",
    "Redis",
    "StackError",
    "daprd",
    "kafka",
    "postgresql",
    "redis",
]
