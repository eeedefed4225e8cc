"""Measuring: the judge, the suites behind `python -m studio evaluate`, and the bench. Every figure comes with its interval."""
