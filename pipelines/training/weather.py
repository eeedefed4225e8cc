"""Weather in front of the toy theatre, and the styles: exact filters on finished frames."""

import cv2
import numpy as np

Colour = tuple[float, float, float]

# Weather -> (colour of the air by light, how much of it lies over the farthest and the nearest layer).
AIR: dict[str, tuple[dict[str, Colour], float, float]] = {
    "clear": ({}, 0.0, 0.0),
    "rain": ({"day": (126, 140, 158), "sunset": (164, 122, 122), "night": (34, 42, 68)}, 0.62, 0.22),
    "snow": ({"day": (212, 222, 236), "sunset": (240, 196, 190), "night": (74, 88, 130)}, 0.50, 0.12),
    "fog": ({"day": (220, 226, 230), "sunset": (244, 200, 172), "night": (104, 116, 152)}, 0.74, 0.34),
}


def haze(weather: str, light: str, depth: float) -> tuple[Colour, float]:
    """Colour and amount (0..1) of air over a layer at parallax `depth` 0..1."""
    tones, far, near = AIR[weather]
    return tones.get(light, (0, 0, 0)), far + (near - far) * min(depth, 1.0)


class Precipitation:
    """Rain, snow or fog banks: two wrapping sheets that slide over the frame. `draw` works in place."""

    def __init__(self, weather: str, light: str, *, size: tuple[int, int], rng: np.random.Generator):
        self.weather, self.size = weather, size
        self.unit = (size[0] + size[1]) / 2
        tone = {"rain": (196, 214, 240), "snow": (255, 255, 255), "fog": AIR["fog"][0][light]}.get(weather, (0, 0, 0))
        dim = 0.75 if light == "night" else 1.0
        self.tone = tuple(c * (dim if weather != "fog" else 1.0) for c in tone)
        self.sheets = [self._sheet(rng, near) for near in (False, True)] if weather != "clear" else []

    def _sheet(self, rng: np.random.Generator, near: bool) -> tuple[np.ndarray, np.ndarray]:
        """A doubled tile, so that any wrapped window is a plain cut: (premultiplied colour, what shows through)."""
        width, height = self.size
        alpha = np.zeros((height, width), np.uint8)
        count = {"rain": (16, 12), "snow": (22, 14), "fog": (5, 4)}[self.weather][near]
        spots = rng.uniform(0, 1, (count, 3))
        for x, y, z in spots:
            for ox in (-width, 0, width):
                for oy in (-height, 0, height):
                    self._mark(alpha, (x * width + ox, y * height + oy), z, near)
        if self.weather == "fog":
            small = cv2.resize(alpha, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(small, (0, 0), self.unit * 0.05 / 8, borderType=cv2.BORDER_REFLECT)
            alpha = cv2.resize(small, self.size, interpolation=cv2.INTER_CUBIC)
        alpha = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
        light = cv2.multiply(alpha, (*self.tone, 0), scale=1 / 255)
        return cv2.repeat(light, 2, 2), cv2.repeat(cv2.bitwise_not(alpha), 2, 2)

    def _mark(self, alpha: np.ndarray, at: tuple[float, float], z: float, near: bool) -> None:
        x, y = at
        unit = self.unit
        if not (-unit < x < alpha.shape[1] + unit and -unit < y < alpha.shape[0] + unit):
            return
        if self.weather == "rain":
            length = (0.085 if near else 0.06) * unit
            end = (round((x - 0.22 * length) * 16), round((y + length) * 16))
            width = max(1, round(unit / (85 if near else 128)))
            cv2.line(alpha, (round(x * 16), round(y * 16)), end, 190 if near else 130, width, cv2.LINE_AA, 4)
        elif self.weather == "snow":
            r = (0.012 + 0.005 * z if near else 0.008 + 0.003 * z) * unit
            cv2.circle(alpha, (round(x * 16), round(y * 16)), round(r * 16), 240 if near else 200, -1, cv2.LINE_AA, 4)
        else:
            axes = (round((0.22 + 0.12 * z) * unit), round(0.05 * unit))
            cv2.ellipse(alpha, (round(x), round(y)), axes, 0, 0, 360, 120 if near else 100, -1)

    def draw(self, frame: np.ndarray, t: float) -> np.ndarray:
        """The frame (H, W, 3) at `t` seconds with the weather over it."""
        width, height = self.size
        for near, (light, through) in enumerate(self.sheets):
            speed = 0.8 + 0.25 * near
            if self.weather == "rain":
                dx, dy = -0.22 * 0.9 * speed * t, 0.9 * speed * t
            elif self.weather == "snow":
                dx, dy = 0.03 * np.sin(2.2 * t + near), 0.24 * speed * t
            else:
                dx, dy = (0.10 if near else -0.07) * t, 0.0
            x, y = round(-dx * self.unit) % width, round(-dy * self.unit) % height
            cut = (slice(y, y + height), slice(x, x + width))
            frame = cv2.add(cv2.multiply(frame, through[cut], scale=1 / 255), light[cut])
        return frame


def _watercolour(frame: np.ndarray) -> np.ndarray:
    """Washes of flat, paler colour with darker rims where they dry."""
    small = cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    wash = cv2.resize(cv2.medianBlur(small, 3), frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(wash, (0, 0), 4)
    rim = cv2.subtract(soft, wash)
    light = cv2.addWeighted(wash, 0.74, soft, 0.0, 66)
    return cv2.subtract(light, cv2.addWeighted(rim, 0.5, rim, 0, 0))


def _pencil(frame: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), 2.2)
    lines = cv2.divide(grey, cv2.max(soft, 1), scale=255)
    lines = cv2.LUT(lines, np.clip((np.arange(256) - 150) * 255 / 92, 0, 255).astype(np.uint8))
    tones = cv2.LUT(grey, (148 + 102 * (np.arange(256) / 255) ** 0.7).astype(np.uint8))
    shaded = cv2.multiply(lines, tones, scale=1 / 255)
    return cv2.merge([shaded, cv2.multiply(shaded, 0.99), cv2.multiply(shaded, 0.96)])


def _pixel_art(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    step = max(2, round((width + height) / 2 / 48))
    small = cv2.resize(frame, (width // step, height // step), interpolation=cv2.INTER_AREA)
    table = np.clip((np.arange(256) + 16) // 32 * 36.4, 0, 255).astype(np.uint8)
    return cv2.resize(cv2.LUT(small, table), (width, height), interpolation=cv2.INTER_NEAREST)


def _black_and_white(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


FILTERS = {
    "watercolour": _watercolour,
    "pencil": _pencil,
    "pixel art": _pixel_art,
    "black and white": _black_and_white,
}


def styled(frame: np.ndarray, style: str) -> np.ndarray:
    """The frame (H, W, 3) uint8 in a style of the vocabulary; "toy" is the frame itself."""
    return FILTERS[style](frame) if style in FILTERS else frame
