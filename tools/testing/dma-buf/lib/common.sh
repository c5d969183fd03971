# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script of the front door shares: places, messages, timed stages, the lock.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../.." && pwd)
HERE=$TOP/tools/testing/dma-buf
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/rust-dma-buf
BUILD=$TOP/build
LOGS=$BUILD/logs

say() { printf '%s\n' "$*"; }

# fail STAGE WHAT NEXT [LOG]: every error names its stage, the log and the next step.
fail() {
	{
		printf '\nFAILED at: %s\n  what: %s\n' "$1" "$2"
		if [ -n "${4:-}" ]; then printf '  log:  %s\n' "$4"; fi
		printf '  next: %s\n' "$3"
	} >&2
	exit 1
}

duration() {
	if [ "$1" -ge 60 ]; then printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); else printf '%d s' "$1"; fi
}

# all_of_it_took START: what a command says last of itself; START is what SECONDS was. Processor time is that of all that has ended
# below this shell, QEMU with it. Not for a subshell, which knows its own children only.
all_of_it_took() {
	local user system
	times >"$LOGS/cpu-time"
	read -r user system < <(awk 'function seconds(t) { split(t, at, /[ms]/); return at[1] * 60 + at[2] }
		{ user += seconds($1); system_ += seconds($2) }
		END { printf "%d %d\n", user + 0.5, system_ + 0.5 }' "$LOGS/cpu-time")
	printf 'all of it took %s by the clock, %s of processor time (user %d s, system %d s)\n' \
		"$(duration $((SECONDS - $1)))" "$(duration $((user + system)))" "$user" "$system"
}

# log_of TITLE: where the stage of that title writes.
log_of() { printf '%s/%s.log' "$LOGS" "$(tr -cs 'a-zA-Z0-9.\n' '-' <<<"${1,,}" | sed 's/-$//')"; }

FIRST_ERROR='(^|[^a-z_-])error(:|\[|,)|^E: '

# stage TITLE EXPECTED NEXT COMMAND...: run a command with its output in a log, say how long it
# took; a line a minute shows that it lives. NEXT is what to do when it fails.
stage() {
	local title=$1 expected=$2 next=$3 log start pid rc=0 beat=60 now
	shift 3
	mkdir -p "$LOGS"
	log=$(log_of "$title")
	printf '  %-52s (%s) ...\n' "$title" "$expected"
	start=$SECONDS
	# a process group of its own: an interrupt then takes the compilers down too
	set -m
	(
		set +m
		"$@"
	) </dev/null >"$log" 2>&1 &
	pid=$!
	set +m
	trap 'kill -TERM -- "-$pid" 2>/dev/null; echo "interrupted: start again, finished parts are kept" >&2; exit 130' INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.3
		now=$((SECONDS - start))
		if [ "$now" -ge "$beat" ]; then
			printf '      %s so far: %s\n' "$(duration "$now")" "$(tail -n 1 "$log" | cut -c1-64)"
			beat=$((beat + 60))
		fi
	done
	wait "$pid" || rc=$?
	trap - INT TERM
	if [ "$rc" -ne 0 ]; then
		{
			# with parallel jobs the first error is seldom among the last lines
			if [ "$(wc -l <"$log")" -gt 20 ] && grep -qE "$FIRST_ERROR" "$log"; then
				printf -- '---- the first error in the log:\n'
				grep -nE -m 1 -A 8 "$FIRST_ERROR" "$log"
			fi
			printf -- '---- the last lines of the log:\n'
			tail -n 20 "$log"
		} | sed 's/^/  /' >&2
		fail "$title" "the command ended with status $rc" "$next" "$log"
	fi
	printf '  %-52s done in %s\n' "$title" "$(duration $((SECONDS - start)))"
}

# together FUNCTION...: run them side by side, each in a shell of its own; if one fails, this command does, when all have ended.
together() {
	local one pid pids=() rc=0
	for one; do
		"$one" &
		pids+=($!)
	done
	trap 'kill -TERM "${pids[@]}" 2>/dev/null; wait; exit 130' INT TERM
	for pid in "${pids[@]}"; do wait "$pid" || rc=$?; done
	trap - INT TERM
	[ "$rc" -eq 0 ] || exit "$rc"
}

# One build at a time uses the cache, whichever clone it comes from.
lock_cache() {
	mkdir -p "$CACHE"
	exec 9>"$CACHE/lock"
	if ! flock -n 9; then
		say "  another build is using $CACHE: waiting for it to end"
		flock 9
	fi
	# what an interrupted run left half done
	rm -rf "$CACHE"/tmp.* "$CACHE"/tree/tmp.*
}
unlock_cache() { exec 9>&-; }

# One run at a time has the results of a command of this clone: the next would remove them.
lock_results() {
	exec 7>"$BUILD/$1.lock"
	flock -n 7 || fail "making room for results in $BUILD/$1" "another make $1 is running in this clone" \
		"wait for it to end, or use another clone"
}

# need_space DIR GIB: a full disk is found out before the build, not in the middle of it.
need_space() {
	local free
	free=$(df --output=avail -BG "$1" | tail -n 1 | tr -dc 0-9)
	if [ "$free" -lt "$2" ]; then
		fail "disk space" "$1 has $free GiB free, the build needs $2 GiB" \
			"free some space, or put the cache elsewhere: XDG_CACHE_HOME=/other/disk make ..."
	fi
}

# choose NAME VALUE KNOWN...: a knob with an unknown value lists the known ones.
choose() {
	local name=$1 value=$2 known
	shift 2
	for known; do [ "$value" != "$known" ] || return 0; done
	fail "reading the knobs" "$name=$value is not known" "use one of: $(printf "$name=%s " "$@")"
}

hash_of() { sha256sum | cut -c1-12; }
