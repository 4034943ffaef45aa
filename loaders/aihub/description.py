"""What the card of the medical QA dataset says besides its numbers."""

from __future__ import annotations

from cards.records import Note

TITLE = Note(ko="AI Hub 헬스케어 질의응답", en="AI Hub healthcare QA")
DESCRIPTION = Note(
    ko=(
        "AI Hub '초거대AI 사전학습용 헬스케어 질의응답 데이터' 형식의 질문 파일과 답변 파일을 "
        "짝지어 만든 한 번씩 묻고 답하는 대화입니다. 답변은 도입, 본문, 맺음을 이어 붙인 것입니다."
    ),
    en=(
        "Single-turn conversations, made by pairing question files with answer files of the "
        "format of AI Hub's healthcare QA data for pre-training. An answer is its introduction, "
        "body and conclusion, joined."
    ),
)
MADE_UP_DESCRIPTION = Note(
    ko=(
        "프로그램이 지어낸 질문과 답변을 AI Hub 헬스케어 질의응답과 같은 형식으로 만들어 짝지은 "
        "것입니다. AI Hub의 자료는 한 건도 없으며 의학 정보가 아닙니다."
    ),
    en=(
        "Questions and answers that a program made up in the format of AI Hub's healthcare QA "
        "data, and pairs of them made by the same rules as for AI Hub's own. None of AI Hub's is "
        "among them, and none is medical information."
    ),
)
COLUMNS = {
    "document_id": Note(
        ko="갈라놓지 않는 묶음: 거의 같은 질문이나 같은 답변의 행",
        en="group never split apart: rows of nearly the same question or of the same answer",
    ),
    "instruction": Note(ko="질문", en="the question"),
    "output": Note(ko="답변", en="the answer"),
    "disease_category": Note(ko="질병 분류", en="category of the disease"),
    "disease": Note(ko="질병 이름", en="name of the disease"),
    "intention": Note(ko="질문 의도", en="what the question is about"),
    "department": Note(ko="답변에 적힌 진료과", en="medical departments named in the answer file"),
    "question_id": Note(ko="질문 파일의 번호", en="id of the question file"),
    "answer_id": Note(ko="답변 파일의 번호", en="id of the answer file"),
    "pairing": Note(
        ko="짝지은 규칙: topic(주제) 또는 number(번호)",
        en="how the pair was made: by topic or by number",
    ),
}
LIMITS = (
    Note(
        ko=(
            "pairing이 topic인 답변은 같은 주제의 답변이지 그 질문에 맞춰 쓴 답변이 아닙니다. "
            "질문의 세부 조건(나이, 복용 약, 경과)에 답하지 않을 수 있습니다."
        ),
        en=(
            "Where pairing is topic, the answer fits the topic of the question but was not written "
            "for it; it may not address details such as age, drugs taken or course."
        ),
    ),
    Note(
        ko="한 답변이 여러 질문에 쓰일 수 있으며, 그런 행은 모두 한 분할에 있습니다.",
        en="An answer may serve several questions; all such rows stand in one split.",
    ),
)
ANNOTATION = Note(
    ko=(
        "질문과 답변은 AI Hub가 낸 그대로이고 사람이 새로 쓰거나 고치지 않았습니다. 둘을 "
        "짝지은 것은 이 빌더입니다(pairing 열)."
    ),
    en=(
        "Questions and answers are AI Hub's own, neither written nor corrected here. Which answer "
        "belongs to which question was decided by this builder (column `pairing`)."
    ),
)
MADE_UP_ANNOTATION = Note(
    ko="질문과 답변은 프로그램이 지어냈습니다. 둘을 짝지은 것은 이 빌더입니다(pairing 열).",
    en=(
        "A program made up the questions and the answers. Which answer belongs to which question "
        "was decided by this builder (column `pairing`)."
    ),
)
