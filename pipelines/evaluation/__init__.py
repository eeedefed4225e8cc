"""Measuring: the judge, the suites behind `python -m studio evaluate`, and the bench."""
