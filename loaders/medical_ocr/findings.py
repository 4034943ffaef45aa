"""What whoever uses the dataset must know of its source; every number is counted here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath

from cards.records import Finding, Severity
from loaders.medical_ocr import defects
from loaders.medical_ocr.splits import Leaks, Placed, SplitRule
from loaders.medical_ocr.survey import Survey

_NAMED = 3
_MANY = 10
"""What so many documents have in common is no chance."""
_READ = "Counted over everything that was read, also what became a reject."


def findings(survey: Survey, leaks: Leaks, rule: SplitRule, positions: int) -> Iterator[Finding]:
    yield from _made_up(survey)
    yield from _places(survey)
    yield from _defects(survey)
    yield from _numbers(survey)
    yield from _dates(survey)
    yield from _languages(survey)
    yield from _names(survey)
    yield from _sizes(survey)
    yield from _images(survey, positions)
    yield from _leaks(leaks, rule)


def _made_up(survey: Survey) -> Iterator[Finding]:
    """Only where every page is: a single real one makes the whole dataset a patient's affair."""
    if survey.is_made_up:
        yield Finding(
            kind="made_up",
            severity="info",
            count=len(survey.talks),
            detail="Every page was drawn by a program. No person, institution or number on them "
            "exists, and no prescription is medical information.",
            detail_ko="모든 문서는 프로그램이 그렸습니다. 적힌 사람, 기관, 번호는 실재하지 않으며 "
            "처방은 의학 정보가 아닙니다.",
        )


def _places(survey: Survey) -> Iterator[Finding]:
    reading = survey.reading
    if reading.elsewhere:
        yield Finding(
            kind="image_found_by_name",
            severity="info",
            count=reading.elsewhere,
            detail=f"Records whose image does not lie where they say; its file name was looked for "
            f"instead. {reading.as_recorded} images lie where their record says.",
            detail_ko="기록에 적힌 자리에 그림이 없어 파일 이름으로 찾은 기록입니다. 그림 "
            f"{reading.as_recorded}장은 기록대로 있습니다.",
        )
    if reading.missing:
        yield Finding(
            kind="image_missing",
            severity="warning",
            count=reading.missing.total(),
            detail=f"Records whose image is not in the source: {_by_file(reading.missing)}.",
            detail_ko=f"그림이 원본에 없는 기록: {_by_file(reading.missing)}.",
        )


def _defects(survey: Survey) -> Iterator[Finding]:
    talks = survey.reading.talks
    counts = Counter(flag for talk in talks for flag in talk.flags)
    for flag, meaning in defects.MEANINGS.items():
        if not counts[flag]:
            continue
        by_file = Counter(talk.source for talk in talks if flag in talk.flags)
        severity: Severity = "warning" if flag in defects.UNSOUND else "info"
        extra = _extent(flag, survey)
        what_next = (
            " Rows carry the flag; --labels sound leaves them out."
            if flag in defects.UNSOUND
            else " Rows carry the flag."
        )
        what_next_ko = (
            " 행의 flags 열에 표시하며 --labels sound로 뺄 수 있습니다."
            if flag in defects.UNSOUND
            else " 행의 flags 열에 표시합니다."
        )
        yield Finding(
            kind=flag,
            severity=severity,
            count=counts[flag],
            detail=f"{meaning.en} {_by_file(by_file)}.{extra}{what_next} {_READ}",
            detail_ko=f"{meaning.ko} {_by_file(by_file)}.{what_next_ko}",
        )


def _extent(flag: str, survey: Survey) -> str:
    """How much of the flagged items is concerned, for the flags that count parts."""
    reading = survey.reading
    parts: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for talk in reading.talks:
        claims = reading.claims.get(talk.item)
        if flag == defects.QUESTION_REPEATED and flag in talk.flags:
            parts[talk.source] += defects.repeated_turns(talk.turns)
        elif claims is not None and flag == defects.CODES_NOT_ON_FORM and flag in talk.flags:
            parts[talk.source] += len(claims.codes) - defects.CODES_ON_FORM
        elif claims is not None and flag == defects.DOSE_DOES_NOT_FIT_FORM:
            parts[talk.source] += defects.misfit_lines(claims)
            whole[talk.source] += len(claims.drugs)
        elif claims is not None and flag == defects.LINES_DAMAGED and flag in talk.flags:
            parts[talk.source] += sum(not drug.commas for drug in claims.drugs)
    if flag == defects.QUESTION_REPEATED:
        return f" Turns that repeat: {_by_file(parts)}."
    if flag == defects.CODES_NOT_ON_FORM:
        return f" Codes that cannot be read: {_by_file(parts)}."
    if flag == defects.LINES_DAMAGED:
        return f" Drug lines: {_by_file(parts)}."
    if flag == defects.DOSE_DOES_NOT_FIT_FORM:
        lines = ", ".join(f"{file} {parts[file]} of {whole[file]}" for file in sorted(whole))
        return f" Drug lines: {lines}."
    return ""


