"""Edit: a clip changed as a sentence says, or made larger."""

import gradio as gr

from pipelines.requests import EditVideo, Upscale
from studio.studio import Studio
from studio.ui.desk import Desk
from studio.ui.panel import Panel

NAME = "Edit"
ACTS = ("edit", "upscale")
MAKES = {EditVideo: "Change it in words", Upscale: "Make it larger"}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built: see `studio.ui.panel`."""
    Panel(desk, NAME, MAKES)
