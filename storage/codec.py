"""A tagged post as JSON and back: the one record both stores keep."""

from __future__ import annotations

import functools
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from core.model import TaggedPost

_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


@functools.cache
def _adapter() -> TypeAdapter[TaggedPost]:
    return TypeAdapter(TaggedPost)


def encode(post: TaggedPost) -> bytes:
    """UTF-8 JSON; what is not Unicode in a text from outside becomes U+FFFD."""
    try:
        return _adapter().dump_json(post, exclude_defaults=True)
    except PydanticSerializationError:
        sound = _adapter().validate_python(_sound(_adapter().dump_python(post)))
        return _adapter().dump_json(sound, exclude_defaults=True)


def decode(body: bytes | str) -> TaggedPost:
    """The post of a record."""
    return _adapter().validate_json(body)


def _sound(value: Any) -> Any:
    match value:
        case str():
            return value.translate(_SURROGATES)
        case dict():
            return {key: _sound(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_sound(inner) for inner in value]
        case _:
            return value
