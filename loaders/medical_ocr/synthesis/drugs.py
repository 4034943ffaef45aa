"""Drugs and how they are taken. Names are generic: ingredient, form, strength."""

from __future__ import annotations

from typing import NamedTuple

AFTER_MEALS = "식후 30분"
BEFORE_MEALS = "식전 30분"
MORNING = "아침 식후"
EVENING = "저녁 식후"
BEDTIME = "취침 전"
WHEN_NEEDED = "필요 시"
TWICE = "아침, 저녁 식후"
APPLY = "환부에 바름"
INTO_EYES = "양안 점안"
INTO_NOSE = "양쪽 콧속 분무"
INHALE = "흡입 후 입안 헹굼"
ATTACH = "아픈 곳에 부착"
EMPTY_STOMACH = "공복"
UNDER_SKIN = "피하 주사"


class Drug(NamedTuple):
    """`amounts` carry the unit that fits the form; tuples hold what a doctor may choose from."""

    name: str
    amounts: tuple[str, ...]
    times: tuple[int, ...]
    directions: tuple[str, ...]


def _tablet(
    name: str, times: tuple[int, ...], *how: str, amounts: tuple[str, ...] = ("1정",)
) -> Drug:
    return Drug(name, amounts, times, how or (AFTER_MEALS,))


def _capsule(name: str, times: tuple[int, ...], *how: str) -> Drug:
    return Drug(name, ("1캡슐",), times, how or (AFTER_MEALS,))


def _syrup(name: str, *amounts: str) -> Drug:
    return Drug(name, amounts, (2, 3), (AFTER_MEALS,))


