"""Open weights of the Hugging Face Hub through diffusers: the only package that works with it."""
