"""What a server sees with."""

from dataclasses import dataclass, replace

from multimodal_assistant.pipeline.describe import Eyes
from multimodal_assistant.pipeline.sight import Viewer
from multimodal_assistant.visual_memory import Views


@dataclass(frozen=True, slots=True)
class Vision:
    """All conversations share it."""

    viewer: Viewer = Viewer()
    """What the language model makes of a view."""
    eyes: Eyes | None = None
    """What recognizes things for a model that does not see, and for the memory; None: nothing does."""
    views: Views | None = None
    """Where what is seen is kept; None: nowhere."""

    def of(self, viewer: Viewer) -> "Vision":
        """The same, for another language model."""
        return replace(self, viewer=viewer)

    @property
    def possible(self) -> bool:
        """Whether there is a point in showing something."""
        return self.viewer.sees or self.eyes is not None
