"""What no answer may hold, whatever the model was talked into: the key and the system prompt.

It finds what is there word for word. A prompt that is paraphrased or encoded gets through: keep
no secret in a prompt.
"""

from app.agents.errors import AnswerWithheldError

RUN = 100
"""Characters in a row of the system prompt that are too many; a shorter prompt counts whole."""
SIGN = 24
"""A match shorter than this is no sign yet, and a prompt shorter than this no secret."""
KEY = 16
"""A key shorter than this is no secret: servers on one's own machine take any."""
KEY_SIGN = 6
"""Characters of the key after which a stream is held back."""

_SPACES = str.maketrans("\n\r\t", "   ")


class Guard:
    """Knows what must not be told."""

    def __init__(self, key: str, system_prompt: str) -> None:
        prompt = system_prompt.strip().translate(_SPACES)
        self.key = key if len(key) >= KEY else ""
        self.run = max(SIGN, min(RUN, len(prompt)))
        self._signs, self._runs = _parts(prompt, SIGN), _parts(prompt, self.run)

    def check(self, answer: str) -> None:
        """Raise an AnswerWithheldError where an answer holds what must not be told."""
        Watch(self).tell(answer)

    def holds_prompt(self, text: str) -> bool:
        """Whether a text, all of it or what follows on `run` characters, tells too much.

        Each run that is too much holds one of the places that are looked at.
        """
        step = self.run - SIGN + 1
        return any(
            text[start : start + self.run] in self._runs
            for place in range(0, len(text) - SIGN + 1, step)
            if text[place : place + SIGN] in self._signs
            for start in range(max(0, place - step + 1), place + 1)
        )

    def begun(self, text: str) -> int:
        """Return how many characters at a text's end may be the prompt's."""
        place = len(text) - SIGN
        while place >= 0 and text[place : place + SIGN] in self._signs:
            place -= 1
        length = len(text) - place - 1
        return length if length >= SIGN else 0


class Watch:
    """Reads one answer, piece by piece, and tells what is harmless of it."""

    def __init__(self, guard: Guard) -> None:
        self._guard, self._key = guard, guard.key
        self._read = ""
        """The end of what was read, shorter than a run."""
        self._held = ""
        self._told = ""

    def tell(self, piece: str) -> str:
        """Return what can be told after another piece; an AnswerWithheldError ends the answer."""
        read = self._read + piece.translate(_SPACES)
        if self._guard.holds_prompt(read):
            raise AnswerWithheldError("The answer held the system prompt.")
        self._read = read[1 - self._guard.run :]
        text = self._held + piece
        if self._key and self._key in self._told + text:
            raise AnswerWithheldError("The answer held the key.")
        begun = max(self._guard.begun(self._read), self._of_key(self._told + text))
        free = len(text) - min(len(text), begun)
        told, self._held = text[:free], text[free:]
        self._told = (self._told + told)[-KEY_SIGN:]
        return told

    def rest(self) -> str:
        """Return what was held back and is harmless: the answer has ended."""
        return self._held

    def _of_key(self, text: str) -> int:
        for length in range(min(len(text), len(self._key)), KEY_SIGN - 1, -1):
            if text.endswith(self._key[:length]):
                return length
        return 0


def _parts(text: str, length: int) -> frozenset[str]:
    """Return all parts of a text of that length; none of one that is shorter."""
    return frozenset(text[at : at + length] for at in range(len(text) - length + 1))
