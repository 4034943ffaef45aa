"""Drawing made-up Korean medical documents with their ground truth: begin with `writer.py`."""
