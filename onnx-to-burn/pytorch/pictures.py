"""Draws small pictures in every format that CFace reads, and decodes them with Pillow.

    python pictures.py FOLDER [--check]

Writes the pictures to FOLDER/pictures, and FOLDER/pictures.txt with a line for each:

    FILE TOLERANCE PIXELS

PIXELS are those of the picture as RGB of 160x160 pixels, at every eleventh column and row from the
sixth on, row by row, in hexadecimal. Pillow turns the picture upright by its EXIF orientation and
stretches it with its antialiased bilinear filter. Transparent parts are drawn over mid-grey, which
the page's crops have beyond the picture's edge. 16 bits a channel are rounded to 8. TOLERANCE is
how much a value may differ: decoders of lossy formats have some freedom.

--check writes nothing, and fails when FOLDER/pictures.txt is not what would be written. It decodes
the pictures in FOLDER and draws none, because encoders differ between versions of their libraries.
"""

import argparse
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageOps

SIDE = 160
GRID = range(5, SIDE, 11)
GREY = 128
ORIENTATION = 0x0112

# How much values from 0 to 255 may differ: by rounding; by another decoder; by a decoder that also
# enlarges the subsampled colours of a JPEG with another filter, which shows where saturated colours
# meet.
EXACT = 1
LOSSY = 2
SUBSAMPLED = 16


def drawing(width: int, height: int) -> Image.Image:
    """A picture without symmetry, with soft and hard edges and saturated colours."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    pixels = np.stack([255 * x / width, 255 * y / height, 255 - 255 * x * y / (width * height)], 2)
    picture = Image.fromarray(pixels.round().astype(np.uint8), "RGB")
    draw = ImageDraw.Draw(picture)
    w, h = width, height
    draw.ellipse((0.25 * w, 0.1 * h, 0.7 * w, 0.85 * h), fill=(224, 172, 140))
    draw.ellipse((0.33 * w, 0.3 * h, 0.43 * w, 0.4 * h), fill=(20, 40, 90))
    draw.rectangle((0.52 * w, 0.32 * h, 0.62 * w, 0.38 * h), fill=(10, 110, 30))
    draw.polygon([(0.4 * w, 0.6 * h), (0.6 * w, 0.65 * h), (0.45 * w, 0.75 * h)], fill=(200, 0, 30))
    draw.line((0.75 * w, 0, w, 0.9 * h), fill=(255, 255, 255), width=max(1, width // 60))
    return picture


def alpha(width: int, height: int) -> Image.Image:
    """An alpha channel from opaque at the left to transparent at the right, with a hole."""
    ramp = np.tile(np.linspace(255, 0, width).round().astype(np.uint8), (height, 1))
    picture = Image.fromarray(ramp, "L")
    ImageDraw.Draw(picture).rectangle((5, 5, width // 4, height // 4), fill=0)
    return picture


def with_alpha(width: int, height: int) -> Image.Image:
    """The drawing with an alpha channel."""
    picture = drawing(width, height).convert("RGBA")
    picture.putalpha(alpha(width, height))
    return picture


def encoded(picture: Image.Image, image_format: str, **options) -> bytes:
    """The picture as a file of Pillow's format of that name."""
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def deep(picture: Image.Image) -> np.ndarray:
    """The values with 16 bits a channel. The lower 8 decide how they are rounded to 8."""
    values = np.asarray(picture).astype(np.uint32)
    rows = np.arange(values.shape[0], dtype=np.uint32).reshape(-1, *[1] * (values.ndim - 1))
    return np.minimum(values * 257 + rows % 128, 65535).astype(np.uint16)


