#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""picture.py IN.ppm OUT.png: make a PNG, and check that it shows the camera's colour bars."""

import struct
import sys
import zlib

# The hues of vivid's bars from left to right; how bright they are is the pattern's choice.
BARS = ("white", "yellow", "cyan", "green", "magenta", "red", "blue", "black")


def read_ppm(path):
    data = open(path, "rb").read()
    fields, at = [], 0
    while len(fields) < 4:
        end = at
        while not data[end : end + 1].isspace():
            end += 1
        if not data[at:end].startswith(b"#"):
            fields.append(data[at:end])
            at = end + 1
        else:
            at = data.index(b"\n", at) + 1
    if fields[0] != b"P6" or fields[3] != b"255":
        sys.exit(f"{path} is not a binary PPM with 8 bits a colour")
    width, height = int(fields[1]), int(fields[2])
    pixels = data[at:]
    if len(pixels) < width * height * 3:
        sys.exit(f"{path} is cut off")
    return width, height, pixels


def write_png(path, width, height, pixels):
    rows = b"".join(b"\0" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        out.write(chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b""))


def hue(rgb):
    high, low = max(rgb), min(rgb)
    if high < 64:
        return "black"
    if low > 144:
        return "white"
    bits = tuple(value > (high + low) / 2 for value in rgb)
    return {(1, 1, 0): "yellow", (0, 1, 1): "cyan", (0, 1, 0): "green",
            (1, 0, 1): "magenta", (1, 0, 0): "red", (0, 0, 1): "blue"}.get(bits, "grey")  # fmt: skip


def bars(width, height, pixels):
    """The hue in the middle of each bar, low in the picture where no text stands."""
    y = height * 4 // 5
    at = [(y * width + (2 * bar + 1) * width // 16) * 3 for bar in range(8)]
    return tuple(hue(tuple(pixels[i : i + 3])) for i in at)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    width, height, pixels = read_ppm(sys.argv[1])
    write_png(sys.argv[2], width, height, pixels)
    seen = bars(width, height, pixels)
    if seen != BARS:
        sys.exit(f"{sys.argv[2]} does not show the camera's colour bars, but: {' '.join(seen)}")
    print(f"{width}x{height}")


if __name__ == "__main__":
    main()
