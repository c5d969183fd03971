#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How much of our Rust is unsafe, by folder, beside other Rust of the kernel, all counted the same way.

A line counts that is neither blank nor comment alone. An unsafe is a block, function, trait, impl or extern block, and each
use of a macro that expands to one, of those that the same folders define, unless it begins with the word itself. The types of
functions are none, and neither is what a macro asks to be written. What a thousand
lines have is compared with the figures that a file keeps: all lines, and those outside of the edge (see is_edge). A folder is
worse if both have grown, what is unsafe and how much a thousand lines have of it: safe lines may go away, and what grows may
have as much of it as what there was. So an unsafe outside of the edge that comes with many safe lines is not found here: it is
printed, and review is for that.

The edge, where unsafe is expected, may have no more than its share of the lines of all these folders but the samples, which
are examples of what has no edge.
"""

import argparse
import math
import re
import sys
from pathlib import Path

# What is in neither of these is code. Blanks are kept, so that lines stay lines.
NO_CODE = re.compile(
    r"""//[^\n]* | /\*.*?\*/
      | b?c?r(\#*)".*?"\1 | [bc]?"(?:\\.|[^"\\])*"
      | b?'(?:\\(?:x..|u\{.*?\}|.)|[^'\\\n])'""",
    re.DOTALL | re.VERBOSE,
)
# A type of functions has no name, and what follows `unsafe(` is an attribute or an argument of a macro.
UNSAFE = re.compile(r'\bunsafe\b(?!\s*(?:extern\s*(?:""\s*)?)?fn\s*\()')
MACRO = re.compile(r"\bmacro_rules!\s*(\w+)\s*\{")
USE = re.compile(r"\b(\w+)!\s*[({\[](?!\s*unsafe\b)")


def code_of(text):
    """The text without comments and without what is in strings."""

    def blank(found):
        kept = re.sub(r"[^\n]", " ", found[0])
        return '""' + kept[2:] if '"' in found[0] and not found[0].startswith("/") else kept

    return NO_CODE.sub(blank, text)


def body(code, start):
    """Where the group that is opened just before `start` ends."""
    depth = 1
    for at in range(start, len(code)):
        depth += (code[at] in "{([") - (code[at] in "})]")
        if not depth:
            return at
    return len(code)


def matchers(macro):
    """What a macro takes: every other group of its rules."""
    at, found = 0, []
    while opened := re.compile(r"[({\[]").search(macro, at):
        at = body(macro, opened.end())
        found.append(macro[opened.end() : at])
    return found[::2]


# What ours is compared with.
MODELS = [
    "drivers/android/binder",
    "drivers/gpu/nova-core",
    "drivers/gpu/drm/tyr",
    "rust/kernel/drm",
    "rust/kernel/debugfs",
    "rust/kernel/sync",
    "rust/kernel",
]


class Source:
    def __init__(self, path):
        self.path = path
        self.code = code_of(path.read_text(encoding="utf-8"))
        self.lines = sum(bool(line.strip()) for line in self.code.splitlines())
        self.macros = {
            found[1]: self.code[found.end() : body(self.code, found.end())] for found in MACRO.finditer(self.code)
        }

    def count(self, unsafe_macros):
        uses = sum(name in unsafe_macros for name in USE.findall(self.code))
        asked = sum(len(UNSAFE.findall(matcher)) for text in self.macros.values() for matcher in matchers(text))
        return len(UNSAFE.findall(self.code)) + uses - asked


def unsafe_macros(sources):
    """The macros among the sources that expand to something unsafe, be it by another one."""
    bodies = {name: text for source in sources for name, text in source.macros.items()}
    found = {name for name, text in bodies.items() if UNSAFE.search(text)}
    while True:
        more = {
            name
            for name, text in bodies.items()
            if name not in found and any(used in found for used in re.findall(r"\b(\w+)!", text))
        }
        if not more:
            return found
        found |= more


class Part:
    """What is under a path, all of it or without the edge."""

    def __init__(self, sources, macros):
        self.files = len(sources)
        self.lines = sum(source.lines for source in sources)
        self.unsafe = sum(source.count(macros) for source in sources)
        self.rate = round(1000 * self.unsafe / self.lines, 1) if self.lines else 0.0


def is_edge(path):
    """Files and folders of these names meet C: there it is what their lines are for."""
    return any(name in ("abi", "layout") for name in (*path.parent.parts, path.stem))


