"""What the contract is tried on, and what holds for one kind of store or broker alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreFacts:
    """How a state store differs from others; statuses are what Dapr answers."""

    type: str
    version: str
    etag_on_absent_key: int
    """A save of a key that is not there, with an ETag."""
    delete_absent_with_etag: int
    malformed_etag: int
    malformed_if_match: int
    first_write_lost: int
    """A first write without an ETag of a key that is there, itself by a first write."""
    first_write_after_plain: int
    """The same where the key came by a save without options."""
    plain_after_first_write: int
    """A save without options where the key came by a first write."""
    stale_etag_last_write: int
    """A save with a stale ETag and `last-write`."""
    delete_unknown_concurrency: int
    """A delete with a concurrency that is no word of Dapr's."""
    digits: int
    """How many of a fraction are kept, after the point."""
    counts_etags: bool
    """ETags are numbers that begin with 1; otherwise they are UUIDs."""
    reports_ttl: bool
    """A get tells when the value ends."""
    save_ends_ttl: bool
    """A save without TTL makes the value stay."""
    rolls_back: bool
    """A failed transaction leaves nothing behind."""
    bulk_in_order: bool
    """A bulk get answers in the order of the question; otherwise misses come last."""
    shared: bool
    """Other services see the same data."""
    delete_while_away: int = 500
    """A delete while the store does not answer."""
    bulk_get_while_away: int = 500
    """A bulk get likewise; 200 tells of a failure for each key."""


STORES = {
    "memory": StoreFacts(
        type="state.in-memory",
        version="v1",
        etag_on_absent_key=409,
        delete_absent_with_etag=409,
        malformed_etag=409,
        malformed_if_match=409,
        first_write_lost=409,
        first_write_after_plain=409,
        plain_after_first_write=204,
        stale_etag_last_write=409,
        delete_unknown_concurrency=500,
        digits=17,
        counts_etags=False,
        reports_ttl=True,
        save_ends_ttl=True,
        rolls_back=True,
        bulk_in_order=True,
        shared=False,
    ),
    "redis": StoreFacts(
        type="state.redis",
        version="v1",
        etag_on_absent_key=204,
        delete_absent_with_etag=204,
        malformed_etag=400,
        malformed_if_match=409,
        first_write_lost=500,
        first_write_after_plain=204,
        plain_after_first_write=500,
        stale_etag_last_write=204,
        delete_unknown_concurrency=500,
        digits=6,
        counts_etags=True,
        reports_ttl=False,
        save_ends_ttl=False,
        rolls_back=False,
        bulk_in_order=True,
        shared=True,
        delete_while_away=409,
        bulk_get_while_away=200,
    ),
    "postgresql": StoreFacts(
        type="state.postgresql",
        version="v2",
        etag_on_absent_key=409,
        delete_absent_with_etag=409,
        malformed_etag=409,
        malformed_if_match=409,
        first_write_lost=500,
        first_write_after_plain=500,
        plain_after_first_write=204,
        stale_etag_last_write=409,
        delete_unknown_concurrency=204,
        digits=17,
        counts_etags=False,
        reports_ttl=True,
        save_ends_ttl=True,
        rolls_back=True,
        bulk_in_order=False,
        shared=True,
    ),
}


@dataclass(frozen=True)
class BrokerFacts:
    """How a broker differs from others."""

    type: str
    redelivers: bool
    """An event that fails and has no dead-letter topic comes again."""
    keyed: bool
    """A partition key decides who waits for whom, and the place of an event shows in headers."""
    shared: bool
    """Other services get the same events."""


BROKERS = {
    "local": BrokerFacts("pubsub.in-memory", redelivers=False, keyed=False, shared=False),
    "kafka": BrokerFacts("pubsub.kafka", redelivers=True, keyed=True, shared=True),
}

SIDES = ("embedded", "daprd")


@dataclass(frozen=True)
class Backend:
    """A column of the table: whose sidecar, over which store or broker."""

    side: str
    kind: str
