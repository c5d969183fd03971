# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# How the job suites runs what it runs: the first word is a function of these, or a program.

export PATH="$PATH:/usr/bin" GST_REGISTRY=/tmp/registry GST_DEBUG=1
GST_PLUGIN_SYSTEM_PATH=$(dirname /usr/lib/*/gstreamer-1.0/libgstkms.so)
GST_PLUGIN_SCANNER=$(echo /usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner)
export GST_PLUGIN_SYSTEM_PATH GST_PLUGIN_SCANNER

# device_of NAME: the first of those of that name.
device_of() { echo "/dev/$(basename "$(dirname "$(grep -l "^$1" /sys/class/video4linux/*/name | head -n 1)")")"; }

# What streams must stream, in each way that the driver knows. Of the rest some is newer than this program, and fails with any core.
compliance() {
	v4l2-compliance -d "$(device_of "$1")" -s -e "$(device_of vivid-002-vid-out)" | sed 's/^.*\r//' >/tmp/compliance
	cat /tmp/compliance
	# with vmalloc, which takes memory of the program; dma-contig would want it in one piece
	case $1 in vivid-000*) grep -q 'test USERPTR (select): OK$' /tmp/compliance || return ;; esac
	grep -q 'test MMAP (select): OK' /tmp/compliance && grep -q 'test DMABUF (select): OK$' /tmp/compliance &&
		! grep -E 'test (read/write|blocking wait|MMAP|USERPTR|DMABUF|VIDIOC_EXPBUF)\b.*: FAIL' /tmp/compliance
}

camera=$(device_of vivid-000-vid-cap)
vkms=$(dirname "$(grep -l '^vkms' /sys/kernel/debug/dri/*/name | head -n 1)")

# frames MODE COUNT: from the camera to the display; without a count until it is told to stop.
frames() {
	gst-launch-1.0 -q v4l2src "device=$camera" "io-mode=$1" "num-buffers=$2" ! video/x-raw,format=BGRx,width=640,height=480 ! \
		kmssink driver-name=vkms
}

# shown PID: waits until the display shows what that process gives it.
shown() {
	until grep -q 'fb=[1-9]' "$vkms/state"; do
		kill -0 "$1" || return
		sleep 0.2
	done
}

# Whose the buffers are that the display shows. kmssink copies what it cannot import, and says nothing.
shown_from() {
	if ! grep -q 'imported=no' "$vkms/framebuffer"; then
		echo "the camera"
	elif awk '$5 == "drm"' /sys/kernel/debug/dma_buf/bufinfo | grep -q .; then
		echo "the display, shared"
	else
		echo "the display"
	fi
}

# checksum MODE OWNER: what the display composes, for two seconds, of frames that all have the same picture, and lie in buffers of
# that owner: one line, if that is so.
checksum() {
	frames "$1" -1 >/dev/null &
	shown $! || return
	owner=$(shown_from)
	[ "$owner" = "$2" ] || echo "the buffers are those of $owner, not of $2"
	echo auto >"$vkms/crtc-0/crc/control"
	# the first may be of what was there before
	head -n 128 "$vkms/crtc-0/crc/data" | tail -n 120 | cut -d ' ' -f 2 | grep 0x | sort -u
	killall -q -INT gst-launch-1.0
	wait
}

# The picture must come, be the same in each frame and in each way, and another one if the camera shows another one.
pictures() {
	before=
	for pattern in 0 3; do
		# no text that counts frames
		v4l2-ctl -d "$camera" -c "test_pattern=$pattern,osd_text_mode=2" || return
		copied=$(checksum mmap "the display")
		echo "pattern $pattern, copied: $copied"
		case $copied in "" | "$before" | *[!0-9a-fx]*) return 1 ;; esac
		before=$copied
		for mode in "dmabuf:the camera" "dmabuf-import:the display, shared"; do
			shared=$(checksum "${mode%%:*}" "${mode#*:}")
			echo "pattern $pattern, $mode: $shared"
			[ "$shared" = "$copied" ] || return
		done
	done
	v4l2-ctl -d "$camera" -c test_pattern=0,osd_text_mode=0
}

# It waits for a key, and takes the end of the file for one.
mode_is_set() {
	connector=$(modetest -M vkms -c 2>/dev/null | awk '$3 == "connected" { print $1; exit }')
	modetest -M vkms -s "$connector:640x480"
}

# Blanks come while the display shows something. It ends when there is input, or no more of it. The rates that it prints are of the
# host's speed.
blanks() {
	frames mmap -1 >/dev/null &
	shown $! || return
	sleep 20 | vbltest -M vkms >/tmp/blanks 2>&1
	status=$?
	killall -q -INT gst-launch-1.0
	wait
	grep -q '^freq: ' /tmp/blanks && return $status
	cat /tmp/blanks
	return 1
}

# Everything else that a machine does, around frames from a camera to a display.
under_stress() {
	stress-ng --quiet --cpu 1 --vm 1 --vm-bytes 64M --memfd 1 --pipe 1 --poll 1 --epoll 1 --fork 1 --timeout 600 &
	stress=$!
	camera_to_display >/tmp/frames
	status=$?
	kill -INT $stress || { echo "stress-ng ended before it was told to"; status=1; }
	wait
	grep -E 'checksums that agree|buffers left behind' /tmp/frames
	return $status
}
"$@" </dev/null
