#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a tree that looks like procfs and debugfs: usage: fixture.py DIR [PROCESSES [BUFFERS]]"""

import os
import sys


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def main():
    root = sys.argv[1]
    processes, buffers = (int(word) for word in (sys.argv[2:] + ["1000", "10000"][len(sys.argv) - 2 :])[:2])
    library = "".join(
        f"7f{n:06x}0000-7f{n:06x}8000 r--p {n:08x} fe:00 {n + 131}                  /usr/lib/x86_64-linux-gnu/libsome{n}.so\n"
        for n in range(60)
    )
    ours = [[] for _ in range(processes)]
    for ino in range(buffers):
        ours[ino % processes].append(ino + 1)
        # a tenth is shared with the next process
        if ino % 10 == 0:
            ours[(ino + 1) % processes].append(ino + 1)
    for nth, held in enumerate(ours):
        base = f"{root}/proc/{nth + 1}"
        os.makedirs(f"{base}/fd")
        os.makedirs(f"{base}/fdinfo")
        maps = library
        for fd in range(3):
            os.symlink("/dev/null", f"{base}/fd/{fd}")
            write(f"{base}/fdinfo/{fd}", "pos:\t0\nflags:\t0100002\nmnt_id:\t24\nino:\t4\n")
        for fd, ino in enumerate(held, 3):
            os.symlink(f"/dmabuf:frame {ino}", f"{base}/fd/{fd}")
            write(
                f"{base}/fdinfo/{fd}",
                f"pos:\t0\nflags:\t02000002\nmnt_id:\t14\nino:\t{ino}\nsize:\t65536\ncount:\t3\nexp_name:\tsystem\nname:\tframe {ino}\n",
            )
            if ino % 4 == 0:
                start = 0x7E0000000000 + (ino << 20)
                maps += f"{start:x}-{start + 65536:x} rw-s 00000000 00:0d {ino}                   /dmabuf:frame {ino}\n"
        write(f"{base}/maps", maps)
        write(f"{base}/stat", f"{nth + 1} (worker) S 1 1 1 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2\n")
        write(f"{base}/cgroup", f"0::/work.slice/{nth % 20}\n")
    os.makedirs(f"{root}/debug/dma_buf")
    with open(f"{root}/debug/dma_buf/bufinfo", "w", encoding="ascii") as file:
        file.write("\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n")
        for ino in range(1, buffers + 1):
            file.write(f"00065536\t00000002\t00080007\t00000003\tsystem\t{ino:08}\tframe {ino}\n")
            file.write(f"\twrite fence:{ino}:1 timeline driver unsignalled\n\tAttached Devices:\n\tgpu{ino % 4}\n")
            file.write("Total 1 devices attached\n\n")
        file.write(f"\nTotal {buffers} objects, {buffers * 65536} bytes\n")


main()
