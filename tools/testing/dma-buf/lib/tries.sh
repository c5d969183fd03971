# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Part of make test-full: every command of "make help" and every knob of the README, used as a user would use it, in a clone of
# this checkout with a cache of its own.

# try NAME LOG COMMAND...: pass when COMMAND succeeds.
try() {
	local name=$1 log=$LOGS/try-$2.log start=$SECONDS
	shift 2
	say "  Try: $name ..."
	if "$@" </dev/null >"$log" 2>&1; then
		case_is pass "try: $name" "$(duration $((SECONDS - start)))"
	else
		tail -n 20 "$log" | sed 's/^/      /'
		case_is fail "try: $name" "see $log"
	fi
}

# in_clone WORD...: make in the clone, with a cache beside it.
in_clone() { XDG_CACHE_HOME=$TRIES/cache make -C "$TRIES/clone" "$@"; }

# says TEXT LOG: did the command before this one, whose log that is, say so?
says() { grep -qF "$1" "$LOGS/try-$2.log" || { echo "it did not say: $1"; return 1; }; }

clone_of_ours() {
	rm -rf "${TRIES:?}/$1"
	git -c safe.directory='*' clone -q "$TOP" "$TRIES/$1"
	# what is not committed, too
	(cd "$TOP" && our_files | xargs cp --parents -t "$TRIES/$1")
}

# A cache without objects: what is downloaded and unpacked is there.
cache_of_ours() {
	mkdir -p "$TRIES/cache/rust-dma-buf"
	cp -al "$CACHE"/{deb,source,bin,busybox-*,libdrm-*} "$TRIES/cache/rust-dma-buf/"
	[ ! -d "$CACHE/bindgen" ] || cp -al "$CACHE/bindgen" "$TRIES/cache/rust-dma-buf/"
}

# A kernel tree as its developers have it.
git_checkout() {
	cp -al "$PRISTINE" "$TRIES/git-tree"
	cd "$TRIES/git-tree" || return
	git init -q . && git add -A && git -c user.name=nobody -c user.email=nobody@localhost commit -qm "Linux $KERNEL"
}

# Interrupted as by the terminal, in the middle of compiling; nothing may go on compiling, and the next run ends what was begun.
interrupted_build() {
	local pid log=$TRIES/interrupted.log
	set -m
	in_clone build MACHINE=arm64 CORE=c >"$log" 2>&1 &
	pid=$!
	set +m
	until grep -q '^  CC ' "$TRIES"/clone/build/logs/build-the-kernel-arm64-core-c.log 2>/dev/null; do
		kill -0 "$pid" || { cat "$log"; return 1; }
		sleep 1
	done
	kill -INT -- "-$pid"
	! wait "$pid" || { echo "an interrupted build says that it has succeeded"; return 1; }
	sleep 5
	! pgrep -f "$TRIES/cache/rust-dma-buf/obj" || { echo "these go on"; return 1; }
	in_clone build MACHINE=arm64 CORE=c
}

# The same command again, with a second clone, compiles nothing.
second_clone() {
	clone_of_ours second
	XDG_CACHE_HOME=$TRIES/cache make -C "$TRIES/second" build || return
	! grep -E '^  (CC|AS|RUSTC)' "$TRIES"/second/build/logs/build-the-kernel-*.log
}

# Somebody without rights on this machine, but with a home.
without_root() {
	local home=$TRIES/home
	mkdir -p "$home"
	clone_of_ours home/clone
	cp -a "$TRIES/cache" "$home/.cache"
	chown -R nobody: "$home"
	chmod a+rx "$TRIES" "$RESULTS" "$BUILD" "$TOP"
	runuser -u nobody -- env HOME="$home" make -C "$home/clone" run
}

menu() { XDG_CACHE_HOME=$TRIES/cache TERM=xterm script -qec "stty rows 40 cols 120; (sleep 3; printf '\033\033') | make -C $TRIES/clone menuconfig" /dev/null; }

try_everything() {
	local command log
	TRIES=$RESULTS/tries
	mkdir -p "$TRIES"
	clone_of_ours clone
	cache_of_ours
	try "make help" help in_clone help
	# every command it names is tried here
	sed -n 's/^make \([a-z-]*\) .*/\1/p' "$LOGS/try-help.log" | while read -r command; do
		grep -q "in_clone $command\|make .*$command\|^	try_$command" "$HERE/lib/tries.sh" "$HERE/lib/tests.sh" || case_is fail "try: make $command" "not tried"
	done
	try "make run, with a cache elsewhere (XDG_CACHE_HOME)" run in_clone run
	try "make build in a second clone compiles nothing" second-clone second_clone
	try "make build JOBS=1" jobs in_clone build JOBS=1
	try "make build, interrupted, and again" interrupted interrupted_build
	try "make run, without root" without-root without_root
	try "make run MACHINE=arm64 KDIR=, a plain tree" kdir-plain in_clone run MACHINE=arm64 KDIR="$PRISTINE"
	try "a git checkout of a kernel" git-checkout git_checkout
	try "make run KDIR=, a git checkout, in a strange environment" kdir-git \
		env ARCH=mips CROSS_COMPILE=none- CFLAGS=-nonsense KBUILD_OUTPUT=/nowhere O=/nowhere make -C "$TRIES/clone" run KDIR="$TRIES/git-tree"
	try "make run LINK=m" run-modules in_clone run LINK=m
	try "make run MACHINE=x86_64" run-x86_64 in_clone run MACHINE=x86_64
	try "make check T=heap_alloc" check-program in_clone check T=heap_alloc
	try "make check T=rust_dma_fence" check-suite in_clone check T=rust_dma_fence
	try "make check T=rustfmt" check-gate in_clone check T=rustfmt
	try "make bench" bench in_clone bench
	try "make bench OP=merge" bench-op in_clone bench OP=merge
	try "make rustdoc" rustdoc in_clone rustdoc
	try "make menuconfig" menuconfig menu
	try "make test-debug" test-debug in_clone test-debug
	for log in run kdir-plain kdir-git run-modules run-x86_64; do
		try "the main job of $log shows frames" "frames-$log" says "frames shown: 30" "$log"
	done
	try "make clean" clean in_clone clean
	rm -rf "$TRIES"
}
