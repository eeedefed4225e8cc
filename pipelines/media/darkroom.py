"""The program that opens a stranger's picture, in the cage: `python darkroom.py FORMAT SIDE PIXELS < picture > raw`.

Out come one line "WIDTH HEIGHT" and RGB bytes: turned upright, and with nothing else of the file. With FORMAT alone
the texts of its metadata come out instead, as JSON.
"""

import io
import json
import sys
import warnings
from collections.abc import Iterator

from PIL import ExifTags, Image, ImageOps

TOO_LARGE = 3  # the exit status that says so


def main() -> None:
    warnings.simplefilter("ignore")
    kind, *limits = sys.argv[1:]
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=(kind,))
    if not limits:
        texts = {key: text for key, text in picture.info.items() if isinstance(text, str)} | dict(exif(picture))
        print(json.dumps(texts))
        return
    side, pixels = map(int, limits)
    if max(picture.size) > side or picture.width * picture.height > pixels:
        sys.exit(TOO_LARGE)
    picture = rgb(ImageOps.exif_transpose(picture))
    sys.stdout.buffer.write(b"%d %d\n" % picture.size + picture.tobytes())


def rgb(picture: Image.Image) -> Image.Image:
    """Any picture as RGB, on white where it was transparent."""
    if picture.mode.startswith("I"):  # 16 bits; convert alone would cut them off at 255
        picture = picture.point(lambda value: value / 257).convert("L")
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
    return picture.convert("RGB")


def exif(picture: Image.Image) -> Iterator[tuple[str, str]]:
    """A1111 writes its text as the user's comment, ComfyUI "prompt:{...}" as the make or model of the camera."""
    found = picture.getexif()
    for tag in (ExifTags.Base.Make, ExifTags.Base.Model):
        key, _, text = str(found.get(tag, "")).partition(":")
        yield key, text
    comment = found.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment, b"")
    if isinstance(comment, bytes) and comment:
        encoding = "utf-16-be" if comment.startswith(b"UNICODE\0") else "utf-8"
        yield "parameters", comment[8:].decode(encoding, errors="replace")


if __name__ == "__main__":
    main()
