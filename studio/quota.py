"""How much one owner may use, beside places in the queue: pixels in one clip, and room on the disk."""

from dataclasses import dataclass

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import Filmed, Request
from pipelines.spec import size_of
from studio.gallery import Gallery


@dataclass(frozen=True, kw_only=True)
class Quota:
    """`megapixel_seconds` in one job (a second of 1280 x 720 is 0.92), `disk_mb` of kept clips; None is no limit."""

    gallery: Gallery
    megapixel_seconds: float | None = None
    disk_mb: float | None = None

    def check(self, request: Request, owner: str) -> None:
        """Raises `BadRequest` ("seconds") for a clip that is too large, `Unavailable` if the owner's disk is full.

        What the owner has deleted makes room first, for good.
        """
        asked = megapixel_seconds(request)
        if self.megapixel_seconds is not None and asked > self.megapixel_seconds:
            raise BadRequest(
                "seconds",
                f"this would be {asked:.1f} megapixel seconds; {self.megapixel_seconds:g} is the most in one clip here",
            )
        if self._full(owner):
            self.gallery.purge(0, owner)
        if self._full(owner):
            raise Unavailable(
                f"your clips take {self.gallery.bytes(owner) / 10**6:.0f} MB, and {self.disk_mb} MB is the most here; "
                "delete some to make room"
            )

    def _full(self, owner: str) -> bool:
        return self.disk_mb is not None and self.gallery.bytes(owner) >= self.disk_mb * 10**6


def megapixel_seconds(request: Request) -> float:
    """How large a clip would be: millions of pixels of a frame times seconds. 0 for what has no length of its own.

    Raises `BadRequest` for a size that the model does not make.
    """
    if not isinstance(request, Filmed):
        return 0.0
    width, height = size_of(catalog.spec(request.model), aspect=request.aspect, resolution=request.resolution)
    return width * height * request.frames / request.fps / 10**6
