"""Raw files to typed rows; nothing is dropped without a reject."""

from collections.abc import Mapping
from types import MappingProxyType

DATASETS: Mapping[str, str] = MappingProxyType(
    {
        "chartqa": "loaders.chartqa:ChartQA",
        "drug-forensics": "loaders.drug_forensics:DrugForensics",
        "medical-ocr": "loaders.medical_ocr.builder:MedicalOCR",
        "medical-qa": "loaders.medical_qa:MedicalQA",
    }
)
"""{name on the command line: `module:BuilderClass`}. Builders are imported only when used."""
