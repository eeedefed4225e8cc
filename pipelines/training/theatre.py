"""Draws a scene of the toy theatre: layers once per clip, then one cut or warp and one blend per moving layer."""

import copy
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.training.canvas import Canvas, Colour
from pipelines.training.motion import Pose, Stage, View, greatest_zoom, pose, view
from pipelines.training.places import PAINTERS
from pipelines.training.scene import Scene
from pipelines.training.scenery import HOVERING, Layer, Setting
from pipelines.training.sprites import FACING, figure
from pipelines.training.weather import Precipitation, haze, styled

GROUND = 0.80  # of the frame's height, where the figure stands
MIDDLE = 0.45  # of the frame's height, where zooms go to
GRADES: dict[str, Colour] = {"day": (1, 1, 1), "sunset": (1.0, 0.78, 0.66), "night": (0.34, 0.42, 0.68)}
FIGURE_GRADES: dict[str, Colour] = {"day": (1, 1, 1), "sunset": (1.0, 0.86, 0.76), "night": (0.60, 0.66, 0.90)}


@dataclass(frozen=True)
class Sheet:
    """A painted layer: premultiplied colour, what shows through it (None if nothing does), and where it lies."""

    depth: float
    x0: float
    y0: float
    scale: float
    colour: np.ndarray
    through: np.ndarray | None
    first: int = 0  # the row of the canvas at which the colours begin


