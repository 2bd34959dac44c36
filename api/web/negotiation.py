"""Which of the forms that we can send a client wants (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from dataclasses import dataclass

from api.errors import NotAcceptableError


@dataclass(frozen=True, kw_only=True)
class _Range:
    """One media range of an Accept header."""

    kind: str
    subkind: str
    quality: float

    def rank(self, media_type: str) -> tuple[int, float] | None:
        """Return how exactly and how much the type is wanted; None where it does not match."""
        kind, _, subkind = media_type.partition("/")
        if self.kind == "*":
            return 0, self.quality
        if self.kind != kind:
            return None
        if self.subkind == "*":
            return 1, self.quality
        return (2, self.quality) if self.subkind == subkind else None


def choose(accept: str | None, offered: list[str]) -> str:
    """Return the media type that the client likes best, the first of equals.

    Args:
        accept: The Accept header; None or empty accepts anything.
        offered: What can be sent, most preferred first.

    Raises:
        NotAcceptableError: None of them is wanted.
    """
    ranges = [r for r in map(_parse, (accept or "*/*").split(",")) if r is not None]
    best, best_quality = None, 0.0
    for media_type in offered:
        ranks = [rank for r in ranges if (rank := r.rank(media_type)) is not None]
        # The most exact range that matches decides, whatever less exact ones say.
        quality = max(ranks)[1] if ranks else 0.0
        if quality > best_quality:
            best, best_quality = media_type, quality
    if best is None:
        raise NotAcceptableError(f"cannot send {accept!r}; there are {', '.join(offered)}")
    return best


def _parse(text: str) -> _Range | None:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    kind, slash, subkind = media.partition("/")
    if not slash:
        return None
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return _Range(kind=kind, subkind=subkind, quality=quality)
