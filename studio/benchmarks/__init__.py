"""Accidents and crowds, measured: `python -m studio.benchmarks NAME`. Every module with a `measure` is one NAME."""
