"""Which image files are usable, what is read from them, and that nobody loses one silently."""

from __future__ import annotations

import io
import os
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards.errors import BogamError
from loaders.image_containers import UnusableImage, pieces, sniff_format
from loaders.image_files import (
    ImageFile,
    RejectedFile,
    gray_thumbnail,
    inspect,
    list_files,
    read_images,
    read_rgb,
    read_size,
    to_rgb,
)

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP"]


def picture(width: int = 240, height: int = 180, seed: int = 1) -> Image.Image:
    """Soft random blobs: structure at every scale, as a photo has."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, image_format: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def reason_of(data: bytes, **limits: int) -> str:
    with pytest.raises(UnusableImage) as verdict:
        inspect(data, **limits)
    return verdict.value.reason


@pytest.mark.parametrize("image_format", FORMATS)
def test_format_and_size_come_from_the_bytes(image_format: str) -> None:
    facts = inspect(encoded(picture(), image_format))
    assert (facts.format, facts.width, facts.height) == (image_format, 240, 180)


@pytest.mark.parametrize("image_format", FORMATS)
def test_pieces_joined_are_the_file_again(image_format: str) -> None:
    data = encoded(picture(), image_format) + b"a film after the end"
    parts = pieces(data, sniff_format(data[:32]))
    assert b"".join(part.raw for part in parts) == data
    assert parts[-1].kind == "trailing data"


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_truncated(image_format: str, share: float) -> None:
    data = encoded(picture(), image_format)
    assert reason_of(data[: int(len(data) * share)]) == "truncated"


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_cut_in_its_last_scan_but_closed_again_is_truncated(progressive: bool) -> None:
    data = encoded(picture(), progressive=progressive)
    assert reason_of(data[: int(len(data) * 0.7)] + b"\xff\xd9") == "truncated"


def test_a_flipped_bit_in_a_png_is_damage() -> None:
    data = bytearray(encoded(picture(), "PNG"))
    data[len(data) // 2] ^= 0x10
    assert reason_of(bytes(data)) == "corrupt"


@pytest.mark.parametrize("image_format", FORMATS)
def test_noise_in_the_place_of_an_image_never_raises_anything_else(image_format: str) -> None:
    rng = np.random.default_rng(3)
    whole = encoded(picture(), image_format)
    reasons = set()
    for _ in range(60):
        data = bytearray(whole)
        for position in rng.integers(12, len(data), 8):
            data[position] = int(rng.integers(256))
        try:
            inspect(bytes(data))
        except UnusableImage as verdict:
            reasons.add(verdict.reason)
    known = {"corrupt", "truncated", "too_large", "animated", "not_an_image"}
    assert reasons <= known


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        ("수사 메모 010-1234-5678".encode(), "not_an_image"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 32, "unsupported_format"),
        (b"II*\x00" + b"\x00" * 64, "unsupported_format"),
        (b"\xff\xd8\xff", "truncated"),
    ],
)
def test_what_is_no_usable_image_is_named(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_refused_and_a_still_is_not(image_format: str) -> None:
    frames = [picture(seed=seed) for seed in (1, 2)]
    moving = encoded(frames[0], image_format, save_all=True, append_images=frames[1:])
    assert reason_of(moving) == "animated"
    assert inspect(encoded(frames[0], image_format)).format == image_format


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    bomb = encoded(Image.new("1", (12_000, 12_000)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reason_of(bomb) == "too_large"
    assert reason_of(encoded(picture()), max_pixels=240 * 180 - 1) == "too_large"
    assert inspect(encoded(picture()), max_pixels=240 * 180).width == 240


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photo_hashes_and_measures_like_the_upright_one(
    image_format: str, orientation: int
) -> None:
    upright = picture(240, 180)
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, image_format, exif=exif)
    facts = inspect(data)
    assert (facts.width, facts.height, facts.orientation) == (240, 180, orientation)
    assert distance(facts.perceptual_hash, inspect(encoded(upright)).perceptual_hash) <= 16
    shown = np.asarray(to_rgb(Image.open(io.BytesIO(data))), dtype=int)
    assert np.abs(shown - np.asarray(upright, dtype=int)).mean() < 6


def test_a_position_is_noticed() -> None:
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 59.0), 3: "E", 4: (126.0, 58.0, 41.0)}
    assert inspect(encoded(picture(), exif=exif)).has_position
    assert not inspect(encoded(picture())).has_position


def test_broken_exif_means_upright_not_an_exception() -> None:
    facts = inspect(encoded(picture(), exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff"))
    assert (facts.orientation, facts.has_position) == (1, False)


def test_resent_copies_keep_their_hash_and_other_pictures_do_not() -> None:
    original = picture(800, 600)
    first = inspect(encoded(original, quality=95)).perceptual_hash
    resent = inspect(encoded(original.resize((320, 240)), quality=40)).perceptual_hash
    as_png = inspect(encoded(original, "PNG")).perceptual_hash
    other = inspect(encoded(picture(800, 600, seed=2))).perceptual_hash
    assert distance(first, resent) <= 31
    assert distance(first, as_png) <= 31
    assert distance(first, other) > 90


def test_a_blank_picture_has_a_worthless_hash() -> None:
    assert inspect(encoded(Image.new("RGB", (300, 300), "white"))).hash_quality < 50
    assert inspect(encoded(picture())).hash_quality >= 50


def test_sixteen_bit_gray_is_scaled_not_clipped_to_white() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    image = Image.open(io.BytesIO(encoded(Image.fromarray(ramp), "PNG")))
    assert image.mode == "I;16"
    assert np.asarray(to_rgb(image))[..., 0].ravel().tolist() == list(range(256))


def test_what_lies_under_transparency_is_not_shown() -> None:
    layer = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert np.asarray(to_rgb(layer)).min() == 255


def test_cmyk_is_told_and_converted() -> None:
    data = encoded(picture().convert("CMYK"))
    assert inspect(data).mode == "CMYK"
    assert to_rgb(Image.open(io.BytesIO(data))).mode == "RGB"


def test_thumbnail_of_a_large_photo_is_reduced_but_not_too_far() -> None:
    data = encoded(picture(4000, 3000))
    shape = gray_thumbnail(data, inspect(data)).shape
    assert shape == (375, 500)


def test_every_file_of_a_folder_is_read_in_its_order_or_rejected(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    (root / "a").mkdir(parents=True)
    outside = tmp_path / "elsewhere.jpg"
    outside.write_bytes(encoded(picture()))
    names = [f"{number:02d}.jpg" for number in range(40)]
    for number, name in enumerate(names):
        (root / "a" / name).write_bytes(encoded(picture(seed=number)))
    decomposed = unicodedata.normalize("NFD", "증거 사진.jpg")
    (root / "a" / decomposed).write_bytes(encoded(picture(seed=77)))
    (root / "a" / "empty.jpg").touch()
    (root / "a" / ".DS_Store").write_bytes(b"Bud1")
    (root / "a" / "link.jpg").symlink_to(outside)
    (root / "inside.jpg").symlink_to(root / "a" / "00.jpg")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.jpg")
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "다른 사진.jpg")
        (root / name).write_bytes(encoded(picture(seed=len(name))))

    listed = list(list_files(root))
    rejects = [item for item in listed if isinstance(item, RejectedFile)]
    files = [item for item in listed if isinstance(item, Path)]
    read = list(read_images(files, root, threads=2))
    rejects += [item for item in read if isinstance(item, RejectedFile)]
    images = [item for item in read if isinstance(item, ImageFile)]

    assert len(images) + len(rejects) == len(listed) == 49
    assert [image.path for image in images] == [f"a/{name}" for name in names] + [
        unicodedata.normalize("NFC", "a/증거 사진.jpg")
    ]
    assert {reject.path: reject.reason.value for reject in rejects} == {
        "a/.DS_Store": "junk",
        "a/empty.jpg": "empty_file",
        "a/link.jpg": "link",
        "inside.jpg": "link",
        "loop": "link",
        "pipe.jpg": "unreadable",
        "다른 사진.jpg": "same_name",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(BogamError, match="closed: cannot list this folder"):
        list(list_files(tmp_path))


def test_a_file_that_went_away_is_a_reject_too(tmp_path: Path) -> None:
    (gone,) = read_images([tmp_path / "gone.jpg"], tmp_path)
    assert isinstance(gone, RejectedFile)
    assert gone.reason.value == "unreadable"


def test_bytes_are_handed_over_untouched(tmp_path: Path) -> None:
    data = encoded(picture())
    (tmp_path / "one.png").write_bytes(data)
    (image,) = read_images([tmp_path / "one.png"], tmp_path)
    assert isinstance(image, ImageFile)
    assert image.data == data
    assert image.facts.format == "JPEG"


def distance(left: str, right: str) -> int:
    return (int(left, 16) ^ int(right, 16)).bit_count()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(), image_format, exif=exif)
    assert read_size(data) == read_rgb(data).size
    assert read_size(data) == ((180, 240) if orientation >= 5 else (240, 180))


def test_the_size_of_a_png_needs_no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(picture(), "PNG")

    def decode(image: Image.Image) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decode)
    assert read_size(data) == (240, 180)


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_damaged_picture_is_never_read(image_format: str) -> None:
    data = encoded(picture(), image_format)
    for read in (read_size, read_rgb):
        with pytest.raises(UnusableImage):
            read(data[: len(data) // 2])
