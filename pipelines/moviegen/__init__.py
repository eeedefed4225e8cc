"""Our own models, after Movie Gen (arXiv 2410.13720). They know no jobs, no files and no Gradio."""
