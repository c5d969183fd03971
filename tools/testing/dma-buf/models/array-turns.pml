/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * Two fences of an array are signalled while the array is asked whether it is, which signals it as
 * well, and then is dropped. It is freed once, after the last callback, with the error of a fence.
 * The callbacks have one reference together, which is that of the last to count itself.
 *
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Share::signaled
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::go_on
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::is_signaled
 * Of: drivers/dma-buf/rust/core/fence/array.rs: Array::settle
 * Of: drivers/dma-buf/rust/core/fence/layout/share.rs: Turn::share_out
 * Of: drivers/dma-buf/rust/core/fence/layout/share.rs: Share::give_back
 * Weakened 1: who has counted, and is not the last, looks at the array again
 * Weakened 2: who is not the last drops the reference
 */

#define UNKNOWN 1
#define ERROR 2

byte pending = 2;
byte refs = 2;	/* the callbacks', and the user's */
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
#if WEAK == 1
		assert(!freed)
#elif WEAK == 2
		drop_array()
#else
		skip
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
		run fence(0);
		run fence(1);
		run user()
	}
	(_nr_pr == 1);
	assert(freed && signaled && error == ERROR)
}