# Pain, fever, airways
ACETAMINOPHEN = _tablet(
    "아세트아미노펜정 500mg", (3,), AFTER_MEALS, WHEN_NEEDED, amounts=("1정", "2정")
)
ACETAMINOPHEN_ER = _tablet(
    "아세트아미노펜서방정 650mg", (2, 3), AFTER_MEALS, amounts=("1정", "2정")
)
IBUPROFEN = _tablet("이부프로펜정 400mg", (3,))
LOXOPROFEN = _tablet("록소프로펜나트륨정 60mg", (3,))
ACECLOFENAC = _tablet("아세클로페낙정 100mg", (2,), TWICE)
CELECOXIB = _capsule("세레콕시브캡슐 200mg", (1, 2))
MELOXICAM = _capsule("멜록시캄캡슐 7.5mg", (1,))
TRAMADOL = _tablet("트라마돌염산염·아세트아미노펜정", (2, 3))
EPERISONE = _tablet("에페리손염산염정 50mg", (3,))
TIZANIDINE = _tablet("티자니딘정 2mg", (3,))
AMOXICILLIN = _capsule("아목시실린캡슐 500mg", (3,))
AMOXICLAV = _tablet("아목시실린·클라불란산칼륨정 625mg", (2, 3))
CEFACLOR = _capsule("세파클러캡슐 250mg", (3,))
CLARITHROMYCIN = _tablet("클래리트로마이신정 500mg", (2,), TWICE)
LEVOFLOXACIN = _tablet("레보플록사신정 500mg", (1,), MORNING)
ERDOSTEINE = _capsule("에르도스테인캡슐 300mg", (2, 3))
ACETYLCYSTEINE = _capsule("아세틸시스테인캡슐 200mg", (3,))
CODEINE_MIX = _syrup("디히드로코데인 복합시럽", "20mL", "15mL")
IVY_SYRUP = _syrup("아이비엽 추출물 시럽", "5mL", "7.5mL")
PSEUDOEPHEDRINE = _tablet("슈도에페드린염산염정 60mg", (3,))
LEVOCETIRIZINE = _tablet("레보세티리진염산염정 5mg", (1,), BEDTIME, EVENING)
FEXOFENADINE = _tablet("펙소페나딘염산염정 120mg", (1,), MORNING)
CHLORPHENIRAMINE = _tablet("클로르페니라민말레산염정 2mg", (3,))
MONTELUKAST = _tablet("몬테루카스트나트륨정 10mg", (1,), BEDTIME)
MOMETASONE_SPRAY = Drug("모메타손푸로에이트 나잘스프레이", ("2회분무",), (1,), (INTO_NOSE,))
BUDESONIDE_INHALER = Drug(
    "부데소니드·포르모테롤 흡입제 160/4.5", ("1회분무", "2회분무"), (2,), (INHALE,)
)
SALBUTAMOL_INHALER = Drug("살부타몰 흡입제 100mcg", ("1회분무", "2회분무"), (3, 4), (WHEN_NEEDED,))
# Children
ACETAMINOPHEN_SYRUP = _syrup("아세트아미노펜 현탁액", "5mL", "7mL", "8mL")
IBUPROFEN_SYRUP = _syrup("이부프로펜 시럽", "5mL", "6mL")
AMOXICLAV_SYRUP = _syrup("아목시실린·클라불란산칼륨 건조시럽", "4mL", "6mL")
CEFDINIR_POWDER = Drug("세프디니르 세립 50mg", ("1포",), (3,), (AFTER_MEALS,))
MONTELUKAST_CHEWABLE = _tablet("몬테루카스트나트륨츄정 5mg", (1,), BEDTIME)
CETIRIZINE_SYRUP = _syrup("세티리진염산염 시럽", "2.5mL", "5mL")
PROBIOTIC = Drug("사카로미세스보울라디 산 250mg", ("1포",), (2,), (AFTER_MEALS,))
# Stomach and bowel
ESOMEPRAZOLE = _tablet("에스오메프라졸정 20mg", (1,), BEFORE_MEALS, EMPTY_STOMACH)
RABEPRAZOLE = _tablet("라베프라졸나트륨정 10mg", (1,), BEFORE_MEALS)
FAMOTIDINE = _tablet("파모티딘정 20mg", (2,), TWICE)
REBAMIPIDE = _tablet("레바미피드정 100mg", (3,))
MOSAPRIDE = _tablet("모사프리드시트르산염정 5mg", (3,), BEFORE_MEALS)
ITOPRIDE = _tablet("이토프리드염산염정 50mg", (3,), BEFORE_MEALS)
ALGINATE = Drug("알긴산나트륨 현탁액", ("1포",), (3,), (AFTER_MEALS,))
SMECTITE = Drug("디옥타헤드랄스멕타이트 현탁액", ("1포",), (3,), (EMPTY_STOMACH,))
TIROPRAMIDE = _tablet("티로프라미드염산염정 100mg", (2, 3))
TRIMEBUTINE = _tablet("트리메부틴말레산염정 100mg", (3,), BEFORE_MEALS)
MAGNESIUM_OXIDE = _tablet("산화마그네슘정 500mg", (2, 3), amounts=("1정", "2정"))
LACTULOSE = Drug("락툴로오스 시럽", ("15mL", "20mL"), (1, 2), (MORNING,))
# Heart, metabolism
AMLODIPINE = _tablet("암로디핀베실산염정 5mg", (1,), MORNING, amounts=("1정", "0.5정"))
LOSARTAN = _tablet("로사르탄칼륨정 50mg", (1,), MORNING)
TELMISARTAN = _tablet("텔미사르탄정 40mg", (1,), MORNING)
BISOPROLOL = _tablet("비소프로롤푸마르산염정 2.5mg", (1,), MORNING, amounts=("1정", "0.5정"))
HYDROCHLOROTHIAZIDE = _tablet("히드로클로로티아지드정 25mg", (1,), MORNING, amounts=("0.5정",))
ATORVASTATIN = _tablet("아토르바스타틴칼슘정 20mg", (1,), EVENING)
ROSUVASTATIN = _tablet("로수바스타틴칼슘정 10mg", (1,), EVENING)
EZETIMIBE = _tablet("에제티미브정 10mg", (1,), EVENING)
OMEGA3 = _capsule("오메가-3-산 에틸에스테르90 연질캡슐", (1, 2))
METFORMIN = _tablet("메트포르민염산염정 500mg", (2, 3), AFTER_MEALS, amounts=("1정", "2정"))
GLIMEPIRIDE = _tablet("글리메피리드정 2mg", (1,), BEFORE_MEALS, amounts=("1정", "0.5정"))
SITAGLIPTIN = _tablet("시타글립틴인산염정 100mg", (1,), MORNING)
EMPAGLIFLOZIN = _tablet("엠파글리플로진정 10mg", (1,), MORNING)
INSULIN = Drug(
    "인슐린글라진 프리필드펜 100단위/mL", ("10단위", "14단위", "18단위"), (1,), (UNDER_SKIN,)
)
ASPIRIN = _tablet("아스피린장용정 100mg", (1,), MORNING)
LEVOTHYROXINE = _tablet("레보티록신나트륨정 50mcg", (1,), EMPTY_STOMACH, amounts=("1정", "1.5정"))
FEBUXOSTAT = _tablet("페북소스타트정 40mg", (1,), MORNING)
COLCHICINE = _tablet("콜키신정 0.6mg", (1, 2))
IRON = _tablet("건조황산제일철 서방정 256mg", (1,), EMPTY_STOMACH)
RALOXIFENE = _tablet("라록시펜염산염정 60mg", (1,), MORNING)
CALCIUM_D = _tablet("탄산칼슘·콜레칼시페롤정", (1, 2))
# Skin, eyes, urine, nerves
HYDROCORTISONE_CREAM = Drug("히드로코르티손 크림 1%", ("1g", "2g"), (2,), (APPLY,))
METHYLPRED_CREAM = Drug("메틸프레드니솔론아세포네이트 크림 0.1%", ("1g",), (1, 2), (APPLY,))
MUPIROCIN = Drug("무피로신 연고 2%", ("1g",), (2, 3), (APPLY,))
TERBINAFINE_CREAM = Drug("테르비나핀염산염 크림 1%", ("1g", "2g"), (1, 2), (APPLY,))
TERBINAFINE = _tablet("테르비나핀염산염정 250mg", (1,), MORNING)
BEPOTASTINE = _tablet("베포타스틴베실산염정 10mg", (2,), TWICE)
PREDNISOLONE = _tablet("프레드니솔론정 5mg", (1, 2), AFTER_MEALS, amounts=("1정", "2정"))
OLOPATADINE = Drug("올로파타딘염산염 점안액 0.1%", ("1방울",), (2,), (INTO_EYES,))
HYALURONATE = Drug("히알루론산나트륨 점안액 0.15%", ("1방울",), (4, 5, 6), (INTO_EYES,))
MOXIFLOXACIN_EYE = Drug("목시플록사신염산염 점안액 0.5%", ("1방울",), (3, 4), (INTO_EYES,))
FLUOROMETHOLONE = Drug("플루오로메톨론 점안액 0.1%", ("1방울",), (2, 3, 4), (INTO_EYES,))
CIPROFLOXACIN = _tablet("시프로플록사신염산염정 500mg", (2,), TWICE)
FOSFOMYCIN = Drug("포스포마이신트로메타몰 산 3g", ("1포",), (1,), (BEDTIME,))
TAMSULOSIN = _capsule("탐스로신염산염 서방캡슐 0.2mg", (1,), EVENING)
FINASTERIDE = _tablet("피나스테리드정 5mg", (1,), MORNING)
SOLIFENACIN = _tablet("솔리페나신숙신산염정 5mg", (1,), MORNING)
SUMATRIPTAN = _tablet("수마트립탄숙신산염정 50mg", (1,), WHEN_NEEDED)
PROPRANOLOL = _tablet("프로프라놀롤염산염정 10mg", (2,), TWICE)
TOPIRAMATE = _tablet("토피라메이트정 25mg", (1, 2), BEDTIME)
BETAHISTINE = _tablet("베타히스틴염산염정 12mg", (3,))
ZOLPIDEM = _tablet("졸피뎀타르타르산염정 5mg", (1,), BEDTIME)
ESCITALOPRAM = _tablet("에스시탈로프람옥살산염정 10mg", (1,), MORNING, amounts=("1정", "0.5정"))
ALPRAZOLAM = _tablet("알프라졸람정 0.25mg", (1, 2), BEDTIME, WHEN_NEEDED)
PREGABALIN = _capsule("프레가발린캡슐 75mg", (2,), TWICE)
KETOPROFEN_PATCH = Drug("케토프로펜 플라스타 30mg", ("1매",), (1,), (ATTACH,))
DICLOFENAC_GEL = Drug("디클로페낙디에틸암모늄 겔 1%", ("2g",), (3,), (APPLY,))

