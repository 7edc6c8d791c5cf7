"""Picture file, or bytes that a client sent → pixels; pixels → JPEG; and a picture that stays in view as a source of frames."""

import io
import stat
import struct
import threading
import warnings
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.errors import UnreadablePicture
from multimodal_assistant.core.types import Picture, Pixels, VideoFrame

from .pacing import Pace

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 64_000_000
"""Pixels: of phones only those that join several shots make more."""

LONG_SIDE = 768
"""Pixels: about what a vision model looks at (Gemma 3: 896)."""

QUALITY = 80
"""Of a JPEG, on libjpeg's scale up to 95."""

STILLS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""How the names of such files end."""

_DECODED = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF")  # no PostScript, which starts a program
_FORMATS = "Give a JPEG, PNG, WebP, GIF, BMP or TIFF picture."
_AGAIN = "Copy or export it again."
_ORIENTATION = 0x0112  # of EXIF; 1: upright

_one_at_a_time = threading.Lock()
"""Python's filter of warnings belongs to all threads, and a large picture takes memory enough for one."""


def read_picture(path: Path) -> Pixels:
    """Read a picture file; of an animation the first frame.

    Upright (EXIF), transparent parts over white, deep greys scaled to 8 bits. Raises `UnreadablePicture` with one sentence on what is
    wrong with the file. Blocks: not for the event loop.
    """
    check_file(path, f"{path}", "a picture")
    try:
        with path.open("rb") as source:
            return _decode(source, f"{path}")
    except OSError as error:
        raise UnreadablePicture(f"{path} cannot be read: {error.strerror or error}.", "Check its permissions.") from error


def picture_pixels(data: bytes, name: str = "The picture") -> Pixels:
    """As `read_picture`, from bytes; `name` begins the sentence of a refusal."""
    if not data:
        raise UnreadablePicture(f"{name} is empty (0 bytes).", "Send it again.")
    return _decode(io.BytesIO(data), name)


def check_file(path: Path, name: str, kind: str) -> None:
    """That it is a file with something in it; a pipe is none, as it may keep its reader waiting for ever. Raises `UnreadablePicture`."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UnreadablePicture(f"{name} is a folder, not {kind}.", "Give a file that is in it.")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadablePicture(f"{name} is a pipe or a device, not {kind}.", "Save it to a file first.")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file {name}.", "Check the name.") from error
    except OSError as error:
        raise UnreadablePicture(f"{name} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except ValueError as error:  # a NUL in the name
        raise UnreadablePicture(f"There can be no file {name!r}.", "Check the name.") from error
    if status.st_size == 0:
        raise UnreadablePicture(f"{name} is empty (0 bytes).", "Copy it again.")


def check_size(width: int, height: int, name: str) -> None:
    """Before any memory is taken; raises `UnreadablePicture`."""
    if width < 1 or height < 1:
        raise UnreadablePicture(f"{name} is damaged: it claims to be {width}x{height} pixels large.", _AGAIN)
    if width * height > LARGEST:
        raise _too_large(name)


def _too_large(name: str) -> UnreadablePicture:
    return UnreadablePicture(f"{name} has more than {LARGEST // 1_000_000} megapixels.", "Make it smaller.")


def jpeg(pixels: Pixels, long_side: int = LONG_SIDE, quality: int = QUALITY) -> Picture:
    """As a model or a client is sent it: no side longer than `long_side`, never larger than it is. The same pixels give the same bytes."""
    from PIL import Image

    image = Image.fromarray(pixels)
    scale = long_side / max(image.size)
    if scale < 1:
        size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return Picture(encoded.getvalue(), "image/jpeg")


class StillSource:
    """A picture file that stays in view: the same frame `rate` times a second, for ever. A `core.protocols.VideoSource`."""

    def __init__(self, path: Path, *, rate: float = 1.0) -> None:
        self._path = path
        self._pace = Pace(rate)

    @property
    def name(self) -> str:
        return self._path.name

    @property
    def rate(self) -> float:
        """Frames a second; may be changed at any time."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate

    async def frames(self) -> AsyncGenerator[VideoFrame]:
        """The file is read once, when this begins."""
        pixels = await anyio.to_thread.run_sync(read_picture, self._path)
        last = anyio.current_time()
        while True:
            yield VideoFrame(pixels, anyio.current_time())
            last = await self._pace.next(last)


def _decode(source: BinaryIO, name: str) -> Pixels:
    from PIL import Image

    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's are for programmers; what matters of them is checked here
        try:
            with Image.open(source, formats=_DECODED) as image:
                check_size(image.width, image.height, name)
                image.load()
                return _upright(_eight_bits(image), _orientation(image))
        except UnreadablePicture:
            raise
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except Image.UnidentifiedImageError as error:
            source.seek(0)
            raise _unknown(source.read(64), name) from error
        except Exception as error:  # decoders raise all sorts of things over bytes that mean harm
            raise UnreadablePicture(f"{name} is {_damage(error)}.", _AGAIN) from error


def _unknown(head: bytes, name: str) -> UnreadablePicture:
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1"):
        return UnreadablePicture(f"{name} is a HEIC picture, which cannot be read here.", "Export it as JPEG.")
    if head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:11] == b"AVI"):
        return UnreadablePicture(f"{name} is not a picture; it looks like a video.", _FORMATS)
    if head[:3] == b"\xff\xd8\xff" or head[:4] in (b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*"):
        return UnreadablePicture(f"{name} is damaged or cut short.", _AGAIN)
    return UnreadablePicture(f"{name} is not a picture that can be read.", _FORMATS)


def _damage(error: Exception) -> str:
    return "cut short" if "truncated" in str(error).lower() else "damaged or cut short"


def _orientation(image: "Image.Image") -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return 1  # a picture with damaged notes is still a picture


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo what EXIF says of how the camera was held."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _eight_bits(image: "Image.Image") -> Pixels:
    """RGB, shape [height, width, 3]."""
    from PIL import Image

    if image.mode[0] in "IF":
        grey = _scaled(np.asarray(image), image.mode)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        image = Image.alpha_composite(paper, layer)
    return np.asarray(image.convert("RGB"), np.uint8)


def _scaled(values: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    """Deep grey to 8 bits. 16 bits have a scale; of 32 bits and of real numbers nobody says what is white, so it is the brightest."""
    grey = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(grey.max(initial=0.0))
    if mode == "F":
        white = next((usual for usual in (1.0, 255.0, 65_535.0) if top <= usual), top)
    else:
        white = 65_535.0 if top <= 65_535.0 else top
    grey *= 255.0 / white
    return np.rint(np.clip(grey, 0.0, 255.0)).astype(np.uint8)
