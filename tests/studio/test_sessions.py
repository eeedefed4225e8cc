"""Sessions of the page that begin as copies."""

from pathlib import Path

import gradio as gr
from gradio.state_holder import SessionState

from studio.settings import Settings
from studio.studio import Studio
from studio.ui.app import build
from studio.ui.sessions import Sessions


def test_a_session_begins_as_gradio_begins_it(tmp_path: Path):
    studio = Studio.open(Settings(data=tmp_path))
    page = build(studio)
    sessions = Sessions()
    sessions.set_blocks(page)
    begun, theirs = sessions["one"], SessionState(page)
    assert begun.config_values == theirs.config_values and begun.state_data == theirs.state_data
    assert begun.blocks_config.blocks == theirs.blocks_config.blocks and len(begun.config_values) > 100
    assert vars(begun).keys() == vars(theirs).keys(), "a new gradio keeps something else; look at sessions._begun"
    studio.close()


def test_what_one_session_changes_no_other_sees():
    with gr.Blocks() as page:
        kept, box = gr.State([]), gr.Textbox("first")
    sessions = Sessions()
    sessions.set_blocks(page)
    one, other = sessions["one"], sessions["other"]
    one[kept._id].append("mine")
    one._update_value_in_config(box._id, "changed")
    one[box._id] = gr.Textbox("another", render=False)
    for session in (other, sessions["later"]):
        assert session[kept._id] == []
        assert session[box._id] is box
        assert session.config_values[box._id]["props"]["value"] == "first"
