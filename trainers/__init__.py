"""A recipe and a dataset to an adapter, predictions and a run record."""