class Theatre:
    """One scene at one size. `frame(t)` is the picture (H, W, 3) uint8 at `t` seconds of `duration`."""

    def __init__(self, scene: Scene, *, times: list[float], duration: float, size: tuple[int, int]):
        cv2.setNumThreads(1)
        self.scene, self.duration, self.size = scene, max(duration, 1e-3), size
        self.unit = sum(size) / 2
        self._cast()
        self.views = {t: self._view(t) for t in times}
        self.sheets = self._paint()
        self.lit_figure = self._lit_figure()
        self.weather = Precipitation(scene.weather, scene.light, size=size, rng=np.random.default_rng([scene.seed, 3]))

    @classmethod
    def of_clip(cls, scene: Scene, *, times: list[float], size: tuple[int, int]) -> "Theatre":
        """The theatre for a clip with these times, which ends with the last of them."""
        return cls(scene, times=times, duration=times[-1] or 1.0, size=size)

    def _cast(self) -> None:
        """Chooses the figure and what its motion must know."""
        scene, size = self.scene, self.size
        width, height = size
        rng = np.random.default_rng([scene.seed, 1])
        self.variant = int(rng.integers(60))
        self.figure = figure(scene.thing, scene.colour, self.variant)
        self.mirrored = self._mirrored(bool(rng.integers(2)))
        h, w = self.figure.shape[:2]
        tall = rng.uniform(0.42, 0.53) * min(size) / self.unit
        tall = min(tall, tall * h / w)
        self.pixels_a_unit = h / tall
        self.stage = Stage(
            half_width=width / 2 / self.unit,
            top=-GROUND * height / self.unit,
            width=tall * w / h,
            height=tall,
            hover=0.11 * height / self.unit if scene.place in HOVERING else 0.0,
            phase=float(rng.uniform()),
            followed=scene.camera == "follows",
            nearest=greatest_zoom(scene.camera),
        )

    def recast(self, scene: Scene) -> "Theatre":
        """The same theatre with the thing, colour and style of `scene`, which shares all else: the place is kept."""
        other = copy.copy(self)
        other.scene = scene
        other._cast()
        other.lit_figure = other._lit_figure()
        return other

    def _mirrored(self, chance: bool) -> bool:
        looks = FACING.get(self.scene.thing, 0)
        wanted = {"moves left": -1, "moves right": 1}.get(self.scene.action, 1 if chance else -1)
        return looks not in (0, wanted)

    def pose(self, t: float) -> Pose:
        """The figure at `t` seconds."""
        return pose(self.scene.action, t, duration=self.duration, stage=self.stage)

    def _view(self, t: float) -> View:
        return view(self.scene.camera, t, duration=self.duration, figure=self.pose(t), stage=self.stage)

    def _corner(self, look: View, depth: float) -> tuple[float, float, float]:
        """World (x, y) of the frame's upper left corner on a layer, and that layer's zoom."""
        zoom = 1 + (look.zoom - 1) * min(1.0, 0.25 + 0.75 * depth)
        width, height = self.size
        middle = (MIDDLE - GROUND) * height / self.unit
        x = look.x * depth - width / 2 / self.unit / zoom
        y = look.y * depth + middle - MIDDLE * height / self.unit / zoom
        return x, y, zoom

    def _paint(self) -> list[Sheet]:
        rng = np.random.default_rng([self.scene.seed, 2])
        stage = self.stage
        setting = Setting(light=self.scene.light, half_width=stage.half_width, top=stage.top, rng=rng)
        sheets: list[Sheet] = []
        for layer in PAINTERS[self.scene.place](setting):
            sheet = self._sheet(layer)
            if sheets and not self._moving():
                merged = self._lay(sheets[0].colour, sheet, next(iter(self.views.values())))
                sheets = [Sheet(1.0, sheet.x0, sheet.y0, sheet.scale, merged, None)]
            else:
                sheets.append(sheet)
        return sheets

    def _moving(self) -> bool:
        return len(set(self.views.values())) > 1

    def _sheet(self, layer: Layer) -> Sheet:
        corners = np.array([self._corner(look, layer.depth) for look in self.views.values()])
        width, height = self.size
        scale = self.unit * corners[:, 2].max()
        x0, y0 = corners[:, 0].min(), corners[:, 1].min()
        x1 = (corners[:, 0] + width / self.unit / corners[:, 2]).max()
        y1 = (corners[:, 1] + height / self.unit / corners[:, 2]).max()
        pad = 1 if self._moving() else 0
        canvas = Canvas(
            x0, y0, scale, max(width, round((x1 - x0) * scale) + pad), max(height, round((y1 - y0) * scale) + pad)
        )
        layer.paint(canvas)
        gains = (1, 1, 1) if layer.lit else GRADES[self.scene.light]
        canvas.grade(gains, *haze(self.scene.weather, self.scene.light, layer.depth))
        alpha = cv2.extractChannel(canvas.rgba, 3)
        filled = np.flatnonzero(alpha.any(1))
        first = int(filled[0]) if len(filled) else alpha.shape[0] - 1
        last = int(filled[-1]) + 1 if len(filled) else alpha.shape[0]
        colour = cv2.cvtColor(canvas.rgba[first:last], cv2.COLOR_RGBA2RGB)
        opaque = first == 0 and last == alpha.shape[0] and int(alpha.min()) == 255
        through = None if opaque else cv2.bitwise_not(alpha[first:last])
        return Sheet(layer.depth, x0, y0, scale, colour, through, first)

    def _lay(self, frame: np.ndarray, sheet: Sheet, look: View) -> np.ndarray:
        """The frame with the part of a sheet that the camera sees over it."""
        x, y, zoom = self._corner(look, sheet.depth)
        s = sheet.scale / (self.unit * zoom)
        dx, dy = (x - sheet.x0) * sheet.scale, (y - sheet.y0) * sheet.scale
        width, height = self.size
        # Only the rows that the sheet reaches are warped and blended.
        top = min(height - 1, max(0, int((sheet.first - 1 - dy) / s)))
        bottom = max(top + 1, min(height, int((sheet.first + len(sheet.colour) + 1 - dy) / s) + 1))
        shift = dy - sheet.first + top * s
        matrix = np.array([[s, 0, dx + 0.5 * s - 0.5], [0, s, shift + 0.5 * s - 0.5]])
        size = (width, bottom - top)
        colour = _cut(sheet.colour, matrix, size, outside=0 if sheet.through is not None else None)
        if sheet.through is None:
            return colour.copy()  # it may be a window into the sheet, and others draw over it
        through = _cut(sheet.through, matrix, size, outside=255)
        part = frame[top:bottom]
        frame[top:bottom] = cv2.add(
            cv2.multiply(part, cv2.cvtColor(through, cv2.COLOR_GRAY2RGB), scale=1 / 255), colour
        )
        return frame

    def backdrop(self, t: float) -> np.ndarray:
        """The place (H, W, 3) without the figure, its shadow and the weather."""
        if len(self.sheets) == 1 and not self._moving():
            return self.sheets[0].colour.copy()
        frame = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        for sheet in self.sheets:
            frame = self._lay(frame, sheet, self.views[t])
        return frame

    def frame(self, t: float) -> np.ndarray:
        """The finished picture (H, W, 3) uint8 at `t` seconds, which must be one of `times`."""
        picture = self.backdrop(t)
        self._shadow(picture, t)
        self._figure(picture, t)
        return styled(self.weather.draw(picture, t), self.scene.style)

    def covers(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Where the figure is and where its shadow falls, two (H, W) bool."""
        blank = np.full((self.size[1], self.size[0], 3), 255, np.uint8)
        self._shadow(blank, t)
        shadow = blank[..., 0] < 255
        return self._figure(blank, t) > 127, shadow

    def middle(self, t: float) -> tuple[float, float]:
        """The figure's middle in pixels of the frame."""
        h, w = self.figure.shape[:2]
        x, y = self._matrix(t) @ (w / 2, h / 2, 1)
        return float(x), float(y)

    def _to_pixels(self, t: float, x: float, y: float) -> tuple[float, float, float]:
        left, top, zoom = self._corner(self.views[t], 1.0)
        return (x - left) * self.unit * zoom, (y - top) * self.unit * zoom, self.unit * zoom

    def _shadow(self, picture: np.ndarray, t: float) -> None:
        if self.scene.place in HOVERING and self.scene.place != "ocean floor":
            return
        at = self.pose(t)
        lift = max(0.0, -at.y)
        x, y, unit = self._to_pixels(t, at.x, 0.0 + 0.075 * at.depth)
        part = 1 / (1 + 3.5 * lift)
        rx = 0.40 * self.stage.width * at.scale * unit * (0.75 + 0.25 * part)
        ry = max(2.0, 0.16 * rx)
        x0, x1 = max(0, int(x - rx)), min(picture.shape[1], int(x + rx) + 2)
        y0, y1 = max(0, int(y - ry)), min(picture.shape[0], int(y + ry) + 2)
        if x0 >= x1 or y0 >= y1:
            return
        dx = ((np.arange(x0, x1, dtype=np.float32) + 0.5 - x) / rx) ** 2
        dy = ((np.arange(y0, y1, dtype=np.float32) + 0.5 - y) / ry) ** 2
        dark = 1 - 0.55 * part * np.clip(1.15 - dx[None] - dy[:, None], 0, 1) * (dx[None] + dy[:, None] < 1.15)
        cut = picture[y0:y1, x0:x1]
        cut[:] = (cut * dark[..., None]).astype(np.uint8)

    def _matrix(self, t: float) -> np.ndarray:
        """From pixels of the figure to pixels of the frame, (2, 3)."""
        at = self.pose(t)
        h, w = self.figure.shape[:2]
        x, y, unit = self._to_pixels(t, at.x, at.y)
        sy = at.scale * at.stretch * unit / self.pixels_a_unit
        sx = at.scale / at.stretch * unit / self.pixels_a_unit * (-1 if self.mirrored else 1)
        c, s = np.cos(at.turn), np.sin(at.turn)
        linear = np.array([[c * sx, -s * sy], [s * sx, c * sy]])
        centre = np.array([x, y - 0.5 * h * sy])
        return np.concatenate([linear, (centre - linear @ (w / 2, h / 2))[:, None]], 1)

    def _figure(self, picture: np.ndarray, t: float) -> np.ndarray:
        """Draws the figure in place; returns its coverage (H, W) uint8."""
        source = self.lit_figure
        matrix = self._matrix(t)
        step = np.linalg.norm(matrix[:, 1])
        if step < 0.5:
            source = cv2.resize(source, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            matrix = matrix * (2, 2, 1)
        h, w = source.shape[:2]
        corners = np.array([[0, w, 0, w], [0, 0, h, h], [1, 1, 1, 1]])
        x, y = matrix @ corners
        x0, x1 = (int(v) for v in np.clip([x.min() - 1, x.max() + 2], 0, self.size[0]))
        y0, y1 = (int(v) for v in np.clip([y.min() - 1, y.max() + 2], 0, self.size[1]))
        coverage = np.zeros(picture.shape[:2], np.uint8)
        if x0 >= x1 or y0 >= y1:
            return coverage
        matrix = matrix - [[0, 0, x0], [0, 0, y0]]
        drawn = cv2.warpAffine(source, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        coverage[y0:y1, x0:x1] = drawn[..., 3]
        through = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(drawn, 3)), cv2.COLOR_GRAY2RGB)
        behind = cv2.multiply(picture[y0:y1, x0:x1], through, scale=1 / 255)
        picture[y0:y1, x0:x1] = cv2.add(behind, cv2.cvtColor(drawn, cv2.COLOR_RGBA2RGB))
        return coverage

    def _lit_figure(self) -> np.ndarray:
        canvas = Canvas(0, 0, 1, self.figure.shape[1], self.figure.shape[0])
        canvas.rgba = self.figure.copy()
        tone, part = haze(self.scene.weather, self.scene.light, 1.0)
        canvas.grade(FIGURE_GRADES[self.scene.light], tone, 0.5 * part)
        return canvas.rgba


def _cut(picture: np.ndarray, matrix: np.ndarray, size: tuple[int, int], *, outside: int | None) -> np.ndarray:
    """The window of `size` (width, height) that `matrix` maps into the picture, linearly interpolated."""
    width, height = size
    if abs(matrix[0, 0] - 1) < 1e-9:
        (x, fx), (y, fy) = ((int(np.floor(v)), v - np.floor(v)) for v in matrix[:, 2])
        if max(abs(matrix[0, 2]), abs(matrix[1, 2])) < 1e-6 and picture.shape[1::-1] == size:
            return picture
        if x >= 0 and y >= 0 and x + width < picture.shape[1] and y + height < picture.shape[0]:
            cut = picture[y : y + height + 1, x : x + width + 1]
            if fx > 1e-3:
                cut = cv2.addWeighted(cut[:, :-1], 1 - fx, cut[:, 1:], fx, 0)
            if fy > 1e-3:
                cut = cv2.addWeighted(cut[:-1], 1 - fy, cut[1:], fy, 0)
            return cut[:height, :width]
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    value = (outside or 0,) * 3
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=border, borderValue=value)
