/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * A module that goes waits for the works of containers that are queued on any CPU. A CPU takes all
 * that is queued, and runs it, the newest first, within one read-side critical section of RCU. What
 * runs may queue the next: an array the link that it is in, that a nested container, and so on. The
 * works of nested containers are counted, those of others are never more than two in a row.
 *
 * Of: drivers/dma-buf/rust/core/unload.rs: wait_for_irq_works
 * Of: drivers/dma-buf/rust/core/unload.rs: wait_for_what_is_queued
 * Of: drivers/dma-buf/rust/core/unload.rs: queue
 * Of: drivers/dma-buf/rust/core/fence/nested.rs: works
 * Of: drivers/dma-buf/rust/core/fence/nested.rs: count_one
 * Of: drivers/dma-buf/rust/core/fence/layout/container.rs: Turn::defer
 * Of: drivers/dma-buf/rust/core/fence/layout/container.rs: Dying::free_later
 * Weakened 1: RCU is not waited for: the sentinel is the newest
 * Weakened 2: the sentinel is sent to one CPU
 * Weakened 3: one round: what has run has queued another
 * Weakened 4: two rounds in which nothing nested ran are taken for the end
 */

#define CPUS 2
/* Two that are not nested, one that is, and two that are not again */
#define IN_A_ROW 5
#define IS_NESTED(left) (left == 3)

#if WEAK == 4
#define QUIET 2
#else
#define QUIET 3
#endif

byte work[CPUS];
bool sentinel[CPUS];
bool busy;
bool within[CPUS];
byte works;
bool freed;
bool over;

proctype cpu(byte me)
{
	byte left;
	bool has_sentinel;

	do
	:: d_step {
		work[me] || sentinel[me] ->
		left = work[me];
		has_sentinel = sentinel[me];
		work[me] = 0;
		sentinel[me] = false;
		within[me] = true
	   } ->
		if
		:: has_sentinel -> busy = false
		:: else
		fi;
		if
		:: left ->
			assert(!freed);
			d_step { works = works + IS_NESTED(left); work[me] = left - 1 };
			assert(!freed)
		:: else
		fi;
		within[me] = false
	:: d_step { over && !work[me] && !sentinel[me] } -> break
	od
}

inline wait_for_what_is_queued()
{
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
	!within[1]
#endif
}

init {
	byte i, quiet, before, now;

	run cpu(0);
	run cpu(1);
	/* The last fences are signalled, on whatever CPU. */
	if
	:: work[0] = IN_A_ROW
	:: work[1] = IN_A_ROW
	:: work[0] = IN_A_ROW; work[1] = IN_A_ROW
	fi;
	/* wait_for_irq_works() */
	before = works;
#if WEAK == 3
	wait_for_what_is_queued();
#else
	do
	:: quiet < QUIET ->
		wait_for_what_is_queued();
		now = works;
		if
		:: now == before -> quiet++
		:: else -> quiet = 0
		fi;
		before = now
	:: else -> break
	od;
#endif
	freed = true;
	over = true;
	(_nr_pr == 1)
}
