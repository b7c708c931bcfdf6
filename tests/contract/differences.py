"""Where the embedded sidecar does otherwise: `docs/reference/embedded-sidecar.md` says why.

A case that shows a difference is marked with it: on the embedded sidecar it has to fail.
"""

from enum import StrEnum

import pytest


class Difference(StrEnum):
    """A difference, in the words of the page."""

    MEMORY = "What is in memory is shared by all services"
    SERVERS = "Two components that lead to one server share no keys"
    WORDS = "An unknown word for concurrency or consistency is taken for none"
    ENDS = "A get does not tell when a value ends"
    DIGITS = "Fractions keep all their digits over Redis"
    NO_STORE = "A service without any store is told that the store is not found"
    RULES = "Rules of subscriptions are not looked at; every event takes the default route"
    EXPIRY = "Events have no time to live"
    OCTETS = "Bytes in a bulk stay base64 text"
    AWAY = "A store or a broker is away on command alone, and then each call fails at once with 500"
    BUILT_IN = "A call that reaches no sidecar is not tried again"
    PROBES = "The health of an app is not asked for"
    WAITING = "Events wait for an app that is known to be gone"
    POLICIES = "Of a resiliency policy only the retry of deliveries is read"
    ACCESS = "Access control is not read: any service may call any other"
    METADATA = "Metadata is the app-id and the components, and health knows no app-ids"


def differs(difference: Difference, *kinds: str) -> pytest.MarkDecorator:
    """Mark a case that the embedded sidecar fails, over these stores or brokers or over all."""
    return pytest.mark.differs(difference, *kinds)
