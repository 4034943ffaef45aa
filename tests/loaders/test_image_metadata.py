"""Published bytes tell nothing about a person or a place, and their pixels are the original's."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from loaders.image_files import inspect
from loaders.image_metadata import strip_metadata

SECRET = b"SN-4711-0815"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture() -> Image.Image:
    rng = np.random.default_rng(5)
    small = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    return small.resize((96, 72), Image.Resampling.BICUBIC)


def telling_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SAMSUNG"
    exif[0xA431] = SECRET.decode()
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 59.0)}
    return exif


def telling_file(image_format: str, orientation: int = 6) -> bytes:
    """A file that carries the secret in every place its format has for it."""
    file = io.BytesIO()
    xmp = b'<x:xmpmeta><rdf exif:GPSLatitude="37" aux="' + SECRET + b'"/></x:xmpmeta>'
    options: dict[str, object] = {"exif": telling_exif(orientation), "icc_profile": ICC}
    if image_format == "PNG":
        text = PngInfo()
        text.add_text("Author", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options["pnginfo"] = text
    elif image_format == "GIF":
        options = {"comment": SECRET}
    else:
        options["xmp"] = xmp
    if image_format == "JPEG":
        options["comment"] = SECRET
    picture().save(file, image_format, **options)
    data = file.getvalue()
    if image_format == "JPEG":
        for marker in (b"\xff\xed", b"\xff\xe5"):
            payload = b"Photoshop 3.0\x00" + SECRET
            data = data[:2] + marker + (len(payload) + 2).to_bytes(2, "big") + payload + data[2:]
    return data + b"a second picture " + SECRET


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_no_byte_of_metadata_is_left_and_the_pixels_are_equal(image_format: str) -> None:
    data = telling_file(image_format)
    assert SECRET in data
    orientation = inspect(data).orientation
    stripped = strip_metadata(data, image_format, orientation)
    assert SECRET not in stripped.data
    assert b"SAMSUNG" not in stripped.data
    assert not inspect(stripped.data).has_position
    before, after = (Image.open(io.BytesIO(blob)) for blob in (data, stripped.data))
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert after.getexif().get(0x0112, 1) == orientation
    assert set(after.getexif()) <= {0x0112}


@pytest.mark.parametrize(
    ("image_format", "removed"),
    [
        ("JPEG", ("APP5 data", "Exif", "IPTC", "XMP", "comment", "trailing data")),
        ("PNG", ("Exif", "XMP", "text", "trailing data")),
        ("WEBP", ("Exif", "XMP", "trailing data")),
        ("GIF", ("comment", "trailing data")),
    ],
)
def test_what_was_removed_is_named(image_format: str, removed: tuple[str, ...]) -> None:
    data = telling_file(image_format)
    assert strip_metadata(data, image_format, inspect(data).orientation).removed == removed


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_stripping_twice_changes_nothing(image_format: str, orientation: int) -> None:
    data = telling_file(image_format, orientation)
    orientation = inspect(data).orientation
    once = strip_metadata(data, image_format, orientation)
    twice = strip_metadata(once.data, image_format, orientation)
    assert twice.data == once.data
    assert twice.removed == ()


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_file_without_metadata_stays_the_same_bytes(image_format: str) -> None:
    file = io.BytesIO()
    picture().save(file, image_format)
    stripped = strip_metadata(file.getvalue(), image_format)
    assert stripped.data == file.getvalue()
    assert stripped.removed == ()


def test_an_orientation_that_only_xmp_knew_is_kept() -> None:
    file = io.BytesIO()
    picture().save(file, "JPEG", xmp=b'<rdf tiff:Orientation="8"/>')
    assert inspect(file.getvalue()).orientation == 8
    stripped = strip_metadata(file.getvalue(), "JPEG", 8)
    assert inspect(stripped.data).orientation == 8
    assert stripped.removed == ("XMP",)


def test_the_thumbnail_in_a_jfif_header_is_taken_out() -> None:
    file = io.BytesIO()
    picture().save(file, "JPEG")
    data = file.getvalue()
    jfif = data[6:20]
    assert jfif.startswith(b"JFIF\x00")
    small = b"\x07" * (3 * 2 * 2)
    header = b"\xff\xd8\xff\xe0" + (16 + len(small)).to_bytes(2, "big")
    with_thumbnail = header + jfif[:12] + b"\x02\x02" + small + data[20:]
    stripped = strip_metadata(with_thumbnail, "JPEG")
    assert stripped.removed == ("thumbnail",)
    assert stripped.data == data


def test_restart_markers_and_several_scans_survive() -> None:
    file = io.BytesIO()
    picture().save(
        file, "JPEG", progressive=True, restart_marker_blocks=2, exif=telling_exif(3), quality=95
    )
    stripped = strip_metadata(file.getvalue(), "JPEG", 3)
    assert stripped.removed == ("Exif",)
    np.testing.assert_array_equal(
        np.asarray(Image.open(file)), np.asarray(Image.open(io.BytesIO(stripped.data)))
    )
