"""How the page looks: warm greys, one amber accent, system fonts; nothing is fetched from elsewhere."""

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SHEETS = ("studio.css", "clips.css", "studies.css")  # of the studio; others in that folder belong to pages of their own
INK = colors.Color(
    name="ink",
    c50="#f6f5f3",
    c100="#eeece8",
    c200="#dfdcd6",
    c300="#c1bdb5",
    c400="#938f87",
    c500="#6d6a64",
    c600="#504e4a",
    c700="#383735",
    c800="#272726",
    c900="#1b1b1a",
    c950="#121211",
)
LAMP = colors.Color(
    name="lamp",
    c50="#fff6e9",
    c100="#ffe9c9",
    c200="#ffd596",
    c300="#ffbd5e",
    c400="#f9a63a",
    c500="#e08a1e",
    c600="#b96c12",
    c700="#8f5210",
    c800="#6b3f12",
    c900="#4b2d10",
    c950="#2c1a09",
)
SANS = ("Instrument Sans", "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


class Studio(gr.themes.Base):
    """Light and dark from the same two hues."""

    def __init__(self) -> None:
        super().__init__(
            primary_hue=LAMP,
            secondary_hue=LAMP,
            neutral_hue=INK,
            radius_size=sizes.radius_lg,
            spacing_size=sizes.spacing_md,
            font=SANS,
            font_mono=MONO,
        )
        self.name = "rushes"
        super().set(**_surfaces(), **_controls())


def head() -> str:
    """The page's style sheet. It goes into the head because launch(css=) would prefix every rule."""
    return f"<style>{''.join((ASSETS / 'css' / name).read_text(encoding='utf-8') for name in SHEETS)}</style>"


def script() -> str:
    """The page's keys: a JavaScript function that runs once."""
    return (ASSETS / "ui" / "page.js").read_text(encoding="utf-8").partition("*/")[2].strip()


def _surfaces() -> dict[str, str]:
    return {
        "body_background_fill": "*neutral_50",
        "body_background_fill_dark": "*neutral_950",
        "body_text_color_subdued": "*neutral_500",
        "body_text_color_subdued_dark": "*neutral_300",
        "background_fill_primary_dark": "*neutral_900",
        "background_fill_secondary_dark": "*neutral_900",
        "border_color_primary": "*neutral_200",
        "border_color_primary_dark": "*neutral_800",
        "block_background_fill": "white",
        "block_background_fill_dark": "*neutral_900",
        "block_border_width": "0px",
        "block_shadow": "none",
        "block_title_text_color": "*neutral_700",
        "block_title_text_color_dark": "*neutral_200",
        "block_title_text_weight": "600",
        "block_title_text_size": "*text_sm",
        "block_info_text_color": "*neutral_500",
        "block_info_text_color_dark": "*neutral_300",
        "layout_gap": "14px",
        "color_accent": "*primary_600",  # 3:1 on every ground of the light theme, as outlines have to be
    }


def _controls() -> dict[str, str]:
    return {
        "input_background_fill": "*neutral_100",
        "input_background_fill_dark": "*neutral_800",
        "input_border_width": "1px",
        "input_border_color": "transparent",
        "input_border_color_dark": "transparent",
        "input_border_color_focus": "*primary_500",
        "input_border_color_focus_dark": "*primary_400",
        "input_placeholder_color": "*neutral_500",
        "input_placeholder_color_dark": "*neutral_400",
        "checkbox_label_background_fill": "*neutral_100",
        "checkbox_label_background_fill_dark": "*neutral_800",
        "checkbox_label_background_fill_selected": "*primary_100",
        "checkbox_label_background_fill_selected_dark": "*primary_900",
        "checkbox_label_border_width": "0px",
        "checkbox_border_color_dark": "*neutral_500",
        "checkbox_background_color_dark": "*neutral_900",
        "button_primary_background_fill": "*neutral_900",
        "button_primary_background_fill_hover": "*neutral_700",
        "button_primary_text_color": "white",
        "button_primary_border_color": "transparent",
        "button_primary_border_color_dark": "transparent",
        "button_primary_background_fill_dark": "*primary_400",
        "button_primary_background_fill_hover_dark": "*primary_300",
        "button_primary_text_color_dark": "*neutral_950",
        "button_secondary_background_fill": "*neutral_200",
        "button_secondary_background_fill_dark": "*neutral_800",
        "button_large_radius": "12px",
    }
