"""The program that opens a stranger's picture: `python darkroom.py FORMAT SIDE PIXELS < picture > raw`.

It runs in the cage. Out come one line "WIDTH HEIGHT" and RGB bytes: turned upright, and with nothing else of the file.
"""

import io
import sys
import warnings

from PIL import Image, ImageOps

TOO_LARGE = 3  # the exit status that says so


def main() -> None:
    kind, side, pixels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    warnings.simplefilter("ignore")
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=(kind,))
    if max(picture.size) > side or picture.width * picture.height > pixels:
        sys.exit(TOO_LARGE)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits; convert alone would cut them off at 255
        picture = picture.point(lambda value: value / 257).convert("L")
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    picture = picture.convert("RGB")
    sys.stdout.buffer.write(b"%d %d\n" % picture.size + picture.tobytes())


if __name__ == "__main__":
    main()
