# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# KVM where it works, emulation elsewhere. Who counts instructions does not ask, and gets emulation.

# Machine -> what accelerator.py says.
declare -A ACCELERATOR

# Called when the kernel of $MACHINE is in $OUT: it is what a first guest is tried with.
choose_accelerator() {
	[ -z "${ACCELERATOR[$MACHINE]:-}" ] || return 0
	ACCELERATOR[$MACHINE]=$(timeout 90 python3 "$HERE/accelerator.py" "$MACHINE" "$OUT" "$CACHE/accelerator") ||
		ACCELERATOR[$MACHINE]="emulation: no answer about KVM"
	say "  $MACHINE: ${ACCELERATOR[$MACHINE]}"
}
