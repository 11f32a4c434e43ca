"""Doors: who may ask, in which form, and how the answer looks. Each door calls one verb."""
