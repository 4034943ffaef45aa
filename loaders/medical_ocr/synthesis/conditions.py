"""Conditions and the drugs that treat them.

Codes are of the Korean classification of diseases (KCD-8, Statistics Korea). The pools keep
documents plausible; they are no advice on treatment.
"""

from __future__ import annotations

from dataclasses import dataclass

from loaders.medical_ocr.synthesis import drugs
from loaders.medical_ocr.synthesis.drugs import Drug
from loaders.medical_ocr.synthesis.people import Sex


@dataclass(frozen=True)
class Condition:
    """`days` are usual lengths of treatment; `ages` are in years, both ends included."""

    code: str
    department: str
    drugs: tuple[Drug, ...]
    days: tuple[int, ...]
    ages: tuple[int, int] = (15, 120)
    sex: Sex | None = None


_INTERNAL, _ENT, _ORTHO = "내과", "이비인후과", "정형외과"
_SKIN, _EYES, _URINE = "피부과", "안과", "비뇨의학과"
_NERVES, _MIND, _CHILD = "신경과", "정신건강의학과", "소아청소년과"

_COLD = (
    drugs.ACETAMINOPHEN,
    drugs.LOXOPROFEN,
    drugs.PSEUDOEPHEDRINE,
    drugs.CHLORPHENIRAMINE,
    drugs.ERDOSTEINE,
    drugs.CODEINE_MIX,
)
_BRONCHI = (
    drugs.ACETAMINOPHEN_ER,
    drugs.ERDOSTEINE,
    drugs.ACETYLCYSTEINE,
    drugs.CODEINE_MIX,
    drugs.CLARITHROMYCIN,
    drugs.IVY_SYRUP,
)
_SINUS = (
    drugs.AMOXICLAV,
    drugs.PSEUDOEPHEDRINE,
    drugs.ERDOSTEINE,
    drugs.LEVOCETIRIZINE,
    drugs.MOMETASONE_SPRAY,
)
_STOMACH = (
    drugs.ESOMEPRAZOLE,
    drugs.RABEPRAZOLE,
    drugs.REBAMIPIDE,
    drugs.MOSAPRIDE,
    drugs.ALGINATE,
    drugs.FAMOTIDINE,
)
_PRESSURE = (
    drugs.AMLODIPINE,
    drugs.LOSARTAN,
    drugs.TELMISARTAN,
    drugs.BISOPROLOL,
    drugs.HYDROCHLOROTHIAZIDE,
    drugs.ASPIRIN,
)
_SUGAR = (drugs.METFORMIN, drugs.GLIMEPIRIDE, drugs.SITAGLIPTIN, drugs.EMPAGLIFLOZIN, drugs.INSULIN)
_BACK = (
    drugs.ACECLOFENAC,
    drugs.CELECOXIB,
    drugs.EPERISONE,
    drugs.TRAMADOL,
    drugs.REBAMIPIDE,
    drugs.KETOPROFEN_PATCH,
    drugs.TIZANIDINE,
)
_ECZEMA = (
    drugs.METHYLPRED_CREAM,
    drugs.HYDROCORTISONE_CREAM,
    drugs.BEPOTASTINE,
    drugs.LEVOCETIRIZINE,
    drugs.PREDNISOLONE,
)
_CHILD_COLD = (
    drugs.ACETAMINOPHEN_SYRUP,
    drugs.IBUPROFEN_SYRUP,
    drugs.IVY_SYRUP,
    drugs.CETIRIZINE_SYRUP,
    drugs.CEFDINIR_POWDER,
)

_SHORT, _WEEK, _MONTHS = (3, 4, 5), (5, 7, 10), (28, 30, 60, 90)