def deep_png(values: np.ndarray, colour: int) -> bytes:
    """A PNG with 16 bits a channel of a colour type. Pillow writes only grey ones."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = values.shape[:2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(lines, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def turned(orientation: int) -> Image.Exif:
    """EXIF data with an orientation from 1 to 8."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def pictures() -> dict[str, tuple[int, bytes]]:
    """The tolerance and the bytes of every picture, by the name of its file."""
    rgb, grey = drawing(200, 150), drawing(200, 150).convert("L")
    clear = with_alpha(200, 150)
    palette = rgb.quantize(40)
    keyed = {"transparency": palette.getpixel((100, 75))}
    two = Image.merge("LA", (grey, alpha(200, 150)))
    few = two.crop((90, 60, 150, 105))
    found = {
        "crop.png": (0, encoded(drawing(160, 160), "PNG")),
        "rgb.png": (EXACT, encoded(rgb, "PNG")),
        "small.png": (EXACT, encoded(drawing(61, 47), "PNG")),
        "narrow.png": (EXACT, encoded(drawing(33, 331), "PNG")),
        "wide.png": (EXACT, encoded(drawing(411, 37), "PNG")),
        "grey.png": (EXACT, encoded(grey, "PNG")),
        "grey-alpha.png": (EXACT, encoded(two, "PNG")),
        "black-white.png": (EXACT, encoded(grey.convert("1"), "PNG")),
        "palette.png": (EXACT, encoded(palette, "PNG")),
        "palette-4-bits.png": (EXACT, encoded(rgb.quantize(13), "PNG", bits=4)),
        "palette-alpha.png": (EXACT, encoded(palette, "PNG", **keyed)),
        "alpha.png": (EXACT, encoded(clear, "PNG")),
        "colour-key.png": (EXACT, encoded(rgb, "PNG", transparency=(224, 172, 140))),
        "grey-16.png": (EXACT, deep_png(deep(few.getchannel("L")), 0)),
        "grey-alpha-16.png": (EXACT, deep_png(deep(few), 4)),
        "rgb-16.png": (EXACT, deep_png(deep(drawing(60, 45)), 2)),
        "alpha-16.png": (EXACT, deep_png(deep(with_alpha(60, 45)), 6)),
        "turned.png": (EXACT, encoded(rgb, "PNG", exif=turned(6))),
        "rgb.jpg": (LOSSY, encoded(rgb, "JPEG", quality=90, subsampling=0)),
        "halved.jpg": (SUBSAMPLED, encoded(rgb, "JPEG", quality=90, subsampling=1)),
        "quartered.jpg": (SUBSAMPLED, encoded(rgb, "JPEG", quality=90, subsampling=2)),
        "odd.jpg": (SUBSAMPLED, encoded(drawing(173, 121), "JPEG", quality=90)),
        "progressive.jpg": (SUBSAMPLED, encoded(rgb, "JPEG", quality=90, progressive=True)),
        "grey.jpg": (LOSSY, encoded(grey, "JPEG", quality=90)),
        "cmyk.jpg": (LOSSY, encoded(rgb.convert("CMYK"), "JPEG", quality=90)),
        "lossless.webp": (EXACT, encoded(rgb, "WEBP", lossless=True)),
        "lossy.webp": (LOSSY, encoded(rgb, "WEBP", quality=90)),
        "alpha-lossless.webp": (EXACT, encoded(clear, "WEBP", lossless=True, exact=True)),
        "alpha-lossy.webp": (LOSSY, encoded(clear, "WEBP", quality=90)),
        "turned.webp": (LOSSY, encoded(rgb, "WEBP", quality=90, exif=turned(8))),
    }
    for orientation in range(1, 9):
        data = encoded(drawing(120, 80), "JPEG", quality=90, exif=turned(orientation))
        found[f"orientation-{orientation}.jpg"] = (SUBSAMPLED, data)
    return found


def shallow(data: bytes, picture: Image.Image) -> Image.Image:
    """The picture with 8 bits a channel, rounded from 16. Pillow would cut them off, or clip."""
    if data[:4] != b"\x89PNG" or data[24] != 16:
        return picture
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[data[25]]
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    width, height = picture.size
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)[:, 1:]
    values = lines.copy().view(">u2").reshape(height, width, channels)
    eight = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    return Image.merge(mode, [Image.fromarray(eight[:, :, c], "L") for c in range(channels)])


def pixels(data: bytes) -> str:
    """PIXELS of a picture file."""
    picture = Image.open(io.BytesIO(data))
    picture = shallow(data, ImageOps.exif_transpose(picture))
    if picture.has_transparency_data:
        over = Image.new("RGBA", picture.size, (GREY, GREY, GREY, 255))
        picture = Image.alpha_composite(over, picture.convert("RGBA"))
    picture = picture.convert("RGB")
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(picture)[GRID][:, GRID].tobytes().hex()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    found = pictures()
    folder, table = arguments.folder / "pictures", arguments.folder / "pictures.txt"
    if arguments.check:
        found = {name: (found[name][0], (folder / name).read_bytes()) for name in found}
    lines = [f"{name} {tolerance} {pixels(data)}\n" for name, (tolerance, data) in found.items()]
    if not arguments.check:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (_, data) in found.items():
            (folder / name).write_bytes(data)
        table.write_text("".join(lines))
    elif table.read_text() != "".join(lines):
        sys.exit(f"{table} is stale: run `cargo xtask generate`")


if __name__ == "__main__":
    main()
