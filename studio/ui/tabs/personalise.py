"""Personalise: the face or the thing of a picture in a new clip, once somebody has said by what right."""

import gradio as gr

from pipelines.requests import Personalize
from studio.studio import Studio
from studio.ui.desk import Desk
from studio.ui.panel import Panel

NAME = "Personalise"
ACTS = ("personalize",)
MAKES = {Personalize: "With a face"}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built: see `studio.ui.panel`."""
    Panel(desk, NAME, MAKES)
