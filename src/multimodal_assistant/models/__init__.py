"""Where weights come from and where they are kept: `open_store().path(name)` is the folder of a model."""

from .manifest import Manifest, Model, ModelFile, load_manifest
from .store import Damage, ModelStore, Status, open_store

__all__ = ["Damage", "Manifest", "Model", "ModelFile", "ModelStore", "Status", "load_manifest", "open_store"]
