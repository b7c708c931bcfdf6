"""`python -m app.dead_letters`: list, show, replay, discard what could not be handled."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from typing import TextIO

from app.contracts.event import ErrorEvent
from app.core import declaration as declared
from app.core.config import ConfigurationError, Settings, load_environment, load_settings
from app.core.declaration.pubsub import PubSubConfig
from app.core.declaration.state import StateConfig
from app.core.errors import ServiceError
from app.features.dead_letters import UNDELIVERED, DeadLetters
from app.main import DECLARATION
from app.services.pubsub import REPLAY
from app.services.sidecar import Sidecar, SidecarSettings


def arguments() -> Namespace:
    """Read the command line; what changes letters must say which."""
    parser = ArgumentParser(prog="python -m app.dead_letters", description=__doc__)
    parser.add_argument("action", choices=["list", "show", "replay", "discard"])
    parser.add_argument("id", nargs="*", help="the letters; without, all that the options fit")
    parser.add_argument("--topic", help="only those of a topic")
    parser.add_argument("--error", help="only those of a type of error")
    parser.add_argument("--all", action="store_true", help="really all")
    parser.add_argument("--again", action="store_true", help="ids: perhaps handled before, too")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each")
    given = parser.parse_args()
    if given.action != "list" and not (given.id or given.topic or given.error or given.all):
        parser.error("which? Name ids, --topic, --error or --all")
    return given


async def run(given: Namespace, out: TextIO) -> int:
    """Do it; the answer is the exit code: 1 if a letter is missing or failed again."""
    declaration = declared.load(DECLARATION)
    async with Sidecar.open(load_settings(SidecarSettings)) as sidecar:
        letters = DeadLetters(sidecar, declaration.section(StateConfig))
        chosen = [letter for letter in await letters.all() if _fits(letter, given)]
        failed = {*given.id} - {letter.event_id for letter in chosen}
        for name in sorted(failed):
            print(f"There is no dead letter '{name}'.", file=sys.stderr)
        for letter in chosen:
            shown, topic = letter.model_dump(mode="json"), letter.original_topic
            line = f"{letter.failed_at:%Y-%m-%d %H:%M:%S}Z  {topic}  {letter.error_message}"
            if given.action == "show":
                line = json.dumps(shown, indent=2, ensure_ascii=False)
            elif given.action != "list":
                line = "done"
                if given.action == "replay":
                    line = await _replay(letter, declaration, again=given.again and given.id)
                if line == "done":
                    await letters.remove(letter)
                else:
                    failed.add(letter.event_id)
                shown = {"id": letter.event_id, "outcome": line}
            line = json.dumps(shown) if given.json else f"{letter.event_id}  {line}"
            print(line, file=out, flush=True)
    return bool(failed)


async def _replay(letter: ErrorEvent, declaration: declared.Declaration, *, again: bool) -> str:
    """Hand a letter to the handler of the service that runs here; return what became of it."""
    if letter.error_type == UNDELIVERED and not again:
        return "not replayed: perhaps it was handled; if it was not, name it with --again"
    settings = load_settings(Settings)
    as_sidecar = SidecarSettings.model_construct(
        dapr_http_port=settings.app_port or declaration.service.port,
        dapr_api_token=settings.app_api_token,
        dapr_timeout_seconds=600.0,  # a handler may be slow, and has five tries
    )
    path = f"/events/{declaration.section(PubSubConfig).component_name}/{letter.original_topic}"
    body = json.dumps(letter.original_payload).encode()
    async with Sidecar.open(as_sidecar) as app:
        answer = await app.call("replay", "POST", path, body=body, headers={REPLAY: "1"})
    if answer.status != 200:
        return f"not replayed: the service answered {answer.status}"
    done = answer.problem().get("status") == "SUCCESS"
    return "done" if done else "failed again: the service's log says why"


def _fits(letter: ErrorEvent, given: Namespace) -> bool:
    named = not given.id or letter.event_id in given.id
    of_topic = given.topic in {None, letter.original_topic}
    return named and of_topic and given.error in {None, letter.error_type}


if __name__ == "__main__":
    try:
        load_environment()
        sys.exit(asyncio.run(run(arguments(), sys.stdout)))
    except (ConfigurationError, declared.DeclarationError, ServiceError) as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, ServiceError) else 78)
