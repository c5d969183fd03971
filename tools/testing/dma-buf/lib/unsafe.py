#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How much of our Rust is unsafe, by folder, beside other Rust of the kernel, all counted the same way.

A line counts that is neither blank nor comment alone. An unsafe is a block, function, trait, impl or extern block, and
each use of a macro that expands to one, of those that the same folders define. The types of functions are none.

A budget says for each folder of ours how many a thousand lines it may have: lines of PATH MOST [edge], where an edge is
a file or folder whose business it is to be unsafe, and is counted in what is above it, too, as `edge` says, by itself.
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


class Source:
    def __init__(self, path):
        self.path = path
        self.code = code_of(path.read_text(encoding="utf-8"))
        self.lines = sum(bool(line.strip()) for line in self.code.splitlines())
        self.macros = {
            found[1]: self.code[found.end() : body(self.code, found.end())] for found in MACRO.finditer(self.code)
        }

    def count(self, unsafe_macros):
        uses = sum(name in unsafe_macros for name in re.findall(r"\b(\w+)!\s*[({\[]", self.code))
        return len(UNSAFE.findall(self.code)) + uses


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
    """A folder, or a file."""

    def __init__(self, name, sources, macros):
        self.name = name
        self.files = len(sources)
        self.lines = sum(source.lines for source in sources)
        self.unsafe = sum(source.count(macros) for source in sources)

    @property
    def rate(self):
        return 1000 * self.unsafe / self.lines if self.lines else 0.0

    def row(self, most=""):
        return f"{self.name:44} {self.files:5} {self.lines:7} {self.unsafe:7} {self.rate:8.1f} {most:>8}"


def rust_in(paths):
    files = [file for path in paths for file in (path.rglob("*.rs") if path.is_dir() else [path])]
    return [Source(file) for file in sorted(set(files))]


def parts_of(root, paths, macros_of=None):
    """The sources under each path, which is relative to root; macros are those of all of them."""
    sources = {path: rust_in([root / path]) for path in paths}
    return sources


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by-file", action="store_true")
    parser.add_argument("root", type=Path)
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    sources = rust_in([args.root / path for path in args.paths])
    macros = unsafe_macros(sources)
    print("macros:", *sorted(macros), file=sys.stderr)
    for path in args.paths:
        inside = [source for source in sources if source.path.is_relative_to(args.root / path)]
        print(Part(path, inside, macros).row())
        if args.by_file:
            for source in inside:
                print(Part("  " + str(source.path.relative_to(args.root / path)), [source], macros).row())


if __name__ == "__main__":
    main()
