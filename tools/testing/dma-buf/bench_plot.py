#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The picture of "make bench": the ratio of each operation, sorted, around 1.0.

  bench_plot.py RESULTS.JSON OUT    writes OUT/ratio.svg and OUT/ratio.png
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402, after the choice above

COLOURS = {"user": "tab:blue", "module": "tab:orange", "jobs": "tab:green", "memory": "tab:purple", "pool": "tab:red"}


def main():
    results, out = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    bars = [(op["ratio"], name, group) for group, ops in results["operations"].items() for name, op in ops.items() if op["ratio"]]
    if not bars:
        return
    bars.sort(reverse=True)
    ratios, names, groups = zip(*bars)
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.16 * len(bars)), layout="constrained")
    axes.barh(range(len(bars)), [ratio - 1 for ratio in ratios], left=1, color=[COLOURS[group] for group in groups])
    axes.set_yticks(range(len(bars)), names, fontsize=7)
    axes.set_ylim(-0.8, len(bars) - 0.2)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_xlabel("Rust / C; less is better")
    axes.set_title(f"{results['kernel']}, {results['date'][:10]}", fontsize=9)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[group]) for group in COLOURS if group in groups]
    labels = [group + (f": {results['means'][group]:.3f}" if results["means"].get(group) else "") for group in COLOURS if group in groups]
    axes.legend(handles, labels, title="geometric means", fontsize=8, loc="upper right")
    for kind in ("svg", "png"):
        figure.savefig(out / f"ratio.{kind}", dpi=150)


if __name__ == "__main__":
    main()
