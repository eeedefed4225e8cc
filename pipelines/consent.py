"""Whose face it is: no picture of a person becomes a clip before somebody has said by what right.

The statement is a field of the request, so it is in the file and under its signature.
"""

from dataclasses import dataclass, field

from pipelines.errors import BadRequest

STATEMENTS = {
    "own face": "It is my own face.",
    "permission": "The person in the picture has allowed me to use it for this.",
    "fictional": "Nobody real is in the picture.",
}


@dataclass(frozen=True, kw_only=True)
class Consented:
    """What a request adds that takes a face: `class Personalize(Consented, Request)`, in this order.

    There is no default: what is not said is refused with `BadRequest` ("consent"), from the page, the command line
    and the API alike.
    """

    consent: str = field(default="", metadata={"label": "By what right", "choices": tuple(STATEMENTS)})

    def __post_init__(self) -> None:
        if not isinstance(self.consent, str) or self.consent not in STATEMENTS:
            said = "; ".join(f'"{name}": {sentence}' for name, sentence in STATEMENTS.items())
            raise BadRequest("consent", f"is missing: say by what right this face is used ({said})")
        super().__post_init__()
