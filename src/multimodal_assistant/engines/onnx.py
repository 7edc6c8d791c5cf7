"""Opening ONNX models for a machine where several models share a few cores."""

from pathlib import Path
from typing import TYPE_CHECKING

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing

if TYPE_CHECKING:
    import onnxruntime


def open_session(model: Path, *, threads: int) -> "onnxruntime.InferenceSession":
    """A session on the CPU with `threads` threads that sleep, not spin, between calls.

    Spinning threads of an idle model take the core from the one that has work (microsoft/onnxruntime#11841, #17011).
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineUnavailable("onnxruntime is not installed.", "Install it with `pip install onnxruntime`.") from error
    if not model.is_file():
        raise ModelMissing(f"The model file {model} is not there.", "Fetch it with `assistant models pull`.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise EngineFailed(f"{model.name} is not a model that onnxruntime can load.", "Check it with `assistant models verify`.") from error


class StoppableRun:
    """Options of runs that another thread may end in the middle."""

    def __init__(self) -> None:
        self._options: onnxruntime.RunOptions | None = None
        self._stopped = False

    @property
    def options(self) -> "onnxruntime.RunOptions":
        """To be passed to `InferenceSession.run`, on the thread that runs."""
        if self._options is None:
            import onnxruntime

            self._options = onnxruntime.RunOptions()
            self._options.terminate = self._stopped
        return self._options

    def stop(self) -> None:
        """From any thread: the present run raises, and so does every later one."""
        self._stopped = True
        if self._options is not None:
            self._options.terminate = True
