# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Drivers that use dma-bufs: each is loaded, which without hardware is all that they do, and unloaded again.

. /jobs/lib.sh

# What may stay: the subsystem itself, which was there before.
before=$(cut -d ' ' -f 1 /proc/modules | sort)

# not every machine has every one of them
for module in vivid vim2m videobuf2-dma-sg drm_kms_helper drm_dma_helper drm_shmem_helper ttm gpu-sched vgem vkms virtio-gpu pl111_drm \
	etnaviv panfrost lima panthor v3d qxl ethosu qaic fastrpc tee optee industrialio-buffer-dmaengine ib_core ib_uverbs rdma_rxe efa \
	vfio-pci iommufd usb_f_fs; do
	[ -n "$(find /lib/modules -name "$module.ko")" ] || continue
	program plain "load $module" 60 modprobe "$module"
	program plain "unload $module" 60 modprobe -r "$module"
done

# all at once: they meet on the same core
for module in vivid vim2m vgem vkms virtio-gpu etnaviv panfrost fastrpc ib_uverbs iommufd tee; do
	program plain "load $module beside the others" 60 modprobe "$module"
done
for module in tee iommufd ib_uverbs fastrpc panfrost etnaviv virtio-gpu vkms vgem vim2m vivid; do
	program plain "unload $module again" 60 modprobe -r "$module"
done
cut -d ' ' -f 1 /proc/modules | sort >/tmp/after
program plain "no module is left" 10 sh -c "echo '$before' | diff - /tmp/after"
