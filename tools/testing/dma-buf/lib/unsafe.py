#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How much of our Rust is unsafe, by folder, beside other Rust of the kernel, all counted the same way.

A line counts that is neither blank nor comment alone. An unsafe is a block, function, trait, impl or extern block, and each
use of a macro that expands to one, of those that the same folders define, unless it begins with the word itself. The types of
functions are none, and neither is what a macro asks to be written. What a thousand
lines have is compared with the figures that a file keeps: all lines, and those outside of the edge (see is_edge). Safe lines
that go away make nothing worse: what has no more unsafe than the file says may have more of it a thousand lines. The edge may
have no more than its share of the lines: it is where unsafe is expected.
"""

import argparse
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
    lines = [line.split("#")[0].split() for line in file.read_text().splitlines()]
    folders = [(line[0], [(int(line[at]), float(line[at + 1])) for at in (1, 3)]) for line in lines if len(line) == 5]
    edge = next(float(line[1]) for line in lines if line[:1] == ["edge"])
    return folders, edge


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
    lines = sum({source.path: source.lines for under in sources.values() for source in under}.values())
    of_edge = sum(source.lines for source in edges.values())
    share = round(100 * of_edge / lines, 1)
    print(f"\nThe edge has {of_edge} of the {lines} lines: {share} %, at most {edge_at_most} %")
    if args.models:
        print("\nOther Rust of this kernel:")
        for path in MODELS:
            under = rust_in(args.models, [path])[path]
            print(row(path, Part(under, unsafe_macros(under))))
    for names in worse:
        print(f"\n{names}: more unsafe than {args.kept.name} has kept: put the argument into a type that makes it once")
    if share > edge_at_most:
        print("The edge has more than its share: safe code that only uses the types that are made there goes beside it")
    sys.exit(bool(worse) or share > edge_at_most)


if __name__ == "__main__":
    main()
