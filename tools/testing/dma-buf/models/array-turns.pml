/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * Two fences of an array are signalled while the array is asked whether it is, which signals it as
 * well, and then is dropped. It is freed once, after the last callback, with the error of a fence.
 *
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Share::signaled
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::go_on
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::is_signaled
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::settle
 * Of: drivers/dma-buf/rust/core/fence/layout/container.rs: Share::give_back
 * Weakened 1: a callback counts and has no reference of its own
 */

#define UNKNOWN 1
#define ERROR 2

byte pending = 2;
byte refs = 3;	/* one for each callback, and the user's */
byte error = UNKNOWN;
bool done[2];
bool signaled;
bool freed;

inline settle(value) { d_step { assert(!freed); if :: error == UNKNOWN -> error = value :: else fi } }

inline signal_array() {
	d_step {
		assert(!freed);
		/* It is known by then, and does not change. */
		if :: !signaled -> assert(error == ERROR) :: else fi;
		signaled = true
	}
}

inline drop_array() {
	d_step {
		assert(refs > 0);
		refs--;
		if :: refs == 0 -> assert(!freed); freed = true :: else fi
	}
}

proctype fence(byte i)
{
	byte before;

	/* The first has an error, which it has set before. */
	done[i] = true;
	if
	:: i == 0 -> settle(ERROR)
	:: else
	fi;
	d_step { assert(!freed); before = pending; pending-- };
	if
	:: before == 1 ->
		settle(0);
		signal_array();
		drop_array()
	:: else ->
		/* Not done with the array yet. */
		assert(!freed);
#if WEAK == 0
		drop_array()
#endif
	fi
}

proctype user()
{
	/* Asks, and does so without the callbacks' count, or with it. */
	if
	:: pending == 0 ->
		if :: done[0] -> settle(ERROR) :: else fi;
		settle(0);
		signal_array()
	:: true
	fi;
	drop_array()
}

init {
	atomic {
#if WEAK == 1
		refs = 2;	/* the last to count has one */
#endif
		run fence(0);
		run fence(1);
		run user()
	}
	(_nr_pr == 1);
	assert(freed && signaled && error == ERROR)
}
