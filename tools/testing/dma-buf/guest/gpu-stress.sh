# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The sketch of a GPU for as long as it takes: as many moves as the kernel's command line says (dmabuf.moves=N), see
# tools/testing/selftests/dma-buf-rust/gpu_sample_stress.c.

. /jobs/lib.sh
modprobe vgem
modprobe vkms
GPU_STRESS=$(word moves)
export GPU_STRESS
program tap gpu_sample 36000 gpu_sample
