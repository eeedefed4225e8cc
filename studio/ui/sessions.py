"""What gradio keeps of each session, begun as a copy: it describes every component of the page anew for each.

That is done on the event loop, and every call of the public API without a session is a new one.
"""

from copy import copy

import gradio as gr
from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder


class Sessions(StateHolder):
    """gradio's holder of sessions; only how one begins differs."""

    def set_blocks(self, blocks: Blocks) -> None:
        """Takes the finished page, of which all sessions are."""
        super().set_blocks(blocks)
        self._fresh = SessionState(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = _begun(self._fresh)
        return super().__getitem__(session_id)


def _begun(fresh: SessionState) -> SessionState:
    """gradio replaces what a session holds of a component, or sets the value among its props; the rest is shared."""
    session = copy(fresh)
    session.blocks_config = copy(fresh.blocks_config)
    session.config_values = {key: {**each, "props": {**each["props"]}} for key, each in fresh.config_values.items()}
    session.state_data, session._state_ttl = {}, {}
    return session


def hold(page: gr.Blocks) -> None:
    """Lets the sessions of a page that has been launched begin so; those that are there already stay."""
    sessions, before = Sessions(), page.app.state_holder
    sessions.set_blocks(page)
    sessions.session_data, sessions.time_last_used = before.session_data, before.time_last_used
    page.app.state_holder = sessions
