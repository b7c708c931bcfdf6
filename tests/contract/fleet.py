"""The services that the contract is tried with, and the components they have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.contract.backends import BROKERS, STORES

READER, OTHER, PATIENT, GUARDED = "reader", "other", "patient", "guarded"
CLOSED, LATE = "closed", "late"

API_TOKEN, APP_TOKEN = "of-the-sidecar", "of-the-app"


@dataclass(frozen=True)
class Service:
    """A service: `replicas` apps, each with its sidecar.

    A `closed` one lets nobody call it; `tokens` are asked for and sent; the sidecar of a `probed`
    one asks for its health.
    """

    app_id: str
    subscriptions: Sequence[dict[str, Any]] = ()
    replicas: int = 1
    tokens: bool = False
    closed: bool = False
    probed: bool = False


def wish(pubsub: str, topic: str, **more: Any) -> dict[str, Any]:
    """Return a subscription, at `/on/PUBSUB/TOPIC` unless told otherwise."""
    return {"pubsubname": pubsub, "topic": topic, "route": f"/on/{pubsub}/{topic}", **more}


def _failing(pubsub: str, topic: str = "dead") -> list[dict[str, Any]]:
    """Return a subscription with a dead-letter topic, and one to that."""
    letters = f"{topic}.letters"
    return [wish(pubsub, topic, deadLetterTopic=letters), wish(pubsub, letters)]


def _read_by_reader(pubsub: str) -> list[dict[str, Any]]:
    special = {"match": 'event.type == "special"', "path": f"/on/{pubsub}/special"}
    routes = {"default": f"/on/{pubsub}/ordinary", "rules": [special]}
    only = {"rules": [special]}
    return [
        *(wish(pubsub, topic) for topic in ("plain", "shared")),
        *_failing(pubsub),
        wish(pubsub, "default", route="", routes={"default": f"/on/{pubsub}/default"}),
        wish(pubsub, "routed", route="", routes=routes),
        wish(pubsub, "ruled", route="", routes=only),
        wish(pubsub, "unrouted", route=""),
        wish(pubsub, "raw", metadata={"rawPayload": "true"}),
        wish(pubsub, "bytes", deadLetterTopic="bytes.letters"),
        wish(pubsub, "bytes.letters", metadata={"rawPayload": "true"}),
        wish(f"scoped-{pubsub}", "open"),
        wish(f"scoped-{pubsub}", "mine"),
        wish(f"scoped-{pubsub}", "protected"),
        wish(f"scoped-{pubsub}", "unread"),
    ]


SERVICES = (
    Service(
        READER,
        [
            *(each for pubsub in BROKERS for each in _read_by_reader(pubsub)),
            wish("local", "a/slash"),  # Kafka has no such names, and one stops all others
            wish("common", "pooled"),
            wish("nowhere", "plain"),
        ],
    ),
    Service(OTHER, [wish("kafka", "shared"), wish("common", "pooled")], replicas=2),
    Service(
        PATIENT,
        [*(each for pubsub in BROKERS for each in _failing(pubsub, "tried"))],
    ),
    Service(GUARDED, [wish("local", "guarded")], tokens=True, probed=True),
    Service(CLOSED, closed=True),
)
LATECOMER = Service(LATE, [wish("kafka", "early")])


def _component(name: str, type: str, version: str = "v1", **options: str) -> dict[str, Any]:
    metadata = [{"name": key, "value": value} for key, value in options.items()]
    spec = {"type": type, "version": version, "metadata": metadata}
    return {
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name},
        "spec": spec,
        "scopes": [READER, OTHER, PATIENT, GUARDED, LATE],
    }


PREFIXES = {
    "by-name": "name",
    "by-none": "none",
    "by-none-too": "none",
    "by-word": "learn",
    "by-word-too": "learn",
    "by-namespace": "namespace",
}
SCOPES = {
    "publishingScopes": f"{READER}=mine,open,unread;{OTHER}=",
    "subscriptionScopes": f"{READER}=mine,open",
    "protectedTopics": "protected",
    "allowedTopics": "mine,open,protected,unread,theirs",
}


def write_resources(folder: Path, addresses: Mapping[str, Mapping[str, str]]) -> None:
    """Write all components and the resiliency policy; `addresses` are options by kind."""
    documents: list[dict[str, Any]] = []
    for name, store in STORES.items():
        options = addresses.get(name, {})
        documents.append(_component(name, store.type, store.version, **options))
        documents += [
            _component(f"{name}-{by}", store.type, store.version, keyPrefix=prefix, **options)
            for by, prefix in PREFIXES.items()
        ]
    for name, broker in BROKERS.items():
        options = dict(addresses.get(name, {}))
        if broker.keyed:
            options |= {"authType": "none", "initialOffset": "oldest"}
            common = _component("common", broker.type, consumerGroup="common", **options)
            documents.append(common)
            options |= {"consumerGroup": "of-{appID}", "escapeHeaders": "true"}
        documents.append(_component(name, broker.type, **options))
        scoped = options | SCOPES | ({"consumerGroup": "scoped-{appID}"} if broker.keyed else {})
        documents.append(_component(f"scoped-{name}", broker.type, **scoped))
    hidden = _component("hidden", "state.in-memory")
    documents += [{**hidden, "scopes": [OTHER]}]
    inbound = {name: {"inbound": {"retry": "tries"}} for name in BROKERS}
    apps = {READER: {"retry": "tries"}, GUARDED: {"retry": "endless"}}
    policies = {
        PATIENT: _resiliency(PATIENT, components=inbound, apps=apps),
        GUARDED: _resiliency(GUARDED, apps={READER: {"retry": "matched"}}),
    }
    (folder / "components.yaml").write_text(yaml.safe_dump_all(documents), "utf-8")
    for app_id, policy in policies.items():  # daprd reads one of a file
        path = folder / f"resiliency-of-{app_id}.yaml"
        path.write_text(yaml.safe_dump(policy), "utf-8")


def _resiliency(app_id: str, **targets: Any) -> dict[str, Any]:
    retry = {"policy": "constant", "duration": "100ms"}
    retries = {
        "tries": {**retry, "maxRetries": 4},
        "endless": retry,
        "matched": {**retry, "maxRetries": 4, "matching": {"httpStatusCodes": "503"}},
    }
    return {
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Resiliency",
        "metadata": {"name": f"of-{app_id}"},
        "spec": {"policies": {"retries": retries}, "targets": targets},
        "scopes": [app_id],
    }
