"""What the card of a forensic dataset must say, in Korean and in English."""

from __future__ import annotations

from cards.records import Note

TITLE = Note(
    ko="수사 사진 분류",
    en="Evidence photos by class",
)

DESCRIPTION = Note(
    ko=(
        "수사 자료에서 나온 사진을 분류별 폴더로 나눈 것입니다(분류는 label_ko 열). 각 행은 사진 "
        "한 장과 번호로 답하는 질문 하나입니다. 같은 사진을 보여 주는 파일은 다시 저장되었거나 "
        "잘렸더라도 한 분할에만 있습니다. 화소는 원본 그대로이고(증강한 사본은 빼고), 위치와 "
        "기기 정보 같은 메타데이터는 지웠습니다."
    ),
    en=(
        "Photos from an investigation, sorted into the classes that `label` names. A row is one "
        "photo and a question that is answered with a number. Files that show the same picture "
        "stand in one split, also when they were saved again or cropped. Pixels are the "
        "original's, but for augmented copies; metadata such as positions and serial numbers is "
        "removed."
    ),
)
DRAWN_DESCRIPTION = Note(
    ko=(
        "수사 사진 대신 프로그램이 그린 그림을 분류별로 나눈 것입니다(분류는 label_ko 열). 각 행은 "
        "그림 한 장과 번호로 답하는 질문 하나입니다. 같은 그림을 보여 주는 파일은 한 분할에만 "
        "있습니다."
    ),
    en=(
        "Drawings made by a program in place of photos from an investigation, sorted into the "
        "classes that `label` names. A row is one drawing and a question that is answered with a "
        "number. Files that show the same drawing stand in one split."
    ),
)

COLUMNS = {
    "document_id": Note(
        ko="갈라놓지 않는 묶음: 같은 사진을 보여 주는 행",
        en="group never split apart: rows that show the same picture",
    ),
    "label": Note(ko="분류 번호", en="Number of the class"),
    "label_ko": Note(ko="분류의 한국어 이름", en="Name of the class in Korean"),
    "file_name": Note(
        ko="원본 폴더 안에서의 파일 경로(NFC)", en="Path of the file in the source, in NFC"
    ),
    "width": Note(ko="바르게 돌려 놓았을 때의 너비(화소)", en="Width in pixels when shown upright"),
    "height": Note(
        ko="바르게 돌려 놓았을 때의 높이(화소)", en="Height in pixels when shown upright"
    ),
    "sha256": Note(ko="이 행에 있는 바이트의 SHA-256", en="SHA-256 of the bytes in this row"),
    "source_sha256": Note(
        ko="원본 파일의 SHA-256: 증거와 대조할 때 씁니다",
        en="SHA-256 of the file in the source: ties the row to the exhibit",
    ),
    "perceptual_hash": Note(
        ko="PDQ 지각 해시(16진수 64자). 31비트 이내로 다르면 같은 사진입니다",
        en="PDQ perceptual hash, 64 hexadecimal digits; within 31 bits it is the same picture",
    ),
    "metadata_removed": Note(
        ko="파일에서 지운 메타데이터의 종류", en="Kinds of metadata taken out of the file"
    ),
    "augmented_from": Note(
        ko="증강한 행이면 원본 행의 id, 아니면 비어 있음",
        en="For an augmented copy the id of its original, else empty",
    ),
    "augmentation": Note(ko="0은 원본, 1부터는 증강 번호", en="0 for originals, else the copy"),
}

_MISSED_COPIES = Note(
    ko="거울처럼 뒤집힌 사본과 한 변이 4분의 1 넘게 잘린 사본은 찾지 못할 수 있습니다.",
    en="Mirrored copies, and copies that lost more than a quarter of a side, may go unnoticed.",
)
LIMITS = (
    Note(
        ko="분류는 사람이 사진을 폴더에 나눈 대로이며, 사진에 무엇이 있는지를 증명하지 않습니다.",
        en="Labels are the folders that somebody sorted the photos into; they prove nothing about "
        "what a photo shows.",
    ),
    _MISSED_COPIES,
)
DRAWN_LIMITS = (
    Note(
        ko="분류는 프로그램이 그리려 한 것입니다. 그림은 실제 사진보다 단순하고 서로 비슷합니다.",
        en="Labels are what the program set out to draw. Drawings are simpler than photos and more "
        "alike.",
    ),
    _MISSED_COPIES,
)
ANNOTATION = Note(
    ko=(
        "라벨은 원본의 분류 폴더 이름입니다. 누가 어떤 기준으로 나누었는지, 몇 사람이 확인했는지는 "
        "원본에 적혀 있지 않습니다."
    ),
    en=(
        "Labels are the source's folders. Who sorted the photos, by which rules, and how many "
        "people agreed is not written in the source."
    ),
)
