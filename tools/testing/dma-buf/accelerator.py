#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Will KVM run this guest?

  accelerator.py MACHINE DIR CACHE    prints "KVM", or "emulation" and why

A device /dev/kvm says little: under some hypervisors a guest hangs before its kernel starts. So a guest with the kernel
in DIR is tried, and KVM is for hosts where it prints a line within 10 s. The answer is kept in CACHE for as long as this
host runs this QEMU.
"""

import hashlib
import os
import platform
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import qemu

PATIENCE = 10  # seconds


def words_of_host(program):
    """What the answer holds for: this boot of this host, and this QEMU."""
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout
    boot = Path("/proc/sys/kernel/random/boot_id")
    return [platform.node(), platform.release(), boot.read_text() if boot.exists() else "", version]


def speaks(command):
    """Does a guest print a line of its kernel before the time is up?"""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    heard = b""
    while b"Linux version" not in heard:
        if not select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(process.stdout.fileno(), 4096)
        if not chunk:
            break
        heard += chunk
    process.kill()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass  # stuck in the host's kernel: it goes when that lets it go
    return b"Linux version" in heard


def probe(machine, directory):
    command = machine["command"] + machine["kvm"] + ["-m", "512", "-smp", "2", "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-chardev", "stdio,id=console"] + machine["console"]
    command += ["-kernel", str(directory / "kernel"), "-append", f"console={machine['tty']} panic=-1"]
    return "KVM" if speaks(command) else f"emulation: /dev/kvm is there, but a guest said nothing within {PATIENCE} s"


def accelerator(name, directory, cache):
    machine = qemu.MACHINES[name]
    if platform.machine() != machine.get("host"):
        return "emulation: the host is " + platform.machine()
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "emulation: no /dev/kvm, or not for this user"
    words = words_of_host(machine["command"][0])
    known = cache / hashlib.sha256("\0".join(words + [name]).encode()).hexdigest()[:12]
    if known.exists():
        return known.read_text().strip()
    answer = probe(machine, directory)
    cache.mkdir(parents=True, exist_ok=True)
    # whole or not at all: somebody else may be asking, too
    with tempfile.NamedTemporaryFile("w", dir=cache, delete=False) as file:
        file.write(answer + "\n")
    os.rename(file.name, known)
    return answer


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(accelerator(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
