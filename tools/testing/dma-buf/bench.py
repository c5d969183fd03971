#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The tables of "make bench", and results.json.

  bench.py RESULTS OPERATIONS CONFIG [--only GROUP] [--base FILE] [--inside C RUST] [--code C RUST]

RESULTS holds the guests' logs, {c,rust}-{1,2}/data.log, OPERATIONS says what there is to be measured, CONFIG is that of the
Rust kernel, which names kernel and compilers. --base compares with an earlier results.json. --inside: what contention.py has
counted. --code: what the linked objects hold, as llvm-size and llvm-nm say it.
"""

import argparse
import json
import math
import re
import sys
from datetime import datetime, timezone
from pathlib import Path

import bench_code
import contention

AGREE = 0.005  # what two runs of one kernel may differ by
FEW = 1  # or by so many instructions
BOUND = 1.0
TITLES = {
    "user": "from user space: guest instructions",
    "module": "from a kernel module, as C drivers call: guest instructions",
    "pool": "with the system heap's pool: guest instructions",
    "jobs": "whole jobs: guest instructions",
    "growth": "how it grows: guest instructions",
    "memory": "memory: bytes",
}


def operations(path):
    """Group -> name -> (whether it counts, what it is, points of growth), as the file fixes them."""
    found = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        group, name, counts, what = line.split(" ", 3)
        name, _, points = name.partition("@")
        if group not in TITLES or counts not in "+-":
            sys.exit(f"{path}: not understood: {line}")
        found.setdefault(group, {})[name] = counts == "+", what, [int(n) for n in points.split(",") if n]
    return found


def costs(path):
    """Operation -> cost, as the programs printed them."""
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("BENCH "):
            _, name, cost = line.split()
            found[name] = float(cost)
    return found


def names_of(known):
    """As the programs call them: each point of what grows is one of its own."""
    for group in known.values():
        for name, (_, _, points) in group.items():
            yield from (f"{name}@{n}" for n in points) if points else [name]


def measured(results, known):
    """Operation -> core -> what each run has measured. All runs must have what is known, and nothing else."""
    runs = {core: [costs(results / f"{core}-{run}" / "data.log") for run in (1, 2)] for core in ("c", "rust")}
    wanted = set(names_of(known))
    for both in runs.values():
        for run in both:
            odd = wanted ^ set(run)
            if odd:
                sys.exit(f"not measured, or not in the list of operations: {', '.join(sorted(odd))}: see {results}/*/data.log")
    return {name: {core: [run[name] for run in both] for core, both in runs.items()} for name in sorted(wanted)}


def disagreements(runs):
    for name, cores in runs.items():
        for core, (first, second) in cores.items():
            if abs(first - second) > max(FEW, AGREE * max(first, second)):
                yield f"  {name}, {core}: {first:.1f} and {second:.1f} ({second / first - 1:+.1%})" if first else f"  {name}, {core}"


def mean(values):
    return sum(values) / len(values)


def geometric(ratios):
    return math.exp(mean([math.log(ratio) for ratio in ratios])) if ratios else None


def ratio_of(c, rust):
    return rust / c if c > 0 and rust > 0 else None


def base_of(base, group, name):
    """What an earlier run has measured for Rust."""
    return base.get("operations", {}).get(group, {}).get(name, {}).get("rust")


def head(title, base):
    print(f"\n{title:68} {'C':>10} {'Rust':>10}  ratio" + ("   before   now/before" if base else ""))


def row(name, what, c, rust, mark="", before=None):
    ratio = ratio_of(c, rust)
    text = f"{name:21} {what:46} {c:10.0f} {rust:10.0f} {f'{ratio:6.3f}' if ratio else '     -'} {mark:1}"
    if before:
        text += f" {before:10.0f} {rust / before:6.3f}"
    print(text.rstrip())


def table(group, known, runs, base):
    """Prints a group; its part of the results, and the geometric mean of what counts."""
    results, ratios, above = {}, [], 0
    head(TITLES[group], base)
    for name, (counts, what, _) in known.items():
        c, rust = (mean(runs[name][core]) for core in ("c", "rust"))
        ratio = ratio_of(c, rust)
        results[name] = dict(what=what, counts=counts, c=c, rust=rust, ratio=ratio, runs=runs[name])
        is_above = c > 0 and rust > BOUND * c + max(FEW, AGREE * c)  # else C has no such thing
        above += is_above
        if counts and ratio:
            ratios.append(ratio)
        row(name, what, c, rust, "*" if is_above else "", base_of(base, group, name))
    middle = geometric(ratios)
    if middle:
        print(f"{'geometric mean of the ' + str(len(ratios)) + ' that count':90} {middle:6.3f}")
    print(f"{above} of {len(known)} above {BOUND:.2f} by more than {AGREE:.1%} (*)")
    return results, middle


def slopes(known, runs, base):
    """What one more of them costs, from the first point to the last."""
    results = {}
    head(TITLES["growth"], base)
    for name, (_, what, points) in known.items():
        at = {n: {core: mean(runs[f"{name}@{n}"][core]) for core in ("c", "rust")} for n in points}
        first, last = points[0], points[-1]
        slope = {core: (at[last][core] - at[first][core]) / (last - first) for core in ("c", "rust")}
        results[name] = dict(what=what, points=at, slope=slope)
        for n in points:
            row(name if n == first else "", f"{what if n == first else '':37} {n:8}", at[n]["c"], at[n]["rust"])
        before = base.get("growth", {}).get(name, {}).get("slope", {}).get("rust")
        print(f"{'':21} {'each more':46} {slope['c']:10.2f} {slope['rust']:10.2f} "
              + (f"{slope['rust'] / slope['c']:6.3f}" if abs(slope["c"]) > 0.05 else "     -")
              + (f"  {before:10.2f}" if before is not None else ""))
    return results


def about(config):
    """Kernel and compilers."""
    text = config.read_text()
    said = {key: re.search(rf'^CONFIG_{option}="(.*)"$', text, re.M) for key, option in
            (("compiler", "CC_VERSION_TEXT"), ("rustc", "RUSTC_VERSION_TEXT"))}
    kernel = re.search(r"^# (Linux/.*) Kernel Configuration$", text, re.M)
    return dict({key: found and found[1] for key, found in said.items()}, kernel=kernel and kernel[1],
                inline_helpers="CONFIG_RUST_INLINE_HELPERS=y" in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("operations", type=Path)
    parser.add_argument("config", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--inside", type=Path, nargs=2, metavar=("C", "RUST"))
    parser.add_argument("--code", type=Path, nargs=2, metavar=("C", "RUST"))
    args = parser.parse_args()

    listed = operations(args.operations)
    # of kernels of its own
    known = {group: ops for group, ops in listed.items() if args.only == group or (args.only is None and group != "pool")}
    base = json.loads(args.base.read_text()) if args.base else {}
    runs = measured(args.results, known) if known else {}
    results = dict(about(args.config), date=datetime.now(timezone.utc).isoformat(timespec="seconds"), operations={}, means={})
    print(f"{results['kernel']}, {results['compiler']}, {results['rustc']},",
          "C helpers inlined into Rust" if results["inline_helpers"] else "each C helper is a call")
    for group, ops in known.items():
        if group == "growth":
            results["growth"] = slopes(ops, runs, base)
        else:
            results["operations"][group], results["means"][group] = table(group, ops, runs, base)
    if runs:
        differ = list(disagreements(runs))
        results["disagree"] = len(differ)
        print(f"\ntwo runs of the same kernel differ by more than {AGREE:.1%}:" if differ
              else f"\ntwo runs of the same kernel agree to {AGREE:.1%}", *differ, sep="\n")
    if args.inside:
        results["inside"], results["inside_means"], results["inside_medians"] = contention.table(*args.inside, listed, geometric)
    if args.code:
        results["code"] = bench_code.table(*args.code)
    (args.results / "results.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
