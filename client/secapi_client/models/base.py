"""What all models share."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """An answer: camelCase outside, snake_case inside, immutable; fields that a newer server adds are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, validate_by_name=True)

    def to_wire(self) -> dict[str, Any]:
        """The JSON object, with the server's names."""
        return self.model_dump(mode="json", by_alias=True)
