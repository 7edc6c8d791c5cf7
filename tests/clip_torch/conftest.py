"""The photographs and CLIP's tokenizer are found among the tests of models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
