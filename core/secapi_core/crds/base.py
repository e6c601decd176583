"""What every kind shares: strict camelCase models, object metadata and ``metav1.Condition``.

The docstring below a field is its description in ``kubectl explain`` and in REST's OpenAPI.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from secapi_core.crds.constraints import Constraint, unique_by, word
from secapi_core.errors import Rejected
from secapi_core.failures import FailureReason
from secapi_core.pointers import json_pointer

GROUP = "secapi.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

Name = Annotated[
    str,
    Field(min_length=1, max_length=63),
    word(
        "must be at most 63 lower-case letters, digits or '-', beginning and ending with a letter or digit",
        like=r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?",
    ),
]
"""An RFC 1123 label: the name of a scanner or a pool."""


class Model(BaseModel):
    """A strict value: camelCase outside, snake_case inside, unknown fields refused, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = ()
    """Constraints over several fields; those of one field stand in its annotation."""

    @model_validator(mode="after")
    def _enforce_constraints(self) -> Self:
        for constraint in self.CONSTRAINTS:
            constraint.enforce(self)
        return self

    @classmethod
    def from_wire(cls, wire: object, pointer: str = "") -> Self:
        """Read a JSON object, camelCase names only; raises ``Rejected(InvalidSpec)`` at the first field at fault.

        ``pointer`` is where ``wire`` is in the request. For objects that the apiserver took under an older schema.
        """
        try:
            return cls.model_validate(wire, by_alias=True, by_name=False)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = json_pointer(first["loc"], pointer)
            raise Rejected(FailureReason.INVALID_SPEC, place, f"{place or '/'}: {first['msg']}") from error

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as Kubernetes and REST show it: camelCase, without fields that are null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Condition(Model):
    """One aspect of the object's state, for programs: wait for it with kubectl wait --for=condition=TYPE."""

    # metav1.Condition field for field, so that generic tools understand it.
    type: Annotated[
        str,
        Field(
            max_length=316,
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
            r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
        ),
    ]
    """What the condition is about, in CamelCase, e.g. Succeeded."""

    status: Literal["True", "False", "Unknown"]
    """Whether it holds; Unknown until that is decided."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this condition was computed from; an older one means that it is out of date."""

    last_transition_time: datetime
    """When status last changed."""

    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, as one CamelCase word for programs, e.g. TargetForbidden."""

    message: Annotated[str, Field(max_length=32768)]
    """Why, as a sentence for people; at most 512 bytes are written."""


Conditions = Annotated[list[Condition], Field(max_length=8), unique_by("type")]


class ObjectMeta(BaseModel):
    """The part of ``metav1.ObjectMeta`` that SecAPI reads; the rest is ignored, not refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, validate_by_name=True)

    name: str
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    resource_version: str | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of ``kubectl get``; one of priority 1 is shown with ``-o wide`` only."""

    name: str
    json_path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    priority: int = 0
    description: str = ""


class Resource(BaseModel):
    """An object of one of our kinds as the apiserver returns it, and what the apiserver needs to know of the kind."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
    )

    KIND: ClassVar[str]
    PLURAL: ClassVar[str]
    SHORT_NAME: ClassVar[str]
    NAMESPACED: ClassVar[bool] = True
    COLUMNS: ClassVar[tuple[Column, ...]]
    SELECTABLE: ClassVar[tuple[str, ...]] = ()
    """JSON paths that field selectors may name, e.g. ``kubectl get sr --field-selector status.phase=Running``."""

    CONSTRAINTS: ClassVar[tuple[Constraint, ...]] = ()
    """Constraints over the whole object; of metadata, CEL sees only the name."""

    metadata: ObjectMeta

    @model_validator(mode="after")
    def _enforce_constraints(self) -> Self:
        for constraint in self.CONSTRAINTS:
            constraint.enforce(self)
        return self
