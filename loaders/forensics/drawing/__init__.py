"""Drawn stand-ins for evidence photos: no picture shows a person, a crime or a drug."""
