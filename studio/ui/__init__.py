"""The page: the only place that imports gradio.

Whenever a component's class is made gradio renders a .pyi file beside its source and compares it with what is there,
for the help of editors: 90 classes, two fifths of the time to import it. Here none is rendered.
"""

import inspect
from typing import Any

_file_of = inspect.getfile


def _file_of_no_component(thing: Any) -> str:
    """`inspect.getfile`, but a component has none: the case for which gradio renders nothing."""
    if type(thing).__name__ == "ComponentMeta":
        raise OSError(f"{thing} is a component")
    return _file_of(thing)


inspect.getfile = _file_of_no_component
try:
    from gradio import component_meta
finally:
    inspect.getfile = _file_of
component_meta.create_or_modify_pyi = lambda component_class, class_name, events: None
