#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each place of our crates that can fail for want of memory, or in a copy from or to user space, has failed in a test.

Which there are, the built objects say: a call whose relocation names an allocator, a copy, or a function of the kernel crate that
comes to one. Which have failed, the test program fail_each says, in lines "# point SYMBOL+OFFSET": the stacks of all faults. What
is left needs a reason: a line "PATTERN => REASON" in configs/failure-points.txt, where PATTERN is searched in "FUNCTION -> CALLEE".
What nobody refers to, since it is inlined where it is called, is no place. Of arm64, whose relocations tell a call from a jump.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from ours import OURS_IN_CRATE, readable

# What can fail, by the name of the C function.
FALLIBLE = re.compile(
    r"^(__)?k[vmz]?[mz]?alloc_|^_*kmalloc|^k?v?realloc|^kv?realloc|^krealloc|^__v?malloc|^vmalloc|^kmem_cache_alloc|^alloc_pages"
    r"|^rust_dma_buf_alloc_|^(v?memdup|strndup)_user|^kasprintf$|^kstrdup|^sg_alloc_table|^vmap$|^remap_pfn_range$|^vmf_insert_"
    r"|^get_unused_fd_flags$|^alloc_anon_inode$|^alloc_file_pseudo$|^anon_inode_getfile$|^single_open$"
    r"|^(device_create(_with_groups)?|class_register|__register_chrdev|misc_register|kern_mount|init_pseudo)$|^debugfs_create_"
    r"|^memfd_pin_folios$|^cma_alloc|^dma_(map|alloc)_|^dma_iova_(try_alloc|link|sync)$|^should_fail_usercopy$|^_copy_(from|to)_user$"
    r"|^__memcg_kmem_charge_page$|^shrinker_alloc$|^alloc_workqueue|^mm_alloc$"
)
# What gives back goes by the same functions, with a size of nothing, and cannot fail.
HARMLESS = re.compile(r"9Allocator4free|drop_in_place|4Drop4drop|^kmalloc_size_roundup$")
# Whose objects refer to what is ours, and which of them have no places of our crates themselves
USERS = ("drivers/dma-buf/rust", "samples/rust")
ONLY_USE = {"kunit", "samples"}
CALLS = "R_AARCH64_CALL26"
JUMPS = "R_AARCH64_JUMP26"
# A call is one instruction long: the stack shows where it returns to.
CALL_LENGTH = 4
LONGEST_NAME = 511


def table(objdump, path):
    """Functions as (section, address, size, name), calls and jumps as (section, address, kind, callee), and what is referred to."""
    functions, calls, section, referred = [], [], None, set()
    text = subprocess.run([objdump, "-t", "-r", str(path)], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        if found := re.match(r"RELOCATION RECORDS FOR \[(.*)\]:", line):
            section = found[1]
        elif found := re.match(r"([0-9a-f]{16}) .{7} (\S+)\t([0-9a-f]{16}) (?:\.hidden )?(\S+)$", line):
            if line[23] == "F":
                functions.append((found[2], int(found[1], 16), int(found[3], 16), found[4]))
                # calls of what is local have no relocation
                if line[17] != "g" or not found[4].startswith("_R"):
                    referred.add(found[4])
        elif found := re.match(r"([0-9a-f]{16}) (R_\S+)\s+([^\s+]+)", line):
            referred.add(found[3])
            if found[2] in (CALLS, JUMPS):
                calls.append((section, int(found[1], 16), found[2], found[3]))
    return functions, calls, referred


def within(functions, calls):
    """Each call as (function, offset in it, kind, callee)."""
    by_section = {}
    for section, address, size, name in functions:
        by_section.setdefault(section, []).append((address, size, name))
    for section, address, kind, callee in calls:
        for start, size, name in by_section.get(section, []):
            if start <= address < start + size:
                yield name, address - start, kind, callee
                break


def close_over(fallible, calls):
    """Adds to the names of what can fail those of the functions that call it."""
    callers = {}
    for name, callee in calls:
        callers.setdefault(callee, set()).add(name)
    todo = list(fallible)
    while todo:
        for name in callers.get(todo.pop(), ()):
            if name not in fallible and not HARMLESS.search(name):
                fallible.add(name)
                todo.append(name)


def points(args):
    """Each place of our crates, as (function, offset): callee."""
    functions, calls, referred = table(args.objdump, args.build / "rust/kernel.o")
    crate = list(within(functions, calls))
    names = readable(args.cxxfilt, sorted({name for name, *_ in crate}))
    ours = [call for call in crate if OURS_IN_CRATE.search(names[call[0]])]
    for path in sorted(path for part in USERS for path in (args.build / part).rglob("*.o")):
        functions, calls, more = table(args.objdump, path)
        referred |= more
        if not path.name.endswith(".mod.o") and not ONLY_USE & set(path.relative_to(args.build).parts):
            ours += within(functions, calls)
    ours = [call for call in ours if call[0] in referred]
    fallible = {callee for *_, callee in crate + ours if FALLIBLE.search(callee) and not HARMLESS.search(callee)}
    close_over(fallible, [(name, callee) for name, _, _, callee in crate])
    # a jump leaves no trace on the stack: who calls the function that jumps is the place
    close_over(fallible, [(name, callee) for name, _, kind, callee in ours if kind == JUMPS])
    return {
        (name, offset): callee
        for name, offset, kind, callee in ours
        if kind == CALLS and callee in fallible and not HARMLESS.search(name)
    }


def reasons_in(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [(re.compile(pattern), reason) for pattern, _, reason in (line.partition(" => ") for line in lines)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help="where the kernel was built")
    parser.add_argument("--objdump", default="llvm-objdump")
    parser.add_argument("--cxxfilt", default="llvm-cxxfilt")
    parser.add_argument("--reasons", type=Path, required=True, help="why some cannot fail in a test")
    parser.add_argument("logs", type=Path, nargs="+", help="what the guests have sent")
    args = parser.parse_args()

    there = points(args)
    hit = set()
    for log in args.logs:
        for name, offset in re.findall(r"^# point (\S+)\+0x([0-9a-f]+)$", log.read_text(errors="replace"), re.MULTILINE):
            hit.add((name, int(offset, 16) - CALL_LENGTH))
    if not there or not hit:
        print(f"{len(there)} places found in the objects, {len(hit)} in the logs: was the right place looked at?")
        return 1
    names = readable(args.cxxfilt, sorted({name for name, _ in there} | set(there.values())))
    reasons, used, missed = reasons_in(args.reasons), Counter(), []
    for place, callee in sorted(there.items()):
        text = f"{names[place[0]]} -> {names[callee]}"
        if place in hit:
            print(f"failed: {text} (+{place[1]:#x})")
            continue
        reason = next((each for each in reasons if each[0].search(text)), None)
        if reason:
            used[reason[1]] += 1
            print(f"left out: {text} (+{place[1]:#x}): {reason[1]}")
        else:
            too_long = ": its name is too long for the kernel's list" if len(place[0]) > LONGEST_NAME else ""
            missed.append(f"{text} (+{place[1]:#x}){too_long}")
    for text in missed:
        print(f"has not failed, and no reason is given: {text}")
    stale = [pattern.pattern for pattern, reason in reasons if not used[reason]]
    for pattern in stale:
        print(f"a reason that nothing needs: {pattern}")
    failed = len([place for place in there if place in hit])
    print(f"{len(there)} places can fail; {failed} have, {used.total()} are left out for a reason, {len(missed)} are missing")
    return 1 if missed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
