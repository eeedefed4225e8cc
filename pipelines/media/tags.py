"""The request inside the file: as a comment for people's tools, and as XMP, which survives where comments are blanked.

MP4: udta comment (ffmpeg writes it) and an XMP `uuid` box; PNG: iTXt; WAV: INFO and ID3. Nothing here trusts a length
that it reads.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # the uuid of XMP in ISO media: XMP specification, part 3
PNG = b"\x89PNG\r\n\x1a\n"
KEY = "rushes"
LONGEST = 1 << 20  # of one piece of text
MOST_PIECES = 4_096  # boxes or chunks that are looked at
# IPTC's word for what a trained model has made; sites that label pictures look for it.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:rushes="urn:rushes:1:" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
<rushes:request>{text}</rushes:request></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def write(path: Path, text: str) -> None:
    """Puts `text` (JSON) into a whole .mp4, .png or .wav, by its suffix. An mp4's comment is the encoder's to write."""
    {".mp4": _write_mp4, ".png": _write_png, ".wav": _write_wav}[path.suffix.lower()](path, text)


def read(path: Path) -> str | None:
    """The text that `write` left in a film, still or sound; None where there is none. Never raises for odd content."""
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(PNG):
            return _read_png(file)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _read_wav(file)
        return _read_mp4(file, path.stat().st_size)


def _packet(text: str) -> bytes:
    return PACKET.format(source=SOURCE_TYPE, text=html.escape(text)).encode()


def _unpacked(packet: bytes) -> str | None:
    """The request in an XMP packet. No XML parser: a packet of a stranger may be an XML bomb."""
    found = re.search(rb"<rushes:request>([^<]*)</rushes:request>", packet)
    return html.unescape(found[1].decode(errors="replace")) if found else None


def _write_mp4(path: Path, text: str) -> None:
    content = XMP_BOX + _packet(text)
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(content), b"uuid") + content)


def _read_mp4(file: BinaryIO, size: int) -> str | None:
    """From the XMP box, or else from the comment."""
    place, comment = 0, None
    for _ in range(MOST_PIECES):
        file.seek(place)
        head = file.read(32)
        if len(head) < 8:
            return comment
        length, kind = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) >= 16:
            length = int.from_bytes(head[8:16])
        if kind == b"uuid" and head[8:24] == XMP_BOX:
            file.seek(place + 24)
            return _unpacked(file.read(min(length - 24, LONGEST)) if length > 24 else b"") or comment
        if not 8 <= length <= size - place:
            return comment
        if kind == b"moov":
            comment = _comment(file, place, length)
        place += length
    return comment


def _comment(file: BinaryIO, place: int, length: int) -> str | None:
    """udta/meta/ilst is the last that ffmpeg writes into moov: the comment is an atom \xa9cmt that holds a `data`."""
    file.seek(place + max(0, length - LONGEST))
    found = re.search(rb"\xa9cmt(.{4})data\x00\x00\x00\x01.{4}", ending := file.read(min(length, LONGEST)), re.DOTALL)
    if not found:
        return None
    return ending[found.end() : found.start() + 4 + int.from_bytes(found[1])].decode(errors="replace")


def _write_png(path: Path, text: str) -> None:
    content = path.read_bytes()
    header = len(PNG) + 25  # IHDR has 13 bytes of data, and must be first
    pieces = (_itxt(KEY, text.encode()), _itxt("XML:com.adobe.xmp", _packet(text)))
    path.write_bytes(content[:header] + b"".join(pieces) + content[header:])


def _itxt(key: str, text: bytes) -> bytes:
    data = b"iTXt" + key.encode() + b"\0\0\0\0\0" + text
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def _read_png(file: BinaryIO) -> str | None:
    packet = None
    for kind, data in _pieces(file, start=len(PNG), order=">I4s", after=4, wanted=(b"iTXt",)):
        key, _, rest = data.partition(b"\0")
        if kind == b"iTXt" and rest[:1] == b"\0":  # not compressed: ours never is
            text = rest[2:].split(b"\0", 2)[-1]
            if key == KEY.encode():
                return text.decode(errors="replace")
            packet = packet or (_unpacked(text) if key == b"XML:com.adobe.xmp" else None)
    return packet


def _write_wav(path: Path, text: str) -> None:
    comment = text.encode() + b"\0"
    info = b"INFO" + _chunk(b"ICMT", comment) + _chunk(b"ISFT", b"Rushes\0")
    frame = b"\x03" + KEY.encode() + b"\0" + text.encode()  # 3: UTF-8
    frame = b"TXXX" + _synchsafe(len(frame)) + b"\0\0" + frame
    id3 = b"ID3\x04\0\0" + _synchsafe(len(frame)) + frame
    with path.open("r+b") as file:
        file.seek(0, 2)
        file.write(_chunk(b"LIST", info) + _chunk(b"id3 ", id3))
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)


def _synchsafe(number: int) -> bytes:
    """28 bits in four bytes whose first bits are 0: the sizes of ID3v2.4, section 6.2."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def _read_wav(file: BinaryIO) -> str | None:
    for kind, data in _pieces(file, start=12, order="<4sI", after=0, wanted=(b"LIST", b"id3 ")):
        found = (
            re.search(rb"ICMT.{4}([^\0]*)", data, re.DOTALL)
            if kind == b"LIST"
            else re.search(rb"TXXX.{6}\x03" + KEY.encode() + rb"\0([^\0]*)", data, re.DOTALL)
        )
        if found:
            return found[1].decode(errors="replace")
    return None


def _pieces(
    file: BinaryIO, *, start: int, order: str, after: int, wanted: tuple[bytes, ...]
) -> Iterator[tuple[bytes, bytes]]:
    """The wanted chunks of a PNG or WAV. `after`: bytes behind each (PNG's checksum); WAV's chunks are even."""
    place = start
    for _ in range(MOST_PIECES):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        first, second = struct.unpack(order, head)
        kind, length = (first, second) if isinstance(first, bytes) else (second, first)
        if kind in wanted and length <= LONGEST:
            yield kind, file.read(length)
        place += 8 + length + (after or length % 2)
