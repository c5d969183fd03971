# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Part of make test-full: bugs that are planted in the core, each in a clone of this checkout, which make fuzz has to find there.

# plant_found PLANT CASE: the run fails for this case of it, and says which it was.
plant_found() {
	local dir=$RESULTS/plants log=$LOGS/plant-$1.log name="fuzz: $1, planted in the core, is found"
	say "  Plant $1, and fuzz for 2 min                 (5 to 20 min) ..."
	if ! { clone_to "$dir" && patch -p1 --force --fuzz=0 -d "$dir" <"$HERE/plants/$1.patch"; } >"$log" 2>&1; then
		case_is fail "$name" "it cannot be planted: see $log"
	elif make -C "$dir" fuzz SECONDS=120 SEED=1 </dev/null >>"$log" 2>&1; then
		case_is fail "$name" "make fuzz has passed: see $log"
	elif ! grep -qF "not ok - fuzz: $2" "$log"; then
		tail -n 5 "$log" | sed 's/^/      /'
		case_is fail "$name" "make fuzz has failed, and not for \"$2\": see $log"
	else
		grep -F "not ok - fuzz: $2" "$log" | cut -c1-300 | sed 's/^/      /'
		case_is pass "$name"
	fi
	rm -rf "$dir"
}

# With the cache of this checkout, whose kernels need little to be built; the source tree there then is that of the clone until the
# next command: so this is the last thing that a run does.
find_plants() {
	unlock_cache
	plant_found errno "the C core gives the same results"
	plant_found reference "Rust core, threads and faults"
}