def _numbers(survey: Survey) -> Iterator[Finding]:
    """Resident numbers: whether they could be somebody's."""
    numbers, right, future = 0, 0, 0
    for claims in survey.reading.claims.values():
        day = _date(claims.date)
        facts = defects.resident_number_facts(claims.person[-14:], day)
        if facts is not None:
            numbers += 1
            right += facts[1]
            future += facts[2]
    if numbers:
        yield Finding(
            kind="resident_numbers",
            severity="warning",
            count=numbers,
            detail=f"Answers that give a number of the form of a resident number. The check digit "
            f"is right in {right}; {future} are born after their prescription. Made up or not, "
            "they must be treated as personal data.",
            detail_ko="주민등록번호 꼴의 번호를 적은 답입니다. 검증 숫자가 맞는 것이 "
            f"{right}건, 처방일 뒤에 태어난 것이 {future}건입니다. 지어낸 것이든 아니든 "
            "개인정보로 다루어야 합니다.",
        )


def _dates(survey: Survey) -> Iterator[Finding]:
    """A model that always answers the same day looks as if it could read it."""
    days = Counter(claims.date for claims in survey.reading.claims.values() if claims.date)
    if len(days) == 1 and days.total() >= _MANY:
        (day,) = days
        yield Finding(
            kind="one_date",
            severity="warning",
            count=days.total(),
            detail=f"Prescriptions that all bear the date {day}: whether a model reads it cannot "
            f"be seen on them. {_READ}",
            detail_ko=f"모든 처방전의 날짜가 {day}이어서 모델이 날짜를 읽는지 알 수 없습니다.",
        )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.max


def _languages(survey: Survey) -> Iterator[Finding]:
    named = [
        talk
        for talk in survey.reading.talks
        if talk.row_id.endswith("_ko") and talk.language != "ko"
    ]
    if named:
        spoken = Counter(talk.language for talk in named)
        yield Finding(
            kind="language_not_as_named",
            severity="warning",
            count=len(named),
            detail="Records called _ko whose questions are in another language: "
            + ", ".join(f"{language} {count}" for language, count in sorted(spoken.items()))
            + f". The column language says what they are in. {_READ}",
            detail_ko="이름은 _ko이지만 질문이 다른 언어인 기록: "
            + ", ".join(f"{language} {count}" for language, count in sorted(spoken.items()))
            + ". 실제 언어는 language 열에 있습니다.",
        )


def _names(survey: Survey) -> Iterator[Finding]:
    """Records that are called otherwise than their picture."""
    other = []
    for talk in survey.reading.talks:
        recorded = talk.row_id.removeprefix(f"{talk.source.removesuffix('.json')}:")
        alone = talk.source in survey.files.records and len(talk.images) == 1
        if alone and PurePosixPath(talk.images[0]).stem != recorded:
            other.append("_aug" in recorded and not talk.augmented)
    if other:
        yield Finding(
            kind="id_is_not_the_images",
            severity="info",
            count=len(other),
            detail=f"Records whose id is not the name of their image; {sum(other)} of these ids "
            f"say that the image is an augmented copy, which it is not. {_READ}",
            detail_ko="id가 그림 이름과 다른 기록입니다. 그 가운데 "
            f"{sum(other)}건은 id에 변형한 사본이라고 적혀 있으나 그렇지 않습니다.",
        )


def _sizes(survey: Survey) -> Iterator[Finding]:
    """Pictures of one size come from one form or one camera."""
    sizes: dict[str, Counter[tuple[int, int]]] = defaultdict(Counter)
    for kind, image in {(t.document_type, image) for t in survey.talks for image in t.images}:
        fact = survey.facts[image]
        sizes[kind][fact.width, fact.height] += 1
    alike = {
        kind: counts
        for kind, counts in sizes.items()
        if len(counts) == 1 and counts.total() >= _MANY
    }
    if alike:
        told = [
            (kind, counts.total(), f"{width}×{height}")
            for kind, counts in sorted(alike.items())
            for width, height in counts
        ]
        english = ", ".join(f"{kind} {count} of {size} pixels" for kind, count, size in told)
        korean = ", ".join(f"{kind} {count}장 {size}화소" for kind, count, size in told)
        yield Finding(
            kind="one_picture_size",
            severity="info",
            count=sum(counts.total() for counts in alike.values()),
            detail=f"Pictures of a kind of document that are all of one size: {english}.",
            detail_ko=f"문서 종류마다 그림 크기가 모두 같습니다: {korean}.",
        )


