/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * A module that goes waits for the works of containers that are queued on any CPU. A CPU takes all
 * that is queued, and runs it, the newest first, within one read-side critical section of RCU.
 *
 * Of: drivers/dma-buf/rust/core/unload.rs: wait_for_irq_works
 * Of: drivers/dma-buf/rust/core/unload.rs: queue
 * Of: drivers/dma-buf/rust/core/fence/layout/container.rs: Turn::defer
 * Weakened 1: RCU is not waited for: the sentinel is the newest
 * Weakened 2: the sentinel is sent to one CPU
 */

#define CPUS 2

bool work[CPUS];
bool sentinel[CPUS];
bool busy;
bool within[CPUS];
bool freed;
bool over;

proctype cpu(byte me)
{
	bool has_work;
	bool has_sentinel;

	do
	:: d_step {
		work[me] || sentinel[me] ->
		has_work = work[me];
		has_sentinel = sentinel[me];
		work[me] = false;
		sentinel[me] = false;
		within[me] = true
	   } ->
		if
		:: has_sentinel -> busy = false
		:: else
		fi;
		if
		:: has_work -> assert(!freed)
		:: else
		fi;
		within[me] = false
	:: d_step { over && !work[me] && !sentinel[me] } -> break
	od
}

init {
	byte i;

	run cpu(0);
	run cpu(1);
	/* The last fences are signalled, on whatever CPU. */
	if
	:: work[0] = true
	:: work[1] = true
	:: work[0] = true; work[1] = true
	fi;
	/* wait_for_irq_works() */
#if WEAK == 2
	for (i : 0 .. 0) {
#else
	for (i : 0 .. CPUS - 1) {
#endif
		busy = true;
		sentinel[i] = true;
		!busy
	}
#if WEAK != 1
	!within[0];
	!within[1];
#endif
	freed = true;
	over = true;
	(_nr_pr == 1)
}
