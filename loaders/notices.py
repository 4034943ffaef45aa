"""Raw items that are sound although something about them is odd: `notices.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cards.records import Note
from loaders.item_log import ItemLog


class Oddity(StrEnum):
    """What is odd about a sound item, see `MEANINGS`. The words are fixed."""

    ENCODING = "encoding"
    BYTE_ORDER_MARK = "byte_order_mark"
    DECOMPOSED_NAME = "decomposed_name"
    UPPER_CASE_EXTENSION = "upper_case_extension"
    BLANKS_IN_FOLDER_NAME = "blanks_in_folder_name"
    CONTROL_CHARACTERS = "control_characters"
    WRAPPED_IN_LIST = "wrapped_in_list"
    DUPLICATE_ID = "duplicate_id"
    DUPLICATE_TEXT = "duplicate_text"
    WRONG_EXTENSION = "wrong_extension"
    TURNED = "turned"
    UNUSUAL_PIXELS = "unusual_pixels"
    METADATA_REMOVED = "metadata_removed"
    NEAR_DUPLICATE = "near_duplicate"
    SHARED_BY_SPLITS = "shared_by_splits"
    LABELS_CONTRADICT = "labels_contradict"


MEANINGS: Mapping[Oddity, Note] = {
    Oddity.ENCODING: Note(
        ko="UTF-8이 아닌 인코딩으로 읽었습니다.", en="Read from another text encoding than UTF-8."
    ),
    Oddity.BYTE_ORDER_MARK: Note(
        ko="다른 파일과 달리 BOM이 있거나 없습니다.",
        en="Begins, or does not begin, with a byte order mark, unlike most of the others.",
    ),
    Oddity.DECOMPOSED_NAME: Note(
        ko="다른 파일과 달리 경로가 자모로 풀린 유니코드(NFD)이거나 아닙니다.",
        en="Its path is, or is not, in decomposed Unicode, unlike most of the others.",
    ),
    Oddity.UPPER_CASE_EXTENSION: Note(
        ko="확장자가 대문자입니다.", en="The extension of its file is in capitals."
    ),
    Oddity.BLANKS_IN_FOLDER_NAME: Note(
        ko="폴더 이름에 공백이 있습니다.", en="The name of its folder holds blanks."
    ),
    Oddity.CONTROL_CHARACTERS: Note(
        ko="글에서 보이지 않는 문자를 지웠습니다.",
        en="Invisible characters were taken out of its text.",
    ),
    Oddity.WRAPPED_IN_LIST: Note(
        ko="JSON 객체 하나가 목록 안에 들어 있습니다.", en="The object stood alone in a list."
    ),
    Oddity.DUPLICATE_ID: Note(
        ko="같은 번호의 항목이 또 있습니다.", en="Another item has the same id."
    ),
    Oddity.DUPLICATE_TEXT: Note(
        ko="공백과 문장 부호를 빼면 같은 글인 항목이 또 있습니다. 둘은 한 분할에 있습니다.",
        en="Another item has the same text but for blanks and punctuation; both stay in one split.",
    ),
    Oddity.WRONG_EXTENSION: Note(
        ko="이름의 확장자와 다른 그림 형식입니다.",
        en="Its bytes are in another image format than its name says.",
    ),
    Oddity.TURNED: Note(
        ko="돌아가거나 뒤집힌 채 저장되어 있고, 바로 보는 법이 Exif에 있습니다.",
        en="Stored turned or mirrored; the Exif orientation says how to show it.",
    ),
    Oddity.UNUSUAL_PIXELS: Note(
        ko="CMYK, 16비트이거나 투명해서 보려면 조심해서 바꾸어야 합니다.",
        en="CMYK, 16 bits or transparent: to be shown it must be converted with care.",
    ),
    Oddity.METADATA_REMOVED: Note(
        ko="파일에서 위치, 일련번호, 설명 같은 메타데이터를 지웠습니다.",
        en="Positions, serial numbers, comments or the like were taken out of its file.",
    ),
    Oddity.NEAR_DUPLICATE: Note(
        ko="다른 항목과 같은 그림을 보여 줍니다. 둘은 한 분할에 있습니다.",
        en="Shows the same picture as another item; both stay in one split.",
    ),
    Oddity.SHARED_BY_SPLITS: Note(
        ko="다른 분할의 항목과 같은 그림을 보여 줍니다.",
        en="Shows the same picture as an item of another split.",
    ),
    Oddity.LABELS_CONTRADICT: Note(
        ko="같은 그림을 보여 주면서 라벨이 다른 항목이 있습니다.",
        en="Another item shows the same picture and has another label.",
    ),
}
NoticeLog = ItemLog[Oddity]
"""`NoticeLog(path).add(item path, Oddity.X, detail)`."""
