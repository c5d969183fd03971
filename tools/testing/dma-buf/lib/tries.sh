# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Part of make test-full: the commands of "make help" and the knobs of the README, used as a user would use them, in a clone of
# this checkout with a cache of its own. What they do is tested elsewhere; here it is seen that they do it.

# try NAME LOG COMMAND...: pass when COMMAND succeeds.
try() {
	local name=$1 log=$LOGS/try-$2.log start=$SECONDS
	shift 2
	say "  Try: $name ..."
	if "$@" </dev/null >"$log" 2>&1; then
		case_is pass "try: $name"
		say "  Try: $name: done in $(duration $((SECONDS - start)))"
	else
		tail -n 20 "$log" | sed 's/^/      /'
		case_is fail "try: $name" "see $log"
	fi
}

# in_clone WORD...: make in the clone, with a cache beside it.
in_clone() { XDG_CACHE_HOME=$TRIES/cache make -C "$TRIES/clone" "$@"; }

# clone_to DIR: what git has of this checkout and what is not committed.
clone_to() {
	rm -rf "$1"
	git -c safe.directory='*' clone -q "$TOP" "$1" || return
	(cd "$TOP" && our_files | while read -r file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done | xargs -0 cp --parents -t "$1")
}

# What is downloaded and unpacked, without an object.
copy_cache() {
	local dir=$TRIES/cache/rust-dma-buf name
	mkdir -p "$dir"
	for name in deb source bin bindgen herd spin busybox-{arm64,armhf,amd64} libdrm-{arm64,armhf,amd64}; do
		[ ! -e "$CACHE/$name" ] || cp -al "$CACHE/$name" "$dir/" || return
	done
}

# Kernel trees as people have them: unpacked, and cloned.
plain_tree() { cp -a --reflink=auto "$PRISTINE" "$TRIES/plain"; }
# Debian's tree has a .gitignore that leaves everything out.
git_tree() {
	cp -a --reflink=auto "$PRISTINE" "$TRIES/git"
	cd "$TRIES/git" || return
	git init -q . && git add -Af && git -c user.name=nobody -c user.email=nobody@localhost commit -qm "Linux"
}

# state_of TREE: another one when a file of it has been written.
state_of() { find "$1" -path "$1/.git" -prune -o -printf '%p %s %T@\n' | sort | hash_of; }

# own_tree DIR MACHINE: run from it; nothing is written there.
own_tree() {
	local state
	state=$(state_of "$TRIES/$1")
	in_clone run "KDIR=$TRIES/$1" "MACHINE=$2" || return
	[ "$state" = "$(state_of "$TRIES/$1")" ] ||
		{ echo "$TRIES/$1 is not what it was"; return 1; }
}

# Interrupted as by the terminal, in the middle of compiling; nothing goes on, and the next run ends what was begun.
interrupted_build() {
	local pid log
	log=$TRIES/clone/build/logs/build-the-kernel-vexpress-a9-core-rust.log
	set -m
	# who was started in the background by a script has it ignored
	env --default-signal=INT XDG_CACHE_HOME="$TRIES/cache" make -C "$TRIES/clone" build &
	pid=$!
	set +m
	until grep -qs '^  CC ' "$log"; do
		kill -0 "$pid" || return 1
		sleep 1
	done
	kill -INT -- "-$pid"
	! wait "$pid" || { echo "an interrupted build says that it has succeeded"; return 1; }
	sleep 5
	! pgrep -af "$TRIES/cache/rust-dma-buf/obj" || { echo "these go on"; return 1; }
	in_clone build
}

# A clone at another place has the same files: nothing but what is ours, which are links to them, is compiled again.
second_clone() {
	clone_to "$TRIES/second" || return
	XDG_CACHE_HOME=$TRIES/cache make -C "$TRIES/second" build || return
	! grep -hE '^  (CC|AS)( \[M\])? +(init|kernel|mm|fs|lib|net)/[a-z]' "$TRIES"/second/build/logs/build-the-kernel-*.log | grep -v version
}

# Somebody without rights on this machine, but with a home.
without_root() {
	local home status=0
	# this checkout may be where nobody else gets to
	home=$(mktemp -d /var/tmp/rust-dma-buf.XXXXXX) || return
	clone_to "$home/clone" || return
	mv "$TRIES/cache" "$home/.cache"
	chown -R nobody: "$home"
	runuser -u nobody -- env -u XDG_CACHE_HOME HOME="$home" make -C "$home/clone" run || status=$?
	rm -rf "$home"
	return "$status"
}

