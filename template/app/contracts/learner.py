"""Who it is about: a learner, by a pseudonymous id."""

from typing import Annotated

from pydantic import AliasChoices, Field

# no control characters: it is a key of events, which travels in headers
_Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
UserId = Annotated[_Id, Field(validation_alias=AliasChoices("user_id", "student_id"))]
"""A learner's id, called `user_id` on the wire; `student_id` is accepted."""
StudentId = Annotated[_Id, Field(validation_alias=AliasChoices("student_id", "user_id"))]
"""The same id where it is called `student_id` on the wire; `user_id` is accepted."""
