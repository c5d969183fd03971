# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Drivers that use dma-bufs: each is loaded, which without hardware is all that they do, and unloaded again.

. /jobs/lib.sh
USERS="vivid vim2m videobuf2-dma-sg drm_kms_helper drm_dma_helper drm_shmem_helper ttm gpu-sched vgem vkms virtio-gpu pl111_drm
	etnaviv panfrost lima panthor v3d qxl ethosu qaic fastrpc tee optee industrialio-buffer-dmaengine ib_core ib_uverbs rdma_rxe efa
	vfio-pci iommufd usb_f_fs"

# what the display needed
program plain "unload what was there" 60 sh /jobs/unload.sh
loaded=
for module in $USERS; do
	# not every machine has every one of them
	[ -n "$(find /lib/modules -name "$module.ko")" ] || continue
	program plain "load $module" 60 modprobe "$module"
	program plain "unload $module and what it needed" 60 sh /jobs/unload.sh
	loaded="$loaded $module"
done
# all at once: they meet on the same core
for module in $loaded; do
	program plain "load $module beside the others" 60 modprobe "$module"
done
program plain "unload all of them" 60 sh /jobs/unload.sh
# no user has left a reference behind
program plain "unload the subsystem" 60 rmmod sw_sync udmabuf cma_heap system_heap dma_heap dma_buf
