"""Text out of tokens as they come: whole characters only, and nothing that a stop text may take back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_CONTEXT = 6  # tokens decoded again before the new ones: some decoders treat the first of a text otherwise
_MORE = 8  # tokens by which they may be more, so that they are decoded anew only then


class Feed:
    """Decodes token by token.

    A stop text may begin in one token and end in another, and a character may take several tokens; neither is passed
    on before it is whole.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = ()) -> None:
        self._decode, self._stop = decode, tuple(stop)
        self._tokens: list[int] = []
        self._begin = self._read = 0  # tokens from `begin` are decoded; those before `read` have been taken
        self._before = ""  # what the taken ones of these are as text
        self._held = ""
        self.stopped = False
        """Whether a stop text has come."""

    def take(self, token: int) -> str:
        """One more token: the text that it makes certain."""
        self._tokens.append(token)
        whole = self._decode(self._tokens[self._begin :])
        if len(whole) > len(self._before) and not whole.endswith(_REPLACEMENT):
            self._held += whole[len(self._before) :]
            self._read = len(self._tokens)
            if self._read - self._begin > _CONTEXT + _MORE:
                self._begin = self._read - _CONTEXT
                whole = self._decode(self._tokens[self._begin :])
            self._before = whole
        return self._certain()

    def finish(self) -> str:
        """What was held back, now that nothing more comes."""
        if self.stopped:
            return ""
        self._held += self._decode(self._tokens[self._begin :])[len(self._before) :]
        self._read = len(self._tokens)
        return self._certain(final=True)

    def _certain(self, *, final: bool = False) -> str:
        ends = [index for index in (self._held.find(stop) for stop in self._stop) if index >= 0]
        if ends:
            self.stopped = True
            found, self._held = self._held[: min(ends)], ""
            return found
        end = len(self._held) if final else self._safe_end()
        found, self._held = self._held[:end], self._held[end:]
        return found

    def _safe_end(self) -> int:
        """How much of the held text cannot be the beginning of a stop text."""
        end = len(self._held)
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(self._held)), 0, -1):
                if self._held.endswith(stop[:length]):
                    end = min(end, len(self._held) - length)
                    break
        return end
