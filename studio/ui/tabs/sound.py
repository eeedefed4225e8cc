"""Sound: for a clip, with or without words, or from words alone."""

import gradio as gr

from pipelines.requests import TextToSound, VideoToSound
from studio.studio import Studio
from studio.ui.desk import Desk
from studio.ui.panel import Panel

NAME = "Sound"
ACTS = ("sound",)
MAKES = {VideoToSound: "For a clip", TextToSound: "From words"}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built: see `studio.ui.panel`."""
    Panel(desk, NAME, MAKES)
