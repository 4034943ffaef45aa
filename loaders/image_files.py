"""What is known of an image file before it becomes a row, and which files cannot become one.

Bytes are read once and never changed here. Format and size come from the header, never from the
name. Whether a file is whole is decided by decoding it to the last bit, at an eighth of its size
where the format allows: `PIL.Image.verify` accepts every truncated JPEG. The perceptual hash
comes from that same decode.
"""

from __future__ import annotations

import hashlib
import os
import struct
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt
import pdqhash
import simplejpeg
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin
from PIL import WebPImagePlugin as WebPPlugin
from PIL.ExifTags import IFD, Base

from cards.errors import BogamError
from loaders.image_containers import ImageFormat, Piece, UnusableImage, pieces, sniff_format
from loaders.rejects import Reason

MAX_PIXELS = 89_478_485
"""Above this, `PIL.Image.open` warns of a decompression bomb whoever loads the dataset."""

THUMBNAIL_SIDE = 128
SKETCH_SIDE = 32
Gray = npt.NDArray[np.uint8]
Item = TypeVar("Item")
Result = TypeVar("Result")

_SYSTEM_FILES = {".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db"}
_PLUGINS: dict[str, type[Any]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPPlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
# What PIL's decoders raise on bytes that are no picture; it has no common class for it.
_DECODE_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
    struct.error,
)  # fmt: skip
_PNG_METADATA = {"eXIf", "tEXt", "zTXt", "iTXt"}
"""Chunks in which an orientation can stand: Exif, or XMP and older Exif as text."""
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the bytes say. `width` and `height` are as displayed, after the Exif orientation."""

    format: ImageFormat
    mode: str
    """PIL mode, e.g. `RGB`, `CMYK`, `I;16`; see :func:`to_rgb`."""
    width: int
    height: int
    orientation: int
    """Exif tag 0x0112, 1 to 8; 1 is upright."""
    has_position: bool
    """True when Exif or XMP holds a GPS position."""
    sha256: str
    perceptual_hash: str
    """PDQ of the upright picture, 64 hexadecimal digits."""
    hash_quality: int
    """0 to 100; below 50 the picture has too little structure for its hash to mean anything."""
    sketch: bytes
    """The upright picture in 32 x 32 gray bytes, for finding copies; not for publication."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A usable image: `path` relative to its root (NFC, `/`), bytes untouched, and its facts."""

    path: str
    data: bytes
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that cannot become a row."""

    path: str
    reason: Reason
    detail: str = ""


def inspect(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """Decode an image once and tell what it is.

    Raises :class:`UnusableImage`: empty, not an image, unsupported format, too large (in
    pixels), animated, truncated or corrupt.
    """
    image_format = sniff_format(data[:32])
    parts = pieces(data, image_format)
    image = _open(data, image_format, max_pixels)
    width, height = image.size
    frames = _frames(parts)
    if frames > 1:
        raise UnusableImage(Reason.ANIMATED, f"{image_format} of {frames} frames")
    orientation, has_position = _exif(image)
    gray = _upright(_decode(data, image_format, image), orientation)
    small = Image.fromarray(gray).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    digest, quality = _pdq(small)
    turned = orientation >= 5
    return ImageFacts(
        format=image_format,
        mode=image.mode,
        width=height if turned else width,
        height=width if turned else height,
        orientation=orientation,
        has_position=has_position,
        sha256=hashlib.sha256(data).hexdigest(),
        perceptual_hash=digest,
        hash_quality=quality,
        sketch=small.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX).tobytes(),
    )


def gray_thumbnail(data: bytes, facts: ImageFacts) -> Gray:
    """The upright picture in gray, (height, width) in 0..255, sides reduced but not below 128."""
    image = _PLUGINS[facts.format](BytesIO(data))
    return _upright(_decode(data, facts.format, image), facts.orientation)


def to_rgb(image: Image.Image) -> Image.Image:
    """An upright 8-bit RGB picture, for a model or an augmentation.

    Unlike `convert("RGB")`, 16-bit gray is scaled (PIL clips it to white) and what lies under
    transparency is not shown: the background is white.
    """
    turn = _TRANSPOSED.get(_exif(image)[0])
    rgb = _flatten(image)
    return rgb if turn is None else rgb.transpose(turn)


def read_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels of what :func:`read_rgb` gives, without decoding it.

    Raises :class:`UnusableImage`: empty, not an image, unsupported format, too large, or its
    outer structure ends too early.
    """
    image_format = sniff_format(data[:32])
    parts = pieces(data, image_format)
    image = _open(data, image_format, MAX_PIXELS)
    width, height = image.size
    # PIL looks for the Exif data of a PNG behind its pixels too, which it decodes for that.
    may_be_turned = image_format != "PNG" or any(part.kind in _PNG_METADATA for part in parts)
    turned = may_be_turned and _exif(image)[0] >= 5
    return (height, width) if turned else (width, height)


def read_rgb(data: bytes) -> Image.Image:
    """What :func:`to_rgb` makes of a file.

    Raises :class:`UnusableImage`: empty, not an image, unsupported format, too large, truncated
    or corrupt.
    """
    image = _open(data, sniff_format(data[:32]), MAX_PIXELS)
    try:
        image.load()
        return to_rgb(image)
    except _DECODE_ERRORS as error:
        raise UnusableImage(Reason.CORRUPT, _one_line(error)) from error


