# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Part of make test-full: bugs that are planted in the core, each in a clone of this checkout, which make fuzz has to find there. The
# first lines of a patch have the case that fails, and a pattern for what it says.

# plant_says PLANT WORD: what the patch has behind "WORD: ".
plant_says() { sed -n "s/^$2: //p" "$HERE/plants/$1.patch"; }

# plant_found PLANT: the run fails, for that case alone, and for what was planted.
plant_found() {
	local dir=$RESULTS/plant-$1 log=$LOGS/plant-$1.log name="fuzz: $1, planted in the core, is found" bad
	say "  Plant $1, and fuzz for 2 min                 (5 to 20 min) ..."
	if ! { clone_to "$dir" && patch -p1 --force --fuzz=0 -d "$dir" <"$HERE/plants/$1.patch"; } >"$log" 2>&1; then
		case_is fail "$name" "it cannot be planted: see $log"
		return
	fi
	if env -u MACHINE -u LINK -u CORE -u T make -C "$dir" fuzz SECONDS=120 SEED=1 </dev/null >>"$log" 2>&1; then
		case_is fail "$name" "make fuzz has passed: see $log"
		return
	fi
	bad=$(grep '^not ok - ' "$log" || true)
	if [[ $bad != "not ok - fuzz: $(plant_says "$1" Fails)"* ]] || [ "$(wc -l <<<"$bad")" != 1 ] || ! grep -qE -- "$(plant_says "$1" Says)" <<<"$bad"; then
		if [ -n "$bad" ]; then echo "$bad"; else tail -n 5 "$log"; fi | cut -c1-300 | sed 's/^/      /'
		case_is fail "$name" "make fuzz has failed, and not for that alone: see $log"
		return
	fi
	cut -c1-300 <<<"      $bad"
	case_is pass "$name"
	rm -rf "$dir"
}

# With the cache of this checkout, whose kernels need little to be built; the source tree there then is that of the clone until the
# next command: so this is the last thing that a run does.
find_plants() {
	local plant
	unlock_cache
	for plant in "$HERE"/plants/*.patch; do plant_found "$(basename "$plant" .patch)"; done
}