# What is told to make, and to the makes below it, is as many.
three_jobs() {
	local pid seen=
	in_clone build CORE=c JOBS=3 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		! pgrep -f "make .*-j3 .*$TRIES|make .*$TRIES.*-j3" || seen=1
		sleep 0.2
	done
	wait "$pid" || return
	[ -n "$seen" ] || { echo "no make had -j3"; return 1; }
}

own_fragment() {
	echo CONFIG_LOCALVERSION='"-mine"' >"$TRIES/fragment"
	in_clone run "FRAGMENT=$TRIES/fragment" || return
	grep -- '-mine ' "$TRIES/clone/build/run/console.log"
}

watched_run() { in_clone run WATCH=y && [ -s "$TRIES/clone/build/run/dmabuf-top.png" ]; }

# The version that is there, and one that is nowhere: the error says which are.
own_version() {
	local version
	version=$(version_of_tree "$PRISTINE")
	in_clone run "KERNEL=$version" || return
	! in_clone run KERNEL="$LINUX.9999" >"$TRIES/no-version" 2>&1 || { echo "there is a $LINUX.9999"; return 1; }
	cat "$TRIES/no-version"
	grep "what: .* has: .*$version" "$TRIES/no-version"
}

debug_run() {
	in_clone run MACHINE=arm64 DEBUG_KERNEL=y || return
	grep 'Lock dependency validator' "$TRIES/clone/build/run/console.log"
}

# Kconfig's menu needs a terminal; F9 leaves it as Escape does.
menu() {
	local keys=$'\033\033'
	# Escape twice leaves the menu; again and again, because it may have to be built first
	TERM=linux XDG_CACHE_HOME=$TRIES/cache timeout 120 script -qec "make -C '$TRIES/clone' menuconfig" /dev/null < <(while sleep 1 && printf %s "$keys"; do :; done 2>/dev/null)
}

knows_every_command() {
	local command
	in_clone help | tee "$TRIES/help" || return
	while read -r command; do
		[ "$command" = help ] || grep -q "^make $command " "$TRIES/help" || { echo "make help does not know $command"; return 1; }
	done < <(sed -n 's/^\.PHONY: //p' "$TOP/Makefile" | tr ' ' '\n')
}

# check of a program, a suite, a gate, and of nothing that there is
check_one() {
	in_clone check T=dmabuf-heap && in_clone check T=rust_dma_fence && in_clone check T=rustfmt && ! in_clone check T=nothing
}

cleaned() { in_clone clean && [ ! -e "$TRIES/clone/build/run" ] && [ -d "$TRIES/cache/rust-dma-buf/obj" ]; }

try_everything() {
	TRIES=$RESULTS/tries
	mkdir -p "$TRIES"
	try "a clone, with a cache of its own" clone clone_to "$TRIES/clone"
	try "what is downloaded, for its cache" cache copy_cache
	try "kernel trees: plain" plain-tree plain_tree
	try "kernel trees: git" git-tree git_tree
	unlock_cache # it takes long, and has its own now
	try "make help" help knows_every_command
	try "an interrupted make build, and again" interrupted interrupted_build
	try "a second clone compiles nothing again" second second_clone
	try "make run" run in_clone run
	try "make run WATCH=y" watch watched_run
	try "make run KERNEL=" kernel own_version
	try "make run FRAGMENT=" fragment own_fragment
	try "make build CORE=c JOBS=3" jobs three_jobs
	try "make run KDIR=, a plain tree, arm64" plain own_tree plain arm64
	try "make run KDIR=, a git checkout, vexpress-a9" git own_tree git vexpress-a9
	try "make run MACHINE=arm64 DEBUG_KERNEL=y" debug-run debug_run
	try "make test-debug" test-debug in_clone test-debug
	try "make bench" bench in_clone bench
	try "make bench OP=merge" bench-op in_clone bench OP=merge
	try "make bench MACHINE=x86_64" bench-x86 in_clone bench MACHINE=x86_64
	try "make check T=" check-one check_one
	try "make check" check in_clone check
	try "make rustdoc" rustdoc in_clone rustdoc
	try "make unsafe" unsafe in_clone unsafe
	try "make patches" patches in_clone patches
	try "make models" models in_clone models
	try "make menuconfig" menuconfig menu
	try "make clean" clean cleaned
	try "make run without root" without-root without_root
	rm -rf "$TRIES"
}
