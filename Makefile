# SPDX-License-Identifier: GPL-2.0
# Front door: see "make help" and README.md. All the work is done in tools/testing/dma-buf.

# The one place that names the kernel version: which x of 7.3.x is KERNEL's.
LINUX := 7.3

KNOBS := MACHINE CORE LINK DEBUG_KERNEL WATCH KERNEL KDIR FRAGMENT OP ONLY BASE JOBS
# Those that are given, with nothing in them, too: what is not given is what "make menuconfig" has left in build/config.
export LINUX T ACCEPT $(foreach knob,$(KNOBS),$(if $(filter undefined,$(origin $(knob))),,$(knob)))

build run check test test-full test-debug check-users check-combinations check-series bench rustdoc unsafe models fuzz soak patches install uninstall menuconfig clean help:
	@tools/testing/dma-buf/front.sh $@

# by other names: SECONDS is a clock of bash's own
fuzz: export FUZZ_SECONDS := $(SECONDS)
fuzz: export FUZZ_SEED := $(SEED)
soak: export SOAK_SECONDS := $(SECONDS)

.DEFAULT_GOAL := help
.PHONY: build run check test test-full test-debug check-users check-combinations check-series bench rustdoc unsafe models fuzz soak patches install uninstall menuconfig clean help
