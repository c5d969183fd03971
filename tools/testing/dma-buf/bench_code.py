# SPDX-License-Identifier: GPL-2.0
"""How large the code is, module by module: a part of bench.py."""

import re

# Which module an object belongs to, in C and in Rust; the first that matches.
MODULES = [
    (r"sw_sync|sync_debug", "sw_sync"),
    (r"udmabuf", "udmabuf"),
    (r"heaps/system_heap", "system_heap"),
    (r"heaps/cma_heap", "cma_heap"),
    (r"dma-heap|/heap/", "dma-heap"),
    (r"", "dma-buf"),
]
SECTIONS = {".text": r"\.(text|init\.text|exit\.text)", ".rodata": r"\.(rodata|init\.rodata)", ".data": r"\.(data|init\.data|bss)"}
# What the kernel crate holds for all, of which the C core needs nothing
CRATE = "kernel crate"
KINDS = {".text": "tTwW", ".rodata": "rR", ".data": "dDbB"}


def sizes(path):
    """Module -> section -> bytes, from llvm-size -A of our objects, and from llvm-nm -S of the crate's (lines "nm ADDRESS SIZE KIND NAME")."""
    found = {module: dict.fromkeys(SECTIONS, 0) for module in [module for _, module in reversed(MODULES)] + [CRATE]}
    module = None
    for line in path.read_text().splitlines():
        if line.startswith("drivers/dma-buf/"):
            module = next(module for pattern, module in MODULES if re.search(pattern, line))
        elif line.startswith("nm "):
            _, _, size, kind, _ = line.split(" ", 4)
            for section, kinds in KINDS.items():
                found[CRATE][section] += int(size, 16) if kind in kinds else 0
        elif re.match(r"\.\S+\s+\d+", line):
            name, size = line.split()[:2]
            for section, pattern in SECTIONS.items():
                found[module][section] += int(size) if re.match(pattern, name) else 0
    return found


def table(c_path, rust_path):
    c, rust = sizes(c_path), sizes(rust_path)
    c[CRATE] = dict.fromkeys(SECTIONS, 0)
    results = {}
    print(f"\n{'code: bytes':15}" + "".join(f" {section + ':':>8} {'C':>7} {'Rust':>7}  ratio" for section in SECTIONS))
    for module in [*c, "all"]:
        line, results[module] = f"{module:15}", {}
        for section in SECTIONS:
            bytes_ = [sum(sizes_[one][section] for one in sizes_) if module == "all" else sizes_[module][section] for sizes_ in (c, rust)]
            results[module][section] = dict(zip(("c", "rust"), bytes_))
            line += f" {'':8} {bytes_[0]:7} {bytes_[1]:7} " + (f"{bytes_[1] / bytes_[0]:6.3f}" if bytes_[0] else "     -")
        print(line)
    return results