def list_files(root: Path) -> Iterator[Path | RejectedFile]:
    """Every file below `root`, in the order of its NFC name on any machine.

    Links are not followed, wherever they lead. They, what is no regular file, the files that
    operating systems leave behind, and files that NFC gives one name come as rejects.

    Raises:
        BogamError: a folder cannot be listed.
    """
    found: list[tuple[str, Path]] = []
    for folder, folders, names in os.walk(root, onerror=_cannot_list):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        paths = (Path(folder) / name for name in names + links)
        found += [(relative_name(path, root), path) for path in paths]
    times = Counter(name for name, _ in found)
    for name, path in sorted(found, key=lambda pair: (pair[0], os.fsencode(pair[1]))):
        lower = path.name.lower()
        if path.is_symlink():
            yield RejectedFile(name, Reason.LINK, "links are not followed")
        elif lower in _SYSTEM_FILES or lower.startswith("._"):
            yield RejectedFile(name, Reason.JUNK, "left by the operating system")
        elif times[name] > 1:
            detail = "another file has this name in other code points; rename one of them"
            yield RejectedFile(name, Reason.SAME_NAME, detail)
        elif not path.is_file():
            yield RejectedFile(name, Reason.UNREADABLE, "no regular file")
        else:
            yield path


def _cannot_list(error: OSError) -> NoReturn:
    raise BogamError(
        f"{error.filename}: cannot list this folder: {error.strerror}. Make it readable."
    ) from error


def relative_name(path: Path, root: Path) -> str:
    """`path` below `root` with `/`, in NFC: macOS writes Hangul decomposed."""
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())


def read_image(path: Path, name: str, *, max_pixels: int = MAX_PIXELS) -> ImageFile | RejectedFile:
    """Read and inspect one file; a file that cannot be used is a reject, never an exception."""
    try:
        with path.open("rb") as file:
            head = file.read(32)
            sniff_format(head)
            data = head + file.read()
        return ImageFile(name, data, inspect(data, max_pixels=max_pixels))
    except UnusableImage as verdict:
        return RejectedFile(name, verdict.reason, verdict.detail)
    except OSError as error:
        return RejectedFile(name, Reason.UNREADABLE, error.strerror or _one_line(error))


def read_images(
    paths: Iterable[Path], root: Path, *, threads: int | None = None, max_pixels: int = MAX_PIXELS
) -> Iterator[ImageFile | RejectedFile]:
    """Read and inspect files in their order, see :func:`map_in_threads`."""
    return map_in_threads(
        lambda path: read_image(path, relative_name(path, root), max_pixels=max_pixels),
        paths,
        threads=threads,
    )


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None
) -> Iterator[Result]:
    """`map` in the order of the items, on `threads` threads (default: one a core, up to 8).

    For work on images: decoders and hashes release the GIL. No more than four results a thread
    wait to be taken, so memory does not grow with the number of items.
    """
    workers = threads or min(8, len(os.sched_getaffinity(0)))
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _open(data: bytes, image_format: ImageFormat, max_pixels: int) -> Any:
    """The image with its header read, of at most `max_pixels`."""
    try:
        # The plugin's class, because Image.open warns of size through process-wide state.
        image = _PLUGINS[image_format](BytesIO(data))
    except _DECODE_ERRORS as error:
        raise UnusableImage(Reason.CORRUPT, f"unreadable header: {_one_line(error)}") from error
    width, height = image.size
    if width * height > max_pixels:
        raise UnusableImage(Reason.TOO_LARGE, f"{width:,} x {height:,} pixels")
    return image


def _decode(data: bytes, image_format: ImageFormat, image: Any) -> Gray:
    """Decode every bit, reduced where the format allows; gray, not yet upright."""
    try:
        if image_format == "JPEG":
            # Strict: libjpeg's recoverable complaints count. `image` has only read the header.
            gray: Gray = simplejpeg.decode_jpeg(
                data, "GRAY", min_height=THUMBNAIL_SIDE, min_width=THUMBNAIL_SIDE, fastdct=True
            )[..., 0]
            return gray
        image.load()
    except _DECODE_ERRORS as error:
        message = _one_line(error)
        cut = "premature end" in message.lower() or "truncated" in message
        raise UnusableImage(Reason.TRUNCATED if cut else Reason.CORRUPT, message) from error
    small = _flatten(image)
    small.thumbnail((4 * THUMBNAIL_SIDE, 4 * THUMBNAIL_SIDE), Image.Resampling.BOX)
    return np.asarray(small.convert("L"))


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        wide = np.asarray(image)
        scale = 257 if wide.dtype == np.uint16 or wide.max(initial=0) > 255 else 1
        image = Image.fromarray((wide // scale).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert("RGB")


def _pdq(square: Image.Image) -> tuple[str, int]:
    """Computed from a reduced decode, so some bits differ from PDQ of the full picture."""
    pixels = np.asarray(square, dtype=np.uint8)
    bits, quality = pdqhash.compute(np.repeat(pixels[:, :, None], 3, axis=2))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)


def _upright(gray: Gray, orientation: int) -> Gray:
    turn = _TRANSPOSED.get(orientation)
    return gray if turn is None else np.asarray(Image.fromarray(gray).transpose(turn))


def _exif(image: Image.Image) -> tuple[int, bool]:
    """Orientation (1 when absent or senseless) and whether a position is given."""
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = xmp if isinstance(xmp, bytes) else str(xmp).encode()
    in_xmp = b"GPSLatitude" in text
    try:
        exif = image.getexif()
        value = exif.get(Base.Orientation, 1)
        has_position = bool(exif.get_ifd(IFD.GPSInfo)) or in_xmp
    except (*_DECODE_ERRORS, AttributeError):
        return 1, in_xmp
    return (value if isinstance(value, int) and 1 <= value <= 8 else 1), has_position


def _frames(parts: list[Piece]) -> int:
    kinds = [part.kind for part in parts]
    for part in parts:
        if part.kind == "acTL":
            return int.from_bytes(part.payload[:4], "big")
    return max(kinds.count("ANMF"), kinds.count("image"), 1)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