def rust_in(root, paths):
    """The sources under each path."""
    found = {}
    for path in paths:
        place = root / path
        files = sorted(place.rglob("*.rs")) if place.is_dir() else [place]
        if not all(file.exists() for file in files) or not files:
            sys.exit(f"{place} has no Rust: mend the list of folders")
        found[path] = [Source(file) for file in files]
    return found


def read_kept(file):
    """What the file keeps: for each folder unsafe and rate, of all and without the edge; and the share of the edge in percent.

    A line has paths that are counted as one, joined by `+`, and these four figures, or it is `edge PERCENT`.
    """
    folders, edges = [], []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        try:
            match words:
                case []:
                    pass
                case ["edge", percent] if 0 <= float(percent) <= 100 and not edges:
                    edges.append(float(percent))
                case [names, *figures] if len(figures) == 4:
                    folders.append((names, [(int(figures[at]), finite(figures[at + 1])) for at in (0, 2)]))
                case _:
                    raise ValueError
        except ValueError:
            sys.exit(f"{file}:{number}: neither a folder with four figures nor the one share of the edge: {line}")
    if not edges:
        sys.exit(f"{file}: no share of the edge")
    return folders, edges[0]


def finite(text):
    """A figure: neither a nan nor infinite, which nothing is more than."""
    figure = float(text)
    if not math.isfinite(figure):
        raise ValueError
    return figure


def row(name, whole, outside=None, kept=""):
    text = f"{name:52} {whole.files:5} {whole.lines:7} {whole.unsafe:7} {whole.rate:9.1f}"
    return text + (f" {outside.rate:9.1f} {kept:>15}" if outside else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kept", type=Path, help="the figures that no folder may exceed")
    parser.add_argument("--models", type=Path, help="a kernel tree, whose Rust is printed beside ours")
    parser.add_argument("--by-file", action="store_true")
    parser.add_argument("root", type=Path)
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()

    kept, edge_at_most = read_kept(args.kept) if args.kept else ([(path, None) for path in args.paths], 100.0)
    sources = rust_in(args.root, [path for names, _ in kept for path in names.split("+")])
    macros = unsafe_macros([source for under in sources.values() for source in under])
    worse, edges = [], {}

    print(f"{'':52} {'files':>5} {'lines':>7} {'unsafe':>7} {'a 1000':>9} {'not edge':>9} {'at most':>15}")
    for names, most in kept:
        ours = [source for path in names.split("+") for source in sources[path]]
        edge = [source for source in ours if is_edge(source.path.relative_to(args.root))]
        whole, outside = Part(ours, macros), Part([source for source in ours if source not in edge], macros)
        edges.update((source.path.relative_to(args.root), source) for source in edge)
        print(row(names.replace("drivers/dma-buf/rust/", ""), whole, outside, " ".join(str(rate) for _, rate in most or [])))
        if any(part.unsafe > count and part.rate > rate for part, (count, rate) in zip((whole, outside), most or [])):
            worse.append(names)
        if args.by_file:
            for source in ours:
                print(row(f"  {source.path.relative_to(args.root)}", Part([source], macros)))

    if edges:
        print("\nThe edge, where C is met:")
        for path, source in edges.items():
            print(row(str(path), Part([source], macros)))
    counted = {source.path: source.lines for under in sources.values() for source in under}
    lines = sum(of_file for path, of_file in counted.items() if path.relative_to(args.root).parts[0] != "samples")
    of_edge = sum(source.lines for source in edges.values())
    is_too_much = 100 * of_edge > edge_at_most * lines
    share = 100 * of_edge / lines if lines else 0
    print(f"\nThe edge has {of_edge} of the {lines} lines without samples: {share:.2f} %, at most {edge_at_most} %")
    if args.models:
        print("\nOther Rust of this kernel:")
        for path in MODELS:
            under = rust_in(args.models, [path])[path]
            print(row(path, Part(under, unsafe_macros(under))))
    for names in worse:
        print(f"\n{names}: more unsafe than {args.kept.name} has kept: put the argument into a type that makes it once")
    if is_too_much:
        print("The edge has more than its share: safe code that only uses the types that are made there goes beside it")
    sys.exit(bool(worse) or is_too_much)


if __name__ == "__main__":
    main()