DIRECTION_TIMES = {MORNING: 1, EVENING: 1, BEDTIME: 1, TWICE: 2}
"""Directions that fix how often a day a drug is taken."""

ALTERNATIVES = tuple(
    frozenset(drug.name for drug in group)
    for group in (
        (IBUPROFEN, LOXOPROFEN, ACECLOFENAC, CELECOXIB, MELOXICAM),
        (ACETAMINOPHEN, ACETAMINOPHEN_ER, TRAMADOL),
        (AMOXICILLIN, AMOXICLAV, CEFACLOR, CLARITHROMYCIN, LEVOFLOXACIN, CIPROFLOXACIN, FOSFOMYCIN),
        (AMOXICLAV_SYRUP, CEFDINIR_POWDER),
        (ESOMEPRAZOLE, RABEPRAZOLE, FAMOTIDINE),
        (MOSAPRIDE, ITOPRIDE),
        (LOSARTAN, TELMISARTAN),
        (ATORVASTATIN, ROSUVASTATIN),
        (LEVOCETIRIZINE, FEXOFENADINE, CHLORPHENIRAMINE, BEPOTASTINE),
        (METHYLPRED_CREAM, HYDROCORTISONE_CREAM),
        (CODEINE_MIX, IVY_SYRUP),
        (ZOLPIDEM, ALPRAZOLAM),
    )
)
"""Drugs of one kind: a prescription holds at most one of each group."""
