"""What stands under a field in the source, and where it is shown."""

from __future__ import annotations

from typing import Generic, TypeVar

import pytest
from pydantic import ConfigDict, Field

from microgrid_opt.fielddocs import field_docs
from microgrid_opt.fields import Frozen

T = TypeVar("T")


class Told(Frozen):
    """Pydantic reads the strings itself here, which is slow and is the oracle of this file."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Plain(Told):
    first: int = 0
    """The first
       line and the second."""
    silent: int = 0
    aliased: int = Field(default=0, alias="other")
    """Goes by another name."""

    def told(self) -> int:
        inner: int = 0
        """No field."""
        return inner


class Left(Plain):
    own: int = 0
    """Own."""


class Right(Plain):
    first: int = 0
    """What the right one says."""


class Both(Left, Right):
    silent: int = 0
    """Told below."""


class Again(Both):
    own: int = 1
    silent: int = 1


class Holder(Told, Generic[T]):
    held: T
    """What is held."""


class Numbers(Holder[int]):
    count: int = 0
    """How many."""


class Outer(Told):
    class Inner(Told):
        depth: int = 0
        """How deep."""

    inner: Inner = Inner()
    """The inner one."""


@pytest.mark.parametrize(
    "model", [Plain, Left, Right, Both, Holder, Holder[int], Numbers, Outer, Outer.Inner]
)
def test_strings_are_found_as_pydantic_finds_them(model: type[Frozen]) -> None:
    """Proves: aliases, several bases, generic and nested classes. Oracle: pydantic's own reading.

    Sensitivity: of `Both` the left base's text stands, though the right one overrides the field.
    """
    told = {key: info.description for key, info in model.model_fields.items() if info.description}
    assert told
    assert field_docs(model) == told


def test_a_field_that_is_changed_in_silence_keeps_its_text() -> None:
    """Proves: one sentence serves all that only have another default, unlike in pydantic."""
    assert field_docs(Again) == field_docs(Both)
    assert Again.model_fields["own"].description is None


def test_a_class_inside_a_function_has_its_texts() -> None:
    class Here(Told):
        near: int = 0
        """Close by."""

    assert field_docs(Here) == {"near": "Close by."}


def test_a_class_without_source_has_none_of_its_own() -> None:
    """Proves: what is typed into a prompt is no error, and what it inherits is still told."""
    space = {"__name__": "typed_into_a_prompt", "Plain": Plain}
    exec('class Typed(Plain):\n    x: int = 0\n    """Lost."""\n', space)
    typed = space["Typed"]
    assert isinstance(typed, type)
    assert field_docs(typed) == field_docs(Plain)


def test_texts_describe_the_json_schema_under_the_key_of_the_file() -> None:
    class Quiet(Frozen):
        near: int = Field(default=0, alias="close")
        """Close by."""
        silent: int = 0

    properties = Quiet.model_json_schema()["properties"]
    assert properties["close"]["description"] == "Close by."
    assert "description" not in properties["silent"]
    assert Quiet.model_fields["near"].description is None
