#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""screens.py OUT.png SCREEN... [-- WORD...]: terminals that record.c has recorded, as a picture and as OUT.txt; all words must be there."""

import sys

import pyte
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
SIZE = 14
INK, PAPER, EDGE = (218, 218, 218), (24, 26, 32), (90, 94, 104)
# Behind it the terminal is as it was before: nothing of the program's is left.
LEAVES = b"\x1b[?1049l"


def screen_of(path):
    """What stands on a terminal before the program leaves it."""
    with open(path, "rb") as file:
        rows, columns = map(int, file.readline().split())
        drawn = file.read().split(LEAVES)[0]
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(drawn)
    return screen


def picture(screens):
    plain, bold = (ImageFont.truetype(FONT.format(kind), SIZE) for kind in ("", "-Bold"))
    width, height = round(plain.getlength("M")), sum(plain.getmetrics())
    whole = Image.new(
        "RGB",
        (max(screen.columns for screen in screens) * width, sum(screen.lines * height + 1 for screen in screens) - 1),
        PAPER,
    )
    draw, top = ImageDraw.Draw(whole), 0
    for screen in screens:
        if top:
            draw.line((0, top, whole.width, top), EDGE)
            top += 1
        for row in range(screen.lines):
            for column in range(screen.columns):
                cell, x, y = screen.buffer[row][column], column * width, top + row * height
                if cell.reverse:
                    draw.rectangle((x, y, x + width - 1, y + height - 1), INK)
                draw.text((x, y), cell.data, PAPER if cell.reverse else INK, bold if cell.bold else plain)
                if cell.underscore:
                    draw.line((x, y + height - 2, x + width - 1, y + height - 2), INK)
        top += screen.lines * height
    # few shades: a fifth of the bytes
    return whole.quantize(16)


def main():
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    if at < 2:
        sys.exit(__doc__)
    screens = [screen_of(path) for path in words[1:at]]
    picture(screens).save(words[0], optimize=True)
    text = "\n".join(line.rstrip() for screen in screens for line in screen.display) + "\n"
    with open(words[0].removesuffix(".png") + ".txt", "w", encoding="utf-8") as file:
        file.write(text)
    missing = [word for word in words[at + 1 :] if word not in text]
    if missing:
        sys.exit(f"not on the screen of dmabuf-top: {', '.join(missing)}")


if __name__ == "__main__":
    main()
