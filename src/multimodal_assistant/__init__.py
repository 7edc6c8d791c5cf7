"""A private assistant that people talk to, running on their own machine."""

import os

# onnxruntime reports to its vendor unless told not to before it is loaded, by whichever library loads it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
