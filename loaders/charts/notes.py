"""What the card of a ChartQA dataset says besides its numbers."""

from __future__ import annotations

from cards.records import Note

TITLE = Note(ko="차트 질의응답(ChartQA)", en="ChartQA: questions about charts")
DESCRIPTION = Note(
    ko=(
        "차트 그림 한 장과 그에 대한 질문, 짧은 답입니다. 사람이 쓴 질문(human)과 차트 설명에서 "
        "기계가 만든 질문(machine)이 있습니다. 분할은 원본의 것을 그대로 두었고 그림의 바이트는 "
        "바꾸지 않았습니다. 출처: Masry 외(2022), ChartQA, ACL Findings."
    ),
    en=(
        "A row is one chart, one question about it and its short answer. Questions were written by "
        "people (human) or generated from summaries of the charts (machine). The splits are the "
        "source's own, and the bytes of the charts are untouched. Source: Masry et al. (2022), "
        "ChartQA, Findings of ACL."
    ),
)
MADE_UP_DESCRIPTION = Note(
    ko=(
        "프로그램이 무작위 수로 그린 차트 한 장과 그에 대한 질문, 짧은 답입니다. ChartQA의 "
        "형식이지만 ChartQA의 차트는 없습니다. human은 두 값을 견주거나 더하는 질문, machine은 "
        "값 하나를 읽는 질문입니다."
    ),
    en=(
        "A row is one chart that a program drew from random numbers, one question about it and "
        "its short answer. The format is ChartQA's, the charts are not. Questions marked human "
        "compare values or add them up, those marked machine read one value."
    ),
)
COLUMNS = {
    "document_id": Note(
        ko="갈라놓지 않는 묶음: 같은 차트의 행",
        en="group never split apart: rows of the same chart",
    ),
    "question": Note(ko="질문", en="the question"),
    "labels": Note(
        ko="맞는 답 모두; 첫째가 messages의 답",
        en="all right answers; the first is the answer in messages",
    ),
    "human_or_machine": Note(
        ko="질문을 쓴 쪽: human(사람) 또는 machine(기계)",
        en="who wrote the question: human or machine",
    ),
    "file_name": Note(ko="원본의 그림 파일 이름", en="the chart's file name in the source"),
    "width": Note(ko="너비(화소)", en="width in pixels"),
    "height": Note(ko="높이(화소)", en="height in pixels"),
    "sha256": Note(ko="그림 바이트의 SHA-256", en="SHA-256 of the chart's bytes"),
}
MADE_UP_COLUMNS = {
    "human_or_machine": Note(
        ko="질문의 꼴: human(셈) 또는 machine(값 읽기)",
        en="style of the question: human (compare or add up) or machine (read one value)",
    ),
}
LIMITS = (
    Note(
        ko=(
            "ChartQA는 GPL-3.0으로 공개되었지만 차트 그림의 저작권은 그것을 낸 곳(Statista, Pew "
            "Research Center, Our World in Data, OECD 등)에 있습니다."
        ),
        en=(
            "ChartQA was given out under GPL-3.0, but the copyright in the charts themselves stays "
            "with their publishers (Statista, Pew Research Center, Our World in Data, OECD)."
        ),
    ),
    Note(
        ko=(
            "기계가 만든 질문은 설명문에서 나온 것이라 차트에 없는 사정을 전제하기도 하며, 답의 "
            "단위는 적혀 있지 않습니다."
        ),
        en=(
            "Machine questions come from summaries and may assume what the chart does not show; "
            "answers do not state their unit."
        ),
    ),
)
MADE_UP_LIMITS = (
    Note(
        ko="차트의 수와 이름은 지어낸 것입니다. 실제 차트보다 작고 단순합니다.",
        en="Numbers and names on the charts are made up. Real charts are larger and less regular.",
    ),
)
SYSTEM_MESSAGE = (
    "You read charts. Answer the question from the chart in the image, with a number, a word or a "
    "short phrase and nothing else."
)
ANNOTATION = Note(
    ko=(
        "human 질문과 답은 사람이 차트를 보고 썼고, machine 질문은 차트 설명문에서 언어 모델이 "
        "만들었습니다(Masry 외 2022). 여기서 더하거나 고친 것은 없습니다."
    ),
    en=(
        "Human questions and answers were written by people who saw the chart; machine questions "
        "were generated from summaries by a language model (Masry et al. 2022). Nothing was added "
        "or corrected here."
    ),
)
