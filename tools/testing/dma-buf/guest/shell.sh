# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Not a test: show that the guest is up, with the modules that matter loadable.

. /jobs/lib.sh
program plain uname 10 uname -a
for module in vgem vkms vivid kunit; do
	program plain "modprobe $module" 30 modprobe "$module"
done
program plain devices 10 ls -l /dev/dma_heap /dev/dri /dev/video0 /dev/udmabuf
program plain heaps 10 grep -e Cma -e Mem /proc/meminfo
program plain bufinfo 10 cat /sys/kernel/debug/dma_buf/bufinfo