CONDITIONS = (
    Condition("J00", _INTERNAL, _COLD, _SHORT),
    Condition("J06.9", _INTERNAL, (*_COLD, drugs.AMOXICILLIN), _SHORT),
    Condition("J20.9", _INTERNAL, _BRONCHI, _SHORT),
    Condition(
        "J45.9",
        _INTERNAL,
        (drugs.BUDESONIDE_INHALER, drugs.SALBUTAMOL_INHALER, drugs.MONTELUKAST),
        (28, 30),
    ),
    Condition(
        "A09.9",
        _INTERNAL,
        (
            drugs.SMECTITE,
            drugs.TIROPRAMIDE,
            drugs.ACETAMINOPHEN,
            drugs.PROBIOTIC,
            drugs.TRIMEBUTINE,
        ),
        _SHORT,
    ),
    Condition("K21.0", _INTERNAL, _STOMACH, (14, 28, 30)),
    Condition("K29.7", _INTERNAL, (*_STOMACH, drugs.ITOPRIDE), (7, 14)),
    Condition("K59.0", _INTERNAL, (drugs.MAGNESIUM_OXIDE, drugs.LACTULOSE), (7, 14, 28)),
    Condition("K58.9", _INTERNAL, (drugs.TRIMEBUTINE, drugs.TIROPRAMIDE, drugs.PROBIOTIC), (7, 14)),
    Condition("I10.9", _INTERNAL, _PRESSURE, _MONTHS, (35, 120)),
    Condition("E11.9", _INTERNAL, _SUGAR, _MONTHS, (35, 120)),
    Condition(
        "E78.5",
        _INTERNAL,
        (drugs.ATORVASTATIN, drugs.ROSUVASTATIN, drugs.EZETIMIBE, drugs.OMEGA3),
        _MONTHS,
        (30, 120),
    ),
    Condition("E03.9", _INTERNAL, (drugs.LEVOTHYROXINE,), _MONTHS, (20, 120)),
    Condition(
        "M10.9",
        _INTERNAL,
        (drugs.FEBUXOSTAT, drugs.COLCHICINE, drugs.MELOXICAM),
        (7, 14, 30),
        (30, 120),
        "male",
    ),
    Condition(
        "D50.9", _INTERNAL, (drugs.IRON, drugs.MAGNESIUM_OXIDE), (30, 60), (15, 60), "female"
    ),
    Condition("J01.9", _ENT, _SINUS, _WEEK),
    Condition(
        "J02.9",
        _ENT,
        (
            drugs.AMOXICILLIN,
            drugs.CEFACLOR,
            drugs.IBUPROFEN,
            drugs.ACETAMINOPHEN_ER,
            drugs.REBAMIPIDE,
        ),
        _SHORT,
    ),
    Condition(
        "J03.9", _ENT, (drugs.AMOXICLAV, drugs.CEFACLOR, drugs.LOXOPROFEN, drugs.REBAMIPIDE), _WEEK
    ),
    Condition(
        "J30.4",
        _ENT,
        (drugs.LEVOCETIRIZINE, drugs.FEXOFENADINE, drugs.MONTELUKAST, drugs.MOMETASONE_SPRAY),
        (7, 14, 30),
    ),
    Condition(
        "H66.9",
        _ENT,
        (drugs.AMOXICLAV, drugs.LEVOFLOXACIN, drugs.ACETAMINOPHEN, drugs.ERDOSTEINE),
        _WEEK,
    ),
    Condition("H81.1", _ENT, (drugs.BETAHISTINE, drugs.PREDNISOLONE), _WEEK, (25, 120)),
    Condition("M54.5", _ORTHO, _BACK, (5, 7, 14)),
    Condition(
        "M17.9",
        _ORTHO,
        (drugs.CELECOXIB, drugs.MELOXICAM, drugs.TRAMADOL, drugs.RABEPRAZOLE, drugs.DICLOFENAC_GEL),
        (14, 28, 30),
        (50, 120),
    ),
    Condition("M75.0", _ORTHO, _BACK, (7, 14), (35, 120)),
    Condition(
        "S93.4",
        _ORTHO,
        (
            drugs.ACECLOFENAC,
            drugs.LOXOPROFEN,
            drugs.EPERISONE,
            drugs.REBAMIPIDE,
            drugs.KETOPROFEN_PATCH,
        ),
        _SHORT,
    ),
    Condition(
        "M81.9", _ORTHO, (drugs.RALOXIFENE, drugs.CALCIUM_D), (30, 60, 90), (55, 120), "female"
    ),
    Condition("L20.9", _SKIN, _ECZEMA, (7, 14)),
    Condition("L23.9", _SKIN, _ECZEMA, (3, 5, 7)),
    Condition(
        "L50.9",
        _SKIN,
        (drugs.BEPOTASTINE, drugs.FEXOFENADINE, drugs.LEVOCETIRIZINE, drugs.PREDNISOLONE),
        _SHORT,
    ),
    Condition(
        "B35.3", _SKIN, (drugs.TERBINAFINE_CREAM, drugs.TERBINAFINE, drugs.BEPOTASTINE), (14, 28)
    ),
    Condition("L01.0", _SKIN, (drugs.MUPIROCIN, drugs.CEFACLOR, drugs.BEPOTASTINE), _WEEK),
    Condition(
        "H10.1", _EYES, (drugs.OLOPATADINE, drugs.FLUOROMETHOLONE, drugs.HYALURONATE), (7, 14)
    ),
    Condition(
        "H10.9", _EYES, (drugs.MOXIFLOXACIN_EYE, drugs.FLUOROMETHOLONE, drugs.LEVOFLOXACIN), _WEEK
    ),
    Condition("H04.1", _EYES, (drugs.HYALURONATE, drugs.FLUOROMETHOLONE), (28, 30)),
    Condition(
        "N30.0",
        _URINE,
        (drugs.CIPROFLOXACIN, drugs.FOSFOMYCIN, drugs.ACETAMINOPHEN_ER, drugs.SOLIFENACIN),
        _SHORT,
        (15, 120),
        "female",
    ),
    Condition(
        "N40",
        _URINE,
        (drugs.TAMSULOSIN, drugs.FINASTERIDE, drugs.SOLIFENACIN),
        _MONTHS,
        (45, 120),
        "male",
    ),
    Condition(
        "G43.9",
        _NERVES,
        (drugs.SUMATRIPTAN, drugs.PROPRANOLOL, drugs.TOPIRAMATE, drugs.ACETAMINOPHEN_ER),
        (7, 14, 28),
    ),
    Condition("R42", _NERVES, (drugs.BETAHISTINE, drugs.ASPIRIN), _WEEK, (25, 120)),
    Condition("G62.9", _NERVES, (drugs.PREGABALIN, drugs.TRAMADOL), (14, 28, 30), (35, 120)),
    Condition("G47.0", _MIND, (drugs.ZOLPIDEM, drugs.ALPRAZOLAM), (7, 14, 28), (20, 120)),
    Condition(
        "F32.9", _MIND, (drugs.ESCITALOPRAM, drugs.ALPRAZOLAM, drugs.ZOLPIDEM), (14, 28), (19, 120)
    ),
    Condition(
        "F41.9",
        _MIND,
        (drugs.ESCITALOPRAM, drugs.ALPRAZOLAM, drugs.PROPRANOLOL),
        (14, 28),
        (19, 120),
    ),
    Condition("J00", _CHILD, _CHILD_COLD, _SHORT, (1, 14)),
    Condition("J20.9", _CHILD, (*_CHILD_COLD, drugs.MONTELUKAST_CHEWABLE), _SHORT, (6, 14)),
    Condition(
        "H66.9",
        _CHILD,
        (drugs.AMOXICLAV_SYRUP, drugs.ACETAMINOPHEN_SYRUP, drugs.PROBIOTIC),
        _WEEK,
        (1, 14),
    ),
    Condition(
        "A09.9",
        _CHILD,
        (drugs.PROBIOTIC, drugs.SMECTITE, drugs.ACETAMINOPHEN_SYRUP),
        (3, 4),
        (1, 14),
    ),
    Condition(
        "J30.4", _CHILD, (drugs.CETIRIZINE_SYRUP, drugs.MONTELUKAST_CHEWABLE), (7, 14), (6, 14)
    ),
)
