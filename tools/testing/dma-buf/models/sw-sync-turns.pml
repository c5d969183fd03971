/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * A timeline advances, and is closed, while the last reference to a point is dropped: the point is
 * signalled only while it lives, and freed once.
 *
 * Of: drivers/dma-buf/rust/sw_sync/timeline.rs: Timeline::pop_reached
 * Of: drivers/dma-buf/rust/sw_sync/timeline.rs: Timeline::first_pending
 * Of: drivers/dma-buf/rust/sw_sync/layout/objects.rs: Point::try_get
 * Of: drivers/dma-buf/rust/sw_sync/layout/issue.rs: release
 * Weakened 1: a reference is taken without a look at the count, as sync_timeline_signal() of C
 */

byte refs = 1;
bool pending = true;
bool timeline;
bool freed;

inline lock(x) { d_step { !x -> x = true } }
inline unlock(x) { x = false }

/* release() */
inline put_point() {
	d_step { assert(refs > 0); refs--; last = (refs == 0) };
	if
	:: last ->
		if
		:: pending ->
			lock(timeline);
			pending = false;
			unlock(timeline)
		:: else
		fi;
		d_step { assert(!freed); freed = true }
	:: else
	fi
}

inline try_get() {
#if WEAK == 0
	d_step { if :: refs > 0 -> refs++; live = true :: else -> live = false fi }
#else
	d_step { refs++; live = true }
#endif
}

proctype user()
{
	bool last;

	put_point()
}

/* Those that are reached are taken out, the others stay. */
proctype walker(bool takes_out)
{
	bool last;
	bool live;

	lock(timeline);
	if
	:: pending ->
		assert(!freed);
		try_get();
		if :: takes_out -> pending = false :: else fi
	:: else -> live = false
	fi;
	unlock(timeline);
	if
	:: live ->
		assert(!freed);	/* signals it */
		put_point()
	:: else
	fi
}

init {
	atomic {
		run user();
		run walker(true);
		run walker(false)
	}
	(_nr_pr == 1);
	assert(freed && refs == 0 && !pending)
}
