"""Raw items that do not become rows: `rejects.jsonl`."""

from __future__ import annotations

from enum import StrEnum

from loaders.item_log import ItemLog


class Reason(StrEnum):
    """Why an item is no row. The words are fixed: cards and other programs count them."""

    JUNK = "junk"
    """Left behind by the operating system or an editor."""
    NOT_IN_LAYOUT = "not_in_layout"
    """Not where, or not of the kind, that this dataset's files are."""
    LINK = "link"
    """A symbolic link; links are never followed."""
    UNSAFE_PATH = "unsafe_path"
    """The name of an archive member leads out of the archive."""
    UNREADABLE_NAME = "unreadable_name"
    """The bytes of the name are in no encoding that this dataset's names use."""
    SAME_NAME = "same_name"
    """Several members of one archive share this name, or several files but for code points."""
    UNREADABLE = "unreadable"
    """The file system or the archive does not hand out the bytes."""
    CORRUPT = "corrupt"
    """The bytes do not decode, or do not fit their checksum."""
    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    """Larger than anything that this dataset's items can be."""
    UNREADABLE_ENCODING = "unreadable_encoding"
    """Text in an encoding that cannot be told."""
    BROKEN_JSON = "broken_json"
    MISSING_KEY = "missing_key"
    WRONG_TYPE = "wrong_type"
    """A value is there, but is of another kind than the format says."""
    EMPTY_TEXT = "empty_text"
    FOLDER_MISMATCH = "folder_mismatch"
    """The item and the folder that it lies in contradict each other."""
    DUPLICATE = "duplicate"
    """The same as an item that was used."""
    NO_COUNTERPART = "no_counterpart"
    """The item needs another one to make a row, and there is none."""
    NOT_NEEDED = "not_needed"
    """Sound, but there are more items of its kind than rows to put them in."""
    NOT_AN_IMAGE = "not_an_image"
    """The bytes are of no image format, whatever the name says."""
    UNSUPPORTED_FORMAT = "unsupported_format"
    """An image, but in a format that whoever loads the dataset may not be able to open."""
    TRUNCATED = "truncated"
    """The file ends before its image does."""
    ANIMATED = "animated"
    """Several frames: which of them is meant cannot be told."""
    TURN_ORDER = "turn_order"
    """Questions and answers do not follow each other in turn."""
    IMAGE_TAGS = "image_tags"
    """The talk marks another number of images than it has, or marks one in an answer."""
    UNSOUND_LABEL = "unsound_label"
    """An answer that provably is not what the image shows."""


RejectLog = ItemLog[Reason]
"""`RejectLog(path).add(item path, Reason.X, detail)`."""
