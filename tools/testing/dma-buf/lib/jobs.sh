# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# "make run": boot a guest for the main job, and show what came of it.

# guest_job MACHINE JOB DIR TIMEOUT [OPTION...]: the kernel and initramfs are those of $OUT.
guest_job() {
	local machine=$1 job=$2 dir=$3 timeout=$4
	shift 4
	[[ $KIND != @(debug|fuzz) ]] || set -- --debug --patience 4 "$@"
	[ "${ACCELERATOR[$machine]:-}" != KVM ] || set -- --kvm "$@"
	python3 "$HERE/qemu.py" --machine "$machine" --core "${CORE%-heaps}" --link "$LINK" --dir "$OUT" --out "$dir" \
		--job "$job" --timeout "$timeout" "$@"
}

# main_job_picture DIR PNG: the picture came as a screen dump or as a file from the guest.
main_job_picture() {
	local ppm
	for ppm in "$1/screen.ppm" "$1/frame.ppm"; do
		[ -e "$ppm" ] || continue
		python3 "$HERE/picture.py" "$ppm" "$2"
		return
	done
	echo "the guest sent no picture" >&2
	return 1
}

run() {
	local dir=$BUILD/run start=$SECONDS origin
	[ -z "$DEBUG_KERNEL" ] || KIND=debug
	say "Rust DMA-BUF: frames from a camera to a display on ${MACHINE:=vexpress-a9}, core $CORE, link ${LINK:=y}"
	prepare
	[ -z "$WATCH" ] || top_packages
	build_machine "$MACHINE" "$LINK"
	unlock_cache
	choose_accelerator
	say "  Boot $MACHINE and run the main job (15 s to 1 min) ..."
	# for the drivers that are built in; what is a module is told by the job
	guest_job "$MACHINE" main-job "$dir" 700 --echo "      guest: " \
		--append "vivid.node_types=0x1 vivid.allocators=1 vkms.enable_writeback=1${WATCH:+ dmabuf.watch=1}" ||
		fail "the main job" "the guest's run was not clean" "read the log; CORE=c shows whether the C core does the same" "$dir/console.log"
	grep -qx '# end 0' "$dir/data.log" ||
		fail "the main job" "camera_to_display failed" "its last message says what to do" "$dir/data.log"
	main_job_picture "$dir" "$dir/frame.png" >"$dir/size" ||
		fail "looking at the picture" "$(cat "$dir/size")" "look at it: $dir/frame.png" "$dir/console.log"
	[ -z "$WATCH" ] || screens_picture "$dir" >"$dir/missing" 2>&1 ||
		fail "looking at the screen of dmabuf-top" "$(tail -n 1 "$dir/missing")" "look at it: $dir/dmabuf-top.png" "$dir/missing"
	if [ -e "$dir/screen.ppm" ]; then origin="screen dump of the guest's display by QEMU"; else origin="what vkms composed, sent by the guest: QEMU cannot see vkms"; fi
	say ""
	say "Summary"
	sed -n '/^--- summary/,/^--- end/p' "$dir/data.log" | grep -v -e '^---' -e '^picture:' -e '^$' | sed 's/^/  /'
	say "  picture: $dir/frame.png ($origin, $(cat "$dir/size"), colour bars found)"
	[ -z "$WATCH" ] || say "  dmabuf-top meanwhile: $dir/dmabuf-top.png (names heap, holder, camera and display)"
	all_of_it_took "$start"
}

