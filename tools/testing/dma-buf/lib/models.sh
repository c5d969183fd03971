# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# make models: tests of what runs without a lock, by herd7 and the memory model of the kernel that is built, and by spin.

# herd7 and what it was built for, as bindgen: no Debian before forky has one, and that wants a C library of its own.
HERD7=$CACHE/herd/bin/herd7

download_herd() {
	local arch package debs=()
	arch=$(dpkg --print-architecture)
	private_apt tools forky "$arch"
	for package in herdtools7 libc6 libgmp10; do
		[ -n "$(newest "$CACHE/deb/${package}_*_$arch.deb")" ] || download_package "$CACHE/deb" "$package"
		debs+=("$(newest "$CACHE/deb/${package}_*_$arch.deb")")
	done
	unpack_to "$CACHE/herd" unpack_herd "${debs[@]}"
}

# unpack_herd HERDTOOLS LIBC LIBGMP DIR: of the tools, which take 250 MB, no more than herd7.
unpack_herd() {
	local dir=$4 loader
	dpkg-deb --fsys-tarfile "$1" | tar -xC "$dir" ./usr/bin/herd7 ./usr/share/herdtools7/herd
	dpkg-deb -x "$2" "$dir"
	dpkg-deb -x "$3" "$dir"
	loader=$(cd "$dir" && find usr/lib -name 'ld-linux-*.so.*' | head -n 1)
	mkdir "$dir/bin"
	cat >"$dir/bin/herd7" <<-END
		#!/bin/sh
		here=\${0%/*}/..
		exec "\$here/$loader" --library-path "\$here/${loader%/*}" "\$here/usr/bin/herd7" -set-libdir "\$here/usr/share/herdtools7/herd" "\$@"
	END
	chmod +x "$dir/bin/herd7"
	"$dir/bin/herd7" -version
}

fetch_herd() {
	! "$HERD7" -version >/dev/null 2>&1 || return 0
	stage "Get herd7" "40 MB, 10 s" "check that apt works on this machine, and remove $CACHE/deb/{herdtools7,libgmp10}_*" download_herd
}

SPIN=$CACHE/spin/usr/bin/spin

download_spin() {
	local arch
	arch=$(dpkg --print-architecture)
	private_apt spin "$CODENAME" "$arch"
	[ -n "$(newest "$CACHE/deb/spin_*_$arch.deb")" ] || download_package "$CACHE/deb" spin
	unpack_to "$CACHE/spin" dpkg-deb -x "$(newest "$CACHE/deb/spin_*_$arch.deb")"
}

fetch_spin() {
	[ ! -x "$SPIN" ] || return 0
	stage "Get spin" "1 MB, 5 s" "check that apt works on this machine" download_spin
}

# models_gate [--accept]: whether comments in the code, models and hashes go together. Needs no herd7.
models_gate() { python3 "$HERE/lib/models_gate.py" "$@" "$TOP" "$HERE/models" "$HERE/configs/models.txt"; }

fetch_for_models() {
	# spin makes programs of its models
	reader_packages gcc libc6-dev
	fetch_source
	set_source
	together fetch_herd fetch_spin
}

run_models() {
	rm -rf "$BUILD/models"
	mkdir "$BUILD/models"
	python3 "$HERE/lib/models.py" --herd "$HERD7" --memory-model "$PRISTINE/tools/memory-model" --spin "$SPIN" \
		--out "$BUILD/models" "$HERE/models"
}

# The part of make test-full
models_test() {
	fetch_for_models
	unlock_cache
	gate "models: each as it is and weakened says what is expected" models-run run_models
	tail -n 1 "$LOGS/gate-models-run.log" | sed 's/^/    /'
}

models() {
	local start=$SECONDS
	say "Rust DMA-BUF: models of what runs without a lock"
	mkdir -p "$CACHE" "$BUILD" "$LOGS"
	lock_cache
	fetch_for_models
	unlock_cache
	models_gate ${ACCEPT:+--accept} || fail "comparing models and code" "they do not go together, see above" \
		"mend the model, or the comment; tools/testing/dma-buf/lib/models_gate.py says what is asked for"
	run_models ||
		fail "running the models" "not all say what is expected, see above" \
			"Documentation/driver-api/dma-buf-rust-models.rst tells how to read it" "$BUILD/models/log"
	all_of_it_took "$start"
}
