"""The answer to a request that is worked on later."""

from pydantic import BaseModel


class Accepted(BaseModel):
    """The request is on its way; events that answer it carry its id as `request_id`."""

    request_id: str
