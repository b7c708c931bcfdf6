"""A student's question, taken apart: the words, the code, the traceback."""

import re
from dataclasses import dataclass, field

from app.contracts.learnflow import QueryContext
from app.domain.curriculum import find, named

FENCE = re.compile(r"```(?:[\w+-]*\n)?(.*?)```", re.DOTALL)
TRACEBACK = re.compile(r"Traceback \(most recent call last\).*", re.DOTALL)
ERROR = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b(?::[^\n]*)?")


@dataclass(frozen=True)
class Question:
    """The student's words, and what came with them."""

    words: str
    code: str | None = None
    traceback: str | None = None
    context: QueryContext = field(default_factory=QueryContext)

    @property
    def topic(self) -> str | None:
        """The concept that it is about: what the client says, else what the words say."""
        if said := self.context.topic:
            concept = named(said) or find(said)
            return concept.name if concept else said
        found = find(self.words)
        return found.name if found else None

    @property
    def error(self) -> str:
        """The error that it is about, for example `NameError: name 'x' …`, else its words."""
        for text in (self.traceback or "", self.words):
            if errors := ERROR.findall(text):
                return errors[-1]
        return self.words or "unknown error"


def read(query: str, context: QueryContext | None = None) -> Question:
    """Take a question apart; code in a ``` block and a traceback in the text are found."""
    context = context or QueryContext()
    blocks = [match[1].strip() for match in FENCE.finditer(query)]
    words = FENCE.sub(" ", query)
    found = (match[0].strip() for text in (words, *blocks) if (match := TRACEBACK.search(text)))
    code = context.code or next((block for block in blocks if not TRACEBACK.search(block)), None)
    return Question(
        words=TRACEBACK.sub(" ", words).strip(),
        code=code or None,
        traceback=context.traceback or next(found, None),
        context=context,
    )
