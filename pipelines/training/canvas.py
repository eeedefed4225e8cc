"""A small painter for the layers of the theatre: smooth shapes on premultiplied RGBA, in world units, at any scale."""

from dataclasses import dataclass, field

import cv2
import numpy as np

Colour = tuple[float, float, float]
_SHIFT = 4  # fractional bits of cv2's coordinates


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """`a` with `part` (0..1) of `b`."""
    return tuple(x + (y - x) * part for x, y in zip(a, b, strict=True))


@dataclass
class Canvas:
    """A picture of the world rectangle whose corner is (x0, y0), at `scale` pixels a unit."""

    x0: float
    y0: float
    scale: float
    width: int
    height: int
    rgba: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.rgba = np.zeros((self.height, self.width, 4), np.uint8)

    def _points(self, points: np.ndarray) -> np.ndarray:
        pixels = (np.asarray(points, np.float64) - (self.x0, self.y0)) * self.scale - 0.5
        return np.round(np.clip(pixels, -4000, 8000) * (1 << _SHIFT)).astype(np.int32)

    def _meets(self, low: np.ndarray | tuple, high: np.ndarray | tuple) -> bool:
        """Whether a box (two corners, world units) touches the canvas."""
        right, bottom = self.x0 + self.width / self.scale, self.y0 + self.height / self.scale
        return low[0] < right and low[1] < bottom and high[0] > self.x0 and high[1] > self.y0

    def polygon(self, points: np.ndarray | list, colour: Colour) -> None:
        """A filled polygon with soft edges; points (N, 2) in world units."""
        points = np.asarray(points, np.float64)
        if not self._meets(points.min(0), points.max(0)):
            return
        cv2.fillPoly(self.rgba, [self._points(points)], (*colour, 255), cv2.LINE_AA, _SHIFT)

    def ellipse(self, x: float, y: float, radii: tuple[float, float], colour: Colour) -> None:
        """A filled ellipse."""
        if not self._meets((x - radii[0], y - radii[1]), (x + radii[0], y + radii[1])):
            return
        rx, ry = (max(1, round(r * self.scale * (1 << _SHIFT))) for r in radii)
        centre = self._points(np.array([[x, y]]))[0]
        cv2.ellipse(
            self.rgba, tuple(int(c) for c in centre), (rx, ry), 0, 0, 360, (*colour, 255), -1, cv2.LINE_AA, _SHIFT
        )

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self.ellipse(x, y, (radius, radius), colour)

    def rectangle(self, x: float, y: float, size: tuple[float, float], colour: Colour) -> None:
        """A rectangle from its upper left corner."""
        w, h = size
        self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour)

    def rounded(self, x: float, y: float, size: tuple[float, float], colour: Colour) -> None:
        """A rectangle with its upper corners rounded."""
        w, h = size
        r = min(w, h) * 0.28
        turn = np.linspace(0, np.pi / 2, 6)
        left = np.stack([x + r - r * np.cos(turn), y + r - r * np.sin(turn)], 1)
        right = np.stack([x + w - r + r * np.sin(turn), y + r - r * np.cos(turn)], 1)
        self.polygon(np.concatenate([left, right, [(x + w, y + h), (x, y + h)]]), colour)

    def rows(self, stops: list[tuple[float, Colour]]) -> np.ndarray:
        """Colours (height, 3) interpolated between (y, colour) stops."""
        y = (np.arange(self.height) + 0.5) / self.scale + self.y0
        at = [stop[0] for stop in stops]
        return np.stack([np.interp(y, at, [stop[1][c] for stop in stops]) for c in range(3)], 1)

    def fill(self, stops: list[tuple[float, Colour]]) -> None:
        """Covers everything with a vertical gradient."""
        self.rgba[..., :3] = self.rows(stops).astype(np.uint8)[:, None]
        self.rgba[..., 3] = 255

    def shade(self, stops: list[tuple[float, Colour]]) -> None:
        """Multiplies by a vertical gradient of gains 0..1."""
        gains = np.full((self.height, 4), 255.0)
        gains[:, :3] = self.rows(stops) * 255
        gains = np.broadcast_to(gains.clip(0, 255).astype(np.uint8)[:, None], self.rgba.shape)
        self.rgba = cv2.multiply(self.rgba, np.ascontiguousarray(gains), scale=1 / 255)

    def glow(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Adds a soft light, where the layer is opaque."""
        cx, cy, r = (x - self.x0) * self.scale, (y - self.y0) * self.scale, radius * self.scale
        left, right = max(0, int(cx - r)), min(self.width, int(cx + r) + 1)
        top, bottom = max(0, int(cy - r)), min(self.height, int(cy + r) + 1)
        if left >= right or top >= bottom:
            return
        dx = ((np.arange(left, right, dtype=np.float32) + 0.5 - cx) / r) ** 2
        dy = ((np.arange(top, bottom, dtype=np.float32) + 0.5 - cy) / r) ** 2
        falloff = np.clip(1 - dx[None] - dy[:, None], 0, 1) ** 2
        part = self.rgba[top:bottom, left:right]
        light = falloff[..., None] * np.array(colour, np.float32) * (part[..., 3:] > 0)
        part[..., :3] = cv2.add(np.ascontiguousarray(part[..., :3]), light.astype(np.uint8))

    def grade(self, gains: Colour, air: Colour, part: float) -> None:
        """Multiplies each colour by a gain, then mixes in `part` (0..1) of the air's colour; edges stay."""
        if gains == (1, 1, 1) and part == 0:
            return
        matrix = np.diag([*(gain * (1 - part) for gain in gains), 1.0])
        matrix[:3, 3] = np.array(air) * part / 255
        self.rgba = cv2.transform(self.rgba, matrix)
