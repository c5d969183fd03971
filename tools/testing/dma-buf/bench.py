#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The table of "make bench".

  bench.py RESULTS C-TEXT RUST-TEXT

RESULTS holds the guests' logs, {c,rust}-{1,2}/data.log. The other two say how large the linked objects are.
"""

import re
import sys
from pathlib import Path

AGREE = 0.01  # what two runs of one kernel may differ by
TARGET = 1.05

# Which module an object belongs to, in C and in Rust; the first that matches.
MODULES = [
    (r"sw_sync|sync_debug", "sw_sync"),
    (r"udmabuf", "udmabuf"),
    (r"heaps/system_heap", "system_heap"),
    (r"heaps/cma_heap", "cma_heap"),
    (r"dma-heap|/heap/", "dma-heap"),
    (r"", "dma-buf"),
]


def costs(path):
    """Operation -> (cost, what it is), as the program printed them."""
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("BENCH "):
            _, name, cost, what = line.split(" ", 3)
            found[name] = float(cost), what
    return found


def text(path):
    """Module -> bytes of machine code."""
    sizes = dict.fromkeys([module for _, module in reversed(MODULES)], 0)
    module = None
    for line in path.read_text().splitlines():
        section = re.match(r"\.text\S*\s+(\d+)", line)
        if line.startswith("drivers/dma-buf/"):
            module = next(module for pattern, module in MODULES if re.search(pattern, line))
        elif section:
            sizes[module] += int(section[1])
    return sizes


def row(name, what, c, rust, mark=""):
    return f"{name:17} {what:44} {c:9.0f} {rust:9.0f} {rust / c:6.3f} {mark}".rstrip()


def main():
    results = Path(sys.argv[1])
    runs = {core: [costs(results / f"{core}-{run}" / "data.log") for run in (1, 2)] for core in ("c", "rust")}
    names = list(runs["c"][0])
    if not names or any(list(run) != names for both in runs.values() for run in both):
        sys.exit(f"the runs do not list the same operations: see {results}/*/data.log")

    print(f"\n{'guest instructions':17} {'':44} {'C':>9} {'Rust':>9}  ratio")
    differ, above = [], 0
    for name in names:
        mean = {}
        for core, both in runs.items():
            first, second = (run[name][0] for run in both)
            mean[core] = (first + second) / 2
            if abs(first - second) > AGREE * mean[core]:
                differ.append(f"  {name}, {core}: {first:.0f} and {second:.0f}")
        is_above = mean["rust"] > TARGET * mean["c"]
        above += is_above
        print(row(name, runs["c"][0][name][1], mean["c"], mean["rust"], "*" if is_above else ""))
    print(f"{above} of {len(names)} above {TARGET} (*)")
    if differ:
        print("two runs of the same kernel differ by more than 1 %:", *differ, sep="\n")
    else:
        print("two runs of the same kernel agree to 1 %")

    c, rust = map(text, map(Path, sys.argv[2:]))
    print(f"\n{'bytes of .text':17} {'':44} {'C':>9} {'Rust':>9}  ratio")
    for module in c:
        print(row(module, "", c[module], rust[module]))
    print(row("all", "", sum(c.values()), sum(rust.values())))


if __name__ == "__main__":
    main()
