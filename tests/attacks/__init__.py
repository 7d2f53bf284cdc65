"""Hostile and careless submissions, and what must become of each: run against our engine and against stock nbgrader.

One file a submission in ``submissions/``. ``pytest tests/attacks`` runs them against our engine,
``python benchmarks/attacks.py`` against both, and writes the table down.
"""
