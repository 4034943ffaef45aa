"""What a scanner, a copier, a fax or a telephone does to a page, as albumentations pipelines.

The page arrives white. Geometry comes first and fills with white; paper tone and light are laid
over the whole picture afterwards, so the corners that a rotation uncovers have the paper's colour
and shading. JPEG is the last step of every pipeline and is done once, by the encoder that writes
the file. The field boxes go through the same geometry as key points.

All pixel work stays in 8 bits. Shading and grain are own transforms, because `A.Illumination` and
`A.GaussNoise` build full frames of floating point numbers and cost as much as the drawing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from random import Random
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image

from loaders.medical_ocr.synthesis.page import Field, Pixels

# albumentations asks a server for newer versions when it is imported, unless told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations as A

Span = tuple[float, float]
_WHITE = (255.0, 255.0, 255.0)


class _SpanSchema(A.BasicTransform.InitSchema):
    """Every own transform draws its strength from one span."""

    strength: Span


class _Spanned(A.ImageOnlyTransform):
    class InitSchema(_SpanSchema):
        pass

    def __init__(self, strength: Span, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.strength = strength


class PaperTone(_Spanned):
    """White becomes the paper's colour, black a toner grey; `strength` is how dark paper is."""

    def get_params(self) -> dict[str, Any]:
        dark = self.py_random.uniform(*self.strength)
        warmth = self.py_random.uniform(-0.3, 0.7) * dark
        black = self.py_random.uniform(0, 60)
        # Red fades last on yellowed paper, blue first.
        return {
            "whites": (255 - dark, 255 - dark - 0.2 * warmth, 255 - dark - warmth),
            "black": black,
        }

    def apply(self, img: Pixels, whites: tuple[float, ...], black: float, **params: Any) -> Pixels:
        slopes = [(white - black) / 255 for white in whites]
        if img.ndim == 2 or img.shape[2] == 1:
            toned = cv2.convertScaleAbs(img, alpha=slopes[0], beta=black)
        else:
            toned = cv2.transform(img, np.hstack([np.diag(slopes), np.full((3, 1), black)]))
        return np.asarray(toned, np.uint8).reshape(img.shape)


class Toner(_Spanned):
    """The steep tone curve of a copier or fax, `strength` is its slope.

    It turns at a light grey, so that thin strokes grow bolder and none is lost.
    """

    def get_params(self) -> dict[str, Any]:
        return {
            "slope": self.py_random.uniform(*self.strength),
            "turn": self.py_random.uniform(178, 212),
        }

    def apply(self, img: Pixels, slope: float, turn: float, **params: Any) -> Pixels:
        curve = 128 + (np.arange(256) - turn) * slope
        # What lies above the turn reaches white however flat the curve is.
        curve[256 - 32 :] = np.maximum(curve[256 - 32 :], np.linspace(215, 255, 32))
        table = np.clip(curve, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(img, table), np.uint8).reshape(img.shape)


