"""Training: the toy theatre, the recipes and their data. Each recipe runs as `python -m pipelines.training.<name>`."""
