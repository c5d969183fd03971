# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# make fuzz: the command line says dmabuf.fuzz=guided,SECONDS,SEED, race,SECONDS,SEED or replay. Files come with the initramfs.

. /jobs/lib.sh
modprobe vgem
modprobe virtio-gpu
modprobe vkms
modprobe vivid n_devs=2 node_types=0x1,0x1 allocators=0,1
huge=/proc/sys/vm/nr_hugepages
[ ! -e $huge ] || echo 8 >$huge

events=/sys/kernel/tracing/events

IFS=, read -r mode seconds seed <<END
$(word fuzz)
END
case $mode in
replay) set -- replay /jobs/fuzz-programs ;;
race)
	# what trace events look at must be there, too
	for each in dma_fence dma_buf sync_trace; do
		[ ! -e $events/$each/enable ] || echo 1 >$events/$each/enable
	done
	set -- race "$seconds" "$seed" /jobs/fuzz-corpus /jobs/fuzz-duels
	;;
*) set -- "$mode" "$seconds" "$seed" /jobs/fuzz-corpus ;;
esac
# what it was told, and as long again for a look at what is left
program plain fuzz $((${seconds:-3000} * 2 + 1000)) fuzz "$@"
