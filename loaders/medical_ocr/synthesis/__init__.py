"""Drawing made-up Korean medical documents with their ground truth."""

from loaders.medical_ocr.synthesis.writer import make_document, write_documents

__all__ = ["make_document", "write_documents"]
