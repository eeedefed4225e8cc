"""Layers and networks: torch modules only, nothing that reads a file or knows a task."""