class UnevenLight(_Spanned):
    """Light that falls off smoothly by up to `strength` (0 to 1), sometimes with a fold."""

    def get_params(self) -> dict[str, Any]:
        depth = self.py_random.uniform(*self.strength)
        field = self.random_generator.uniform(1 - depth, 1, (4, 3))
        tilt = np.linspace(1, 1 - depth * self.py_random.random(), 4)[:, None]
        fold = self.py_random.uniform(0.3, 0.7) if self.py_random.random() < 0.25 else None
        return {"field": field * tilt, "fold": fold}

    def apply(self, img: Pixels, field: Any, fold: float | None, **params: Any) -> Pixels:
        height, width = img.shape[:2]
        coarse = cv2.resize(
            (field * 255).astype(np.float32), (24, 32), interpolation=cv2.INTER_CUBIC
        )
        coarse = np.clip(coarse, 0, 255).astype(np.uint8)
        light = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        if fold is not None:
            centre = round(fold * height)
            band = max(3, height // 300)
            light[centre - band : centre] = (light[centre - band : centre] * 0.93).astype(np.uint8)
        if img.ndim == 3:
            light = cv2.merge([light] * img.shape[2])
        return np.asarray(cv2.multiply(img, light.reshape(img.shape), scale=1 / 255), np.uint8)


@lru_cache(maxsize=1)
def _grain(side: int = 3000) -> Pixels:
    """Gaussian noise around 128 with a standard deviation of 32, the same in every process."""
    noise = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    return np.clip(noise * 32 + 128, 0, 255).astype(np.uint8)


class Grain(_Spanned):
    """Sensor noise with a standard deviation of `strength` grey levels, cut from a stored sheet."""

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        height, width = params["shape"][:2]
        channels = params["shape"][2] if len(params["shape"]) == 3 else 1
        spare = np.array(_grain().shape) - (height, width)
        corners = [
            (self.py_random.randint(0, int(spare[0])), self.py_random.randint(0, int(spare[1])))
            for _ in range(channels)
        ]
        return {"corners": corners, "sigma": self.py_random.uniform(*self.strength)}

    def apply(
        self, img: Pixels, corners: list[tuple[int, int]], sigma: float, **params: Any
    ) -> Pixels:
        height, width = img.shape[:2]
        cuts = [_grain()[top : top + height, left : left + width] for top, left in corners]
        noise = cv2.merge(cuts).reshape(img.shape)
        share = sigma / 32
        return np.asarray(cv2.addWeighted(img, 1, noise, share, -128 * share), np.uint8)


class Specks(_Spanned):
    """Dust and toner specks of a copier: `strength` dots per million pixels.

    None falls on a value: a speck between two digits would be read as a decimal point.
    """

    def get_params_dependent_on_data(
        self, params: dict[str, Any], data: dict[str, Any]
    ) -> dict[str, Any]:
        height, width = params["shape"][:2]
        count = int(self.py_random.uniform(*self.strength) * height * width / 1e6)
        size = self.py_random.randint(1, 2)
        rows = self.random_generator.integers(0, height - size, count)
        columns = self.random_generator.integers(0, width - size, count)
        corners = np.asarray(data["keypoints"], np.float64)[:, :2].reshape(-1, 4, 2)
        (left, top), (right, bottom) = corners.min(axis=1).T - 6, corners.max(axis=1).T + 6
        on_value = (
            (columns[:, None] > left) & (columns[:, None] < right)
            & (rows[:, None] > top) & (rows[:, None] < bottom)
        ).any(axis=1)  # fmt: skip
        return {"rows": rows[~on_value], "columns": columns[~on_value], "size": size}

    def apply(self, img: Pixels, rows: Any, columns: Any, size: int, **params: Any) -> Pixels:
        out = img.copy()
        for down in range(size):
            for across in range(size):
                out[rows + down, columns + across] = 30
        return out


class Quality(NamedTuple):
    """One way in which a page reaches the reader."""

    name: str
    share: float
    colour: bool
    jpeg: tuple[int, int]


QUALITIES = (
    Quality("print", 0.10, True, (80, 95)),
    Quality("scan-grey", 0.27, False, (55, 92)),
    Quality("scan-colour", 0.23, True, (55, 92)),
    Quality("copy", 0.08, False, (50, 85)),
    Quality("fax", 0.07, False, (45, 80)),
    Quality("phone", 0.25, True, (45, 88)),
)


def _feed(degrees: float) -> A.Affine:
    """A sheet that went into the scanner a little askew."""
    return A.Affine(
        rotate=(-degrees, degrees), shear=(-0.4, 0.4), translate_percent=(-0.01, 0.01),
        scale=(0.97, 1.0), balanced_scale=False, keep_ratio=True, fill=_WHITE, p=1,
    )  # fmt: skip


def _coarser(low: float, high: float) -> A.Downscale:
    """Fewer dots to the inch; averaged, because dropping pixels would break thin strokes."""
    return A.Downscale(
        scale_range=(low, high),
        interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR},
        p=1,
    )


LABEL_QUALITIES = (
    Quality("thermal", 0.7, False, (80, 95)),
    Quality("thermal-faded", 0.3, False, (70, 90)),
)
"""Of labels, which are read where they lie."""


