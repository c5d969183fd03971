# SPDX-License-Identifier: GPL-2.0
# Front door: see "make help" and README.md. All the work is done in tools/testing/dma-buf.

# The one place that names the kernel version.
KERNEL := 7.3

export KERNEL MACHINE CORE LINK KDIR JOBS OP T

build run check test test-full test-debug check-users check-combinations bench rustdoc clean help:
	@tools/testing/dma-buf/front.sh $@

.DEFAULT_GOAL := help
.PHONY: build run check test test-full test-debug check-users check-combinations bench rustdoc clean help
