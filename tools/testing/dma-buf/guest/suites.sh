# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Suites of others, as the distribution has them: what they print is the same on both cores, see lib/suites.sh.

. /jobs/lib.sh
modprobe vkms enable_writeback=1
# two cameras, with memory by vmalloc and with contiguous memory, and an output, whose buffers they import
modprobe vivid n_devs=3 node_types=0x1,0x1,0x100 allocators=0,1,1
modprobe vim2m
displays_on_one_cpu

# suite NAME SECONDS WHAT...: as suite-runs.sh does it
suite() {
	what="$1" limit=$2
	shift 2
	program plain "$what" "$limit" sh /jobs/suite-runs.sh "$@"
}

# first of all: it prints numbers of objects, which are used again in the order in which those before have ended
suite "modeprint" 60 modeprint vkms
for name in vivid-000-vid-cap vivid-001-vid-cap vim2m; do
	suite "v4l2-compliance -s: $name" 1200 compliance $name
done
for mode in mmap dmabuf dmabuf-import; do
	suite "gst-launch-1.0: v4l2src io-mode=$mode ! kmssink" 300 frames $mode 30
done
suite "gst-launch-1.0: the display's checksums of what is shared and of what is copied" 900 pictures
suite "modetest: properties and formats" 60 modetest -M vkms
suite "modetest: a mode is set" 60 mode_is_set
suite "proptest" 60 proptest -M vkms
suite "vbltest" 120 blanks
suite "stress-ng around the main job" 900 under_stress
# libdrm does not know the bus of vkms; only here, so that all else finds one display
modprobe virtio-gpu
suite "drmdevice" 60 drmdevice