@lru_cache(maxsize=1)
def pipelines() -> dict[str, A.Compose]:
    """One pipeline a quality. They are reseeded for every page, see :func:`degrade`."""
    focus = A.GaussianBlur(blur_limit=(3, 5), sigma_limit=(0.3, 0.9), p=0.6)
    contrast = A.RandomBrightnessContrast(
        brightness_limit=(-0.12, 0.05), contrast_limit=(-0.2, 0.1), p=0.7
    )
    steps: dict[str, list[A.BasicTransform | A.BaseCompose]] = {
        "print": [PaperTone((0, 6)), A.NoOp(p=1)],
        "scan-grey": [
            _feed(1.5),
            PaperTone((2, 35)),
            UnevenLight((0.0, 0.12), p=0.5),
            focus,
            contrast,
            Grain((1.0, 6.0), p=0.8),
        ],
        "scan-colour": [
            _feed(1.5),
            PaperTone((2, 30)),
            UnevenLight((0.0, 0.12), p=0.5),
            focus,
            contrast,
            Grain((1.0, 5.0), p=0.8),
        ],
        "copy": [
            _feed(2.0),
            _coarser(0.65, 0.9),
            Toner((1.5, 2.5)),
            PaperTone((0, 25)),
            UnevenLight((0.02, 0.12)),
            Specks((40, 400)),
            Grain((2.0, 7.0)),
        ],
        "fax": [
            _feed(1.2),
            _coarser(0.6, 0.75),
            Toner((3.0, 8.0)),
            Specks((30, 300)),
            PaperTone((0, 12)),
        ],
        "thermal": [PaperTone((0, 12)), Grain((0.5, 4.0)), A.NoOp(p=1)],
        "thermal-faded": [
            PaperTone((10, 40)),
            UnevenLight((0.0, 0.1)),
            A.RandomBrightnessContrast(
                brightness_limit=(0.0, 0.1), contrast_limit=(-0.3, -0.1), p=1
            ),
            Grain((2.0, 7.0)),
            A.NoOp(p=1),
        ],
        "phone": [
            A.OneOf(
                [
                    A.Perspective(
                        scale=(0.005, 0.03), keep_size=False, fit_output=True, fill=_WHITE, p=1
                    ),
                    _feed(4.0),
                ],
                p=1,
            ),
            PaperTone((5, 45)),
            UnevenLight((0.05, 0.3)),
            A.OneOf(
                [
                    A.MotionBlur(blur_limit=(3, 5), p=1),
                    A.GaussianBlur(blur_limit=(3, 5), sigma_limit=(0.4, 1.1), p=1),
                ],
                p=0.7,
            ),
            contrast,
            Grain((2.0, 9.0)),
        ],
    }
    return {
        name: A.Compose(
            transforms,
            keypoint_params=A.KeypointParams(format="xy", remove_invisible=False),
            strict=True,
        )
        for name, transforms in steps.items()
    }


class Degraded(NamedTuple):
    """An encoded picture and its fields, boxes moved along with the page."""

    jpeg: bytes
    width: int
    height: int
    fields: list[Field]
    quality: str


def degrade(
    pixels: Pixels,
    fields: Sequence[Field],
    dpi: int,
    rng: Generator,
    qualities: Sequence[Quality] = QUALITIES,
) -> Degraded:
    """Degrade one page (height, width, 3) and encode it. All chance comes from `rng`."""
    quality = qualities[int(rng.choice(len(qualities), p=[q.share for q in qualities]))]
    pipeline = pipelines()[quality.name]
    # `Compose.set_random_seed` would give each step the same seed and so tie their draws together;
    # shared generators run on from step to step.
    pipeline.set_random_state(rng, Random(int(rng.integers(2**63))))
    image = pixels if quality.colour else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    boxes = np.array([field.box for field in fields], np.float64)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    result = pipeline(image=image, keypoints=corners)
    image = result["image"]
    height, width = image.shape[:2]
    moved = np.asarray(result["keypoints"], np.float64)[:, :2].reshape(-1, 4, 2)
    edge = (width, height)
    low = np.clip(np.floor(moved.min(axis=1)), 0, edge).astype(int).tolist()
    high = np.clip(np.ceil(moved.max(axis=1)), 0, edge).astype(int).tolist()
    stream = BytesIO()
    Image.fromarray(image).save(
        stream,
        "JPEG",
        quality=int(rng.integers(quality.jpeg[0], quality.jpeg[1] + 1)),
        dpi=(dpi, dpi),
    )
    return Degraded(
        jpeg=stream.getvalue(),
        width=width,
        height=height,
        fields=[
            Field(field.name, field.value, (a[0], a[1], b[0], b[1]), field.group)
            for field, a, b in zip(fields, low, high, strict=True)
        ],
        quality=quality.name,
    )
