"""The calls of the Hub's API, one module a subject; the rules themselves are a floor below."""
