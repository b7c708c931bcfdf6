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
        self.prompt = prompt if len(prompt) >= SIGN else ""

    def check(self, answer: str) -> None:
        """Raise an AnswerWithheldError where an answer holds what must not be told."""
        Watch(self).tell(answer)


class Watch:
    """Reads one answer, piece by piece, and tells what is harmless of it."""

    def __init__(self, guard: Guard) -> None:
        self._key, self._prompt = guard.key, guard.prompt
        self._run = min(RUN, len(guard.prompt))
        self._match = ""
        """The longest end of what was read that the prompt holds, too."""
        self._held = ""
        self._told = ""

    def tell(self, piece: str) -> str:
        """Return what can be told after another piece; an AnswerWithheldError ends the answer."""
        if self._prompt:
            self._follow(piece.translate(_SPACES))
        text = self._held + piece
        if self._key and self._key in self._told + text:
            raise AnswerWithheldError("The answer held the key.")
        free = len(text) - min(len(text), max(self._of_prompt(), self._of_key(self._told + text)))
        told, self._held = text[:free], text[free:]
        self._told = (self._told + told)[-KEY_SIGN:]
        return told

    def rest(self) -> str:
        """Return what was held back and is harmless: the answer has ended."""
        return self._held

    def _follow(self, piece: str) -> None:
        for character in piece:
            self._match += character
            while self._match not in self._prompt:
                self._match = self._match[1:]
            if len(self._match) >= self._run:
                raise AnswerWithheldError("The answer held the system prompt.")

    def _of_prompt(self) -> int:
        return len(self._match) if len(self._match) >= SIGN else 0

    def _of_key(self, text: str) -> int:
        for length in range(min(len(text), len(self._key)), KEY_SIGN - 1, -1):
            if text.endswith(self._key[:length]):
                return length
        return 0
