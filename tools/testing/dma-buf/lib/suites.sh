# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The job suites of make test-full: programs of others, as the distribution has them, on both cores. What they print must be the same.

SUITE_PACKAGES=(v4l-utils gstreamer1.0-{tools,plugins-base,plugins-good,plugins-bad} libdrm-tests stress-ng)
SUITE_FILES=(usr/bin/{v4l2-compliance,v4l2-ctl,gst-launch-1.0,stress-ng}
	usr/bin/{drmdevice,modeprint,modetest,proptest,vbltest}
	'usr/lib/*/gstreamer-1.0/libgst'{coreelements,video4linux2,kms}.so
	'usr/lib/*/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner')

# What the files need of some 380 packages, in a directory.
suite_files() {
	local all deb archives=$CACHE/apt/suites/cache/archives
	private_apt suites "$CODENAME" "$DEBARCH"
	apt-get -o Acquire::Retries=5 update
	apt-get -o Acquire::Retries=5 -o Debug::NoLocking=1 install -y --no-install-recommends --download-only "${SUITE_PACKAGES[@]}"
	all=$(mktemp -d "$CACHE/tmp.XXXXXX")
	for deb in "$archives"/*.deb; do dpkg-deb -x "$deb" "$all"; done
	python3 "$HERE/lib/closure.py" --readelf "${CROSS}readelf" --from "$all" --to "$1" "${SUITE_FILES[@]}"
	echo "${SUITE_FILES[*]}" >"$1/.suites"
	rm -rf "$all" "$archives"/*.deb
}

fetch_suites() {
	[ "$(cat "$CACHE/suites-$DEBARCH/.suites" 2>/dev/null)" = "${SUITE_FILES[*]}" ] ||
		stage "Get v4l2-compliance, GStreamer and others for $DEBARCH guests" "180 MB, 26 MB of them kept, 1 min" \
			"check that apt works on this machine: apt-get update" unpack_to "$CACHE/suites-$DEBARCH" suite_files
}

# suites_guest CORE: the kernel of the tests, and its programs, with these beside them.
suites_guest() {
	local MACHINE=arm64 LINK=y CORE=$1
	set_machine
	VARIANT=$VARIANT-suites
	guest_with "$CACHE/suites-$DEBARCH" "suites-$1"
	tested_job suites
	rm -rf "$OUT"
}

# What the programs of a guest have said, and their status. Warnings of requests that came late are of the host's speed, and
# modeprint prints an address of its own.
suites_said() {
	sed -n '/^# begin /,/^# end /p' "$RESULTS/arm64-$1-suites/suites/data.log" | sed '/warn: .*vivid_ro_ctrl/d; s/, Warnings: [0-9]*$//; s/\(mode  *: \)0x[0-9a-f]*$/\1an address/'
}

suites_agree() { diff -u <(suites_said c) <(suites_said rust) >"$RESULTS/suites.diff"; }

suites_test() {
	local name="suites of others: v4l2-compliance, GStreamer and the programs of libdrm say the same on both cores"
	for CORE in rust c; do
		MACHINE=arm64 LINK=y
		build_machine "$MACHINE" "$LINK"
		fetch_suites
	done
	for CORE in rust c; do suites_guest "$CORE"; done
	CORE=rust
	if suites_agree; then
		case_is pass "$name"
	else
		head -n 20 "$RESULTS/suites.diff" | sed 's/^/      /'
		case_is fail "$name" "see $RESULTS/suites.diff"
	fi
}
