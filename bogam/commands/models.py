"""`bogam convert-base` and `bogam merge`: model folders made from other models."""
