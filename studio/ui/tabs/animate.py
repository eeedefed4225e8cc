"""Animate: a picture begins to move, and maybe ends in another; a clip goes on from its last frame."""

import gradio as gr

from pipelines.requests import ImageToVideo
from studio.studio import Studio
from studio.ui.desk import Desk
from studio.ui.panel import Panel

NAME = "Animate"
ACTS = ("extend",)
MAKES = {ImageToVideo: "From a picture"}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built: see `studio.ui.panel`."""
    Panel(desk, NAME, MAKES)
