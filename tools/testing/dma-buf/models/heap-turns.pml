/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * A heap is removed while two allocate from it: nobody is inside when it goes, nor comes in then,
 * and who removes it does not wait for ever.
 *
 * Of: drivers/dma-buf/rust/heap/gate.rs: Gate::enter
 * Of: drivers/dma-buf/rust/heap/gate.rs: Gate::close
 * Of: drivers/dma-buf/rust/heap/gate.rs: Gate::wait_until_empty
 * Of: drivers/dma-buf/rust/heap/gate.rs: Passage::drop
 * Weakened 1: looks whether it is closed, and then counts
 * Weakened 2: who finds the gate closed does not leave it as the others do
 */

#define CLOSED 100

byte users;
bool completed;
bool gone;

inline leave() {
	d_step { before = users; users-- };
	if
	:: before == CLOSED + 1 -> completed = true
	:: else
	fi
}

proctype allocator()
{
	byte before;
	byte i;

	for (i : 1 .. 2) {
#if WEAK == 1
		before = users;
		if
		:: before < CLOSED -> users++
		:: else
		fi;
#else
		d_step { before = users; users++ };
#endif
		if
		:: before < CLOSED ->
			assert(!gone);
			assert(!gone);
			leave()
		:: else ->
#if WEAK == 0
			leave()
#elif WEAK == 2
			users--
#endif
		fi
	}
}

proctype remover()
{
	byte before;

	d_step { before = users; users = users + CLOSED };
	if
	:: before == 0 -> completed = true
	:: else
	fi;
	completed;
	gone = true
}

init {
	atomic {
		run allocator();
		run allocator();
		run remover()
	}
	(_nr_pr == 1);
	assert(gone && users == CLOSED)
}
