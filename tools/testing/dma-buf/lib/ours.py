#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What of the kernel crate is ours: the one list of it, and how a symbol of rust/kernel.o is told from those of others.

  ours.py CXXFILT    of the lines of llvm-nm on standard input, those of symbols that are ours; CXXFILT is LLVM's

A symbol is ours if its demangled name has a path into one of our modules: it is of that module, or a function of others that is there
for what the module has, like the drop of a Box of ours. In the mangled name such a path may be but a reference to one before.
An implementation for a type of others is known by its trait. Without one it is not found: Coherent::mmap() of dma::share alone, which
is generic, so that it is in the crates of drivers.

Ours are the modules whose files this tree has, and all below them, but those for DRM drivers, which are no part of DMA-BUF.
"""

import re
import subprocess
import sys
from pathlib import Path

CRATE = Path(__file__).resolve().parents[4] / "rust/kernel"
NO_PART = "drm"
# Some demanglers write a crate with its hash.
HASH = r"\[[0-9a-f]+\]"


def modules():
    """The paths of our modules in the crate."""
    files = [path.relative_to(CRATE).with_suffix("").parts for path in CRATE.rglob("*.rs")]
    return sorted({"::".join(parts[:-1] if parts[-1] == "mod" else parts) for parts in files if parts[0] != NO_PART})


# Found in a demangled name that is ours.
OURS_IN_CRATE = re.compile(rf"(?<![\w:])kernel(?:{HASH})?::(?:{'|'.join(modules())})\b")


def readable(cxxfilt, names):
    """Name -> what it is demangled, without the crates' hashes."""
    text = subprocess.run([cxxfilt], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return dict(zip(names, re.sub(HASH, "", text).splitlines(), strict=True))


def main(cxxfilt):
    lines = sys.stdin.read().splitlines()
    names = readable(cxxfilt, [line.rpartition(" ")[2] for line in lines])
    ours = [line for line in lines if OURS_IN_CRATE.search(names[line.rpartition(" ")[2]])]
    if not ours:
        sys.exit(f"of {len(lines)} symbols none is of {', '.join(modules())}: was the right crate looked at?")
    print("\n".join(ours))


if __name__ == "__main__":
    main(*sys.argv[1:])