def _images(survey: Survey, positions: int) -> Iterator[Finding]:
    by_image = Counter(image for talk in survey.talks for image in talk.images)
    shared = {image: count for image, count in by_image.items() if count > 1}
    if shared:
        yield Finding(
            kind="image_shared",
            severity="info",
            count=len(shared),
            detail=f"Images that stand under several items, {sum(shared.values())} rows in all; "
            "these have one document_id.",
            detail_ko=f"여러 항목에 쓰인 그림이며 모두 {sum(shared.values())}행입니다. 이 행들의 "
            "document_id는 하나입니다.",
        )
    if survey.same_bytes:
        named = "; ".join(" = ".join(names) for names in survey.same_bytes[:_NAMED])
        yield Finding(
            kind="same_image_under_several_names",
            severity="info",
            count=len(survey.same_bytes),
            detail=f"Images with the same bytes, e.g. {named}. Their rows have one document_id.",
            detail_ko=f"바이트가 같은 그림(예: {named})이며 그 행들의 document_id는 하나입니다.",
        )
    if survey.near:
        named = "; ".join(" ~ ".join(pair) for pair in survey.near[:_NAMED])
        yield Finding(
            kind="near_same_photos",
            severity="info",
            count=len(survey.near),
            detail=f"Pairs of photos that show the same picture in other bytes, e.g. {named}. "
            "Their rows have one document_id. Forms are not compared: all look alike.",
            detail_ko=f"바이트는 다르지만 같은 사진인 쌍(예: {named})이며 document_id는 "
            "하나입니다. 서식 문서는 모두 비슷해 보여 견주지 않았습니다.",
        )
    if positions:
        yield Finding(
            kind="positions_removed",
            severity="info",
            count=positions,
            detail="Images that told where they were taken; their metadata was taken out. All "
            "others hold the bytes of the source.",
            detail_ko="찍은 위치가 적혀 있어 메타데이터를 지운 그림입니다. 나머지 그림의 "
            "바이트는 원본 그대로입니다.",
        )


def _leaks(leaks: Leaks, rule: SplitRule) -> Iterator[Finding]:
    kept = rule == "source"
    severity: Severity = "stop" if kept else "info"
    fate = (
        "These splits were kept. Build with --splits regroup."
        if kept
        else "The dataset was split anew by person and document, so it does not leak this."
    )
    fate_ko = (
        "이 분할을 그대로 두었습니다. --splits regroup으로 다시 만드십시오."
        if kept
        else "사람과 문서를 기준으로 다시 나누어 이 누출은 없습니다."
    )
    if leaks.patients:
        shares = ", ".join(
            f"{count} of {leaks.of[split]} prescriptions of {split}"
            for split, count in leaks.prescriptions.items()
        )
        shares_ko = ", ".join(
            f"{split} 처방전 {leaks.of[split]}건 가운데 {count}건"
            for split, count in leaks.prescriptions.items()
        )
        yield Finding(
            kind="patients_in_several_splits",
            severity=severity,
            count=leaks.patients,
            detail=f"Patients (name and number) that the source has in several splits: {shares} "
            f"are of patients in train. {_READ} {fate}",
            detail_ko="원본에서 여러 분할에 있는 환자(이름과 번호)입니다: "
            f"{shares_ko}이 train에도 있는 환자의 것입니다. {fate_ko}",
        )
    if leaks.photos or leaks.same_bytes:
        named = "; ".join(" ~ ".join(pair) for pair in leaks.photos[:_NAMED])
        yield Finding(
            kind="pictures_in_several_splits",
            severity=severity,
            count=len(leaks.photos) + leaks.same_bytes,
            detail=f"Pairs of the same picture that the source has in two splits, e.g. {named}. "
            f"{fate}",
            detail_ko=f"원본에서 두 분할에 있는 같은 그림의 쌍(예: {named})입니다. {fate_ko}",
        )
    if leaks.copies:
        shares = ", ".join(f"{split} {count}" for split, count in leaks.copies.items())
        yield Finding(
            kind="augmented_copies_held_out",
            severity="info",
            count=sum(leaks.copies.values()),
            detail=f"Augmented copies that the source has outside train: {shares}. Copies are "
            "rows only where their original is in train; the others are rejects.",
            detail_ko=f"원본에서 train 밖에 있는 변형 사본: {shares}. 사본은 그 원본이 train에 "
            "있을 때만 행이 되고 나머지는 제외했습니다.",
        )


def statistics(survey: Survey, placed: Mapping[str, Sequence[Placed]]) -> dict[str, dict[str, int]]:
    """Rows by what matters to whoever reads the card, and records by file."""
    tables: dict[str, dict[str, int]] = {}
    for split, items in placed.items():
        tables[f"document_type ({split})"] = _count(item.talk.document_type for item in items)
        tables[f"language ({split})"] = _count(item.talk.language for item in items)
    rows = [item.talk for items in placed.values() for item in items]
    qualities = _count(talk.quality for talk in rows if talk.quality)
    if qualities:
        tables["quality"] = qualities
    flags = _count(flag for talk in rows for flag in talk.flags)
    if flags:
        tables["flags"] = flags
    tables["source"] = _count(talk.source for talk in rows)
    return tables


def _count(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _by_file(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{file} {count}" for file, count in sorted(counts.items()))
