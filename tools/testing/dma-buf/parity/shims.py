#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""With CORE=rust, what is linked of drivers/dma-buf? Rust, shims in C that decide nothing, and KUnit tests.

Everything that is linked must be on the positive side: a new object that is none of these is a failure. The
C text of the shims may hold no branch and no loop, inside the macros of the kernel's own headers aside.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import csource

# The C objects of ours: exports, tracepoints, initcalls, module parameters; alloc.o and helpers.o are one-line calls of macros and
# inline functions.
SHIMS = {
    "drivers/dma-buf/rust/core/alloc.o",
    "drivers/dma-buf/rust/core/exports.o",
    "drivers/dma-buf/rust/core/helpers.o",
    "drivers/dma-buf/rust/heap/exports.o",
    "drivers/dma-buf/rust/sw_sync/exports.o",
    "drivers/dma-buf/rust/udmabuf/exports.o",
}
# Upstream's KUnit suites, which are no part of the subsystem.
TESTS = {f"drivers/dma-buf/st-dma-{suite}.o" for suite in ("fence", "fence-chain", "fence-unwrap", "resv")}

DECISION = re.compile(r"\b(?:if|else|for|while|do|switch|case|goto)\b|\b\w*for_each\w*\b|\?|&&|\|\|")
LOCAL_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+\.c)"', re.MULTILINE)


def kind_of(name, tree):
    """rust, shim or test; None for what must not be linked."""
    if name in SHIMS:
        return "shim"
    if name in TESTS:
        return "test"
    source = tree / name
    if source.with_suffix(".rs").exists() and not source.with_suffix(".c").exists():
        return "rust"
    return None


def decisions(path, seen):
    """(file, line, text) of whatever decides something, in a C file and the C files that it includes."""
    path = Path(os.path.normpath(path))  # not through the links that the tree is made of
    if path in seen:
        return
    seen.add(path)
    text = path.read_text()
    for number, line in csource.lines(csource.without_comments(text, strings=False)):
        if DECISION.search(line):
            yield path, number, line.strip()
    for included in LOCAL_INCLUDE.findall(text):
        yield from decisions(path.parent / included, seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", type=Path, required=True, help="the tree kbuild ran in")
    parser.add_argument("--objects", type=Path, required=True, help="list of the objects linked")
    args = parser.parse_args()

    linked = sorted({name for name in args.objects.read_text().split() if name.startswith("drivers/dma-buf/")})
    kinds = {name: kind_of(name, args.tree) for name in linked}
    for name, kind in kinds.items():
        print(f"{kind or 'UNWANTED'}\t{name}")
    bad = [f"{name}: linked, but neither Rust nor a shim nor a KUnit test" for name, kind in kinds.items() if kind is None]
    bad += [f"no {kind} is linked: was the right kernel looked at?" for kind in ("rust", "shim") if kind not in kinds.values()]
    # every C file of ours, linked in this configuration or not; a file with no object of its own is reached by its #include
    seen = set()
    sources = {args.tree / name for name in SHIMS} | set((args.tree / "drivers/dma-buf/rust").rglob("*.[ch]"))
    for source in sorted(sources):
        source = source.with_suffix(".c") if source.suffix == ".o" else source
        if source.exists():
            bad += [f"{file}:{number}: a decision in C: {line}" for file, number, line in decisions(source, seen)]
    print(f"{len(seen)} C files of ours read")
    print(*bad, sep="\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
