/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * A task that a fence wakes in time, but that gets to run when its time is over, is told of the
 * signal: one that waits for this fence, under the lock, and one that waits for several.
 *
 * Of: drivers/dma-buf/rust/core/fence/wait.rs: sleep_until_woken
 * Of: drivers/dma-buf/rust/core/fence/wait.rs: sleep_until_any
 * Of: drivers/dma-buf/rust/core/fence/wait.rs: Sleeper::signaled
 * Weakened 1: no look at the fence when the time is over, as dma_fence_default_wait() of C
 * Weakened 2: the same without the lock, as dma_fence_wait_any_timeout() of C
 */

bool locked;
bool signaled;
bool in_time;
bool over;

/* Of the two tasks. */
bool sleeps[2];
bool has_timer[2];

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

/* Until somebody wakes it, or the timer does. */
inline schedule_timeout(task) {
	has_timer[task] = true;
	!sleeps[task];
	left = !over
}

proctype waits_for_one()
{
	bool left = true;
	bool told;

	lock();
	do
	:: signaled || !left -> break
	:: else ->
		sleeps[0] = true;
		unlock();
		schedule_timeout(0);
		lock()
	od;
	sleeps[0] = false;
#if WEAK == 1
	told = left;
#else
	told = left || signaled;
#endif
	unlock();
	assert(told || !in_time)
}

proctype waits_for_any()
{
	bool left = true;
	bool told;

	do
#if WEAK == 2
	:: !left -> break
	:: else ->
#else
	::
#endif
		sleeps[1] = true;
		if
		:: signaled -> told = true; break
		:: else
		fi;
		if
		:: !left -> break
		:: else -> schedule_timeout(1)
		fi
	od;
	sleeps[1] = false;
	assert(told || !in_time)
}

proctype signaler()
{
	lock();
	d_step { signaled = true; in_time = !over };
	sleeps[0] = false;
	sleeps[1] = false;
	unlock()
}

/* A timer that is set when the time is over wakes at once. */
proctype clock()
{
	over = true;
end:	do
	:: has_timer[0] -> d_step { has_timer[0] = false; sleeps[0] = false }
	:: has_timer[1] -> d_step { has_timer[1] = false; sleeps[1] = false }
	od
}

/* Somebody may wake a task for nothing. */
proctype other() { sleeps[0] = false; sleeps[1] = false }

init {
	atomic {
		run waits_for_one();
		run waits_for_any();
		run signaler();
		run clock();
		run other()
	}
}
