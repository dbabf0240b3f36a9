"""How a value that is written as text becomes a field of a spec."""

from __future__ import annotations

from typing import Any, Protocol, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class _Parsed(Protocol):
    @classmethod
    def parse(cls, text: str) -> Self: ...


class Parsed:
    """Base of values with one spelling: ``parse`` reads it, ``str`` writes it, specs take either."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls: type[_Parsed], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic parse text and write the same text back."""
        from_text = core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema(strict=True))
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), from_text], mode="left_to_right"
            ),
            serialization=core_schema.to_string_ser_schema(),
        )


def number_as_text(value: Any) -> Any:
    """Return a whole number as text, for values whose own sentence says what it lacks: a unit, or a percent sign."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
