"""Words of the user → what their answer is given to see, in time or not at all."""

import logging

import anyio

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.core.protocols import Sight
from multimodal_assistant.core.types import Glance

log = logging.getLogger(__name__)

IN_TIME = 5.0
"""Seconds: reading a page of print takes one or two on a small machine."""


async def look(sight: Sight | None, said: str) -> Glance:
    """What is in view for an answer to these words; nothing where nobody asks, and where the eyes fail."""
    if sight is None:
        return Glance()
    with anyio.move_on_after(IN_TIME):
        try:
            return await sight.look(said)
        except AssistantError as error:
            log.warning("nothing could be seen: %s", error)
            return Glance()
    log.warning("nothing was seen within %.0f s", IN_TIME)
    return Glance()
