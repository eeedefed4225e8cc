"""Create: a sentence on the left, the film in the middle, the takes under it.

A click only stores jobs; closing or reloading the page stops nothing, and the page finds them again.
"""

import gradio as gr

from pipelines.requests import TextToVideo
from studio.studio import Studio
from studio.ui.desk import Desk
from studio.ui.panel import Panel
from studio.ui.post import AGAIN

NAME = "Create"
ACTS = AGAIN  # of what no other tab makes
MAKES = {TextToVideo: "From words"}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built: see `studio.ui.panel`."""
    Panel(desk, NAME, MAKES)
