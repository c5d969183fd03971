# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# BPF programs that walk all buffers.

. /jobs/lib.sh
program tap bpf_iter 300 bpf_iter
