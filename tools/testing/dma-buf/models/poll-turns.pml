/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * Two poll for a buffer whose two fences are signalled meanwhile. Both are told in the end, the
 * callback is with one fence at a time, and each reference to the file is dropped.
 *
 * Of: drivers/dma-buf/rust/core/buffer/poll.rs: poll
 * Of: drivers/dma-buf/rust/core/buffer/poll.rs: arm
 * Of: drivers/dma-buf/rust/core/buffer/layout/body.rs: Claim::new
 * Of: drivers/dma-buf/rust/core/buffer/layout/body.rs: Claim::arm
 * Of: drivers/dma-buf/rust/core/buffer/layout/body.rs: Claim::drop
 * Of: drivers/dma-buf/rust/core/buffer/layout/body.rs: fence_signaled
 * Weakened 1: those who wait are woken before the slot is free
 * Weakened 2: a poller that finds the slot armed goes to sleep without being in the queue
 */

#define FENCES 2
#define POLLERS 2
#define NOWHERE 9

bool signaled[FENCES];
bool locked[FENCES];
byte callback = NOWHERE;	/* the fence that has it */
bool armed;
byte files = 1;
bool resv;
bool waits[POLLERS];
bool woken[POLLERS];

inline lock(x) { d_step { !x -> x = true } }
inline unlock(x) { x = false }
inline wake() {
	d_step {
		if :: waits[0] -> woken[0] = true :: else fi;
		if :: waits[1] -> woken[1] = true :: else fi
	}
}

proctype poller(byte me)
{
	byte i;
	bool ready;

	do
	::
#if WEAK != 2
		waits[me] = true;
#endif
		lock(resv);
		ready = false;
		if
		:: d_step { !armed -> armed = true } ->
			files++;
			i = 0;
			do
			:: i < FENCES ->
				lock(locked[i]);
				if
				:: !signaled[i] ->
					assert(callback == NOWHERE);
					callback = i;
					unlock(locked[i]);
					break
				:: else ->
					unlock(locked[i]);
					i++
				fi
			:: else ->
				files--;
				armed = false;
				ready = true;
				break
			od
		:: else
		fi;
		unlock(resv);
#if WEAK == 2
		waits[me] = true;
#endif
		if
		:: ready -> break
		:: else -> d_step { woken[me] -> woken[me] = false }
		fi
	od;
	waits[me] = false
}

proctype issuer(byte i)
{
	lock(locked[i]);
	signaled[i] = true;
	if
	:: callback == i ->
		callback = NOWHERE;
		assert(armed && files > 0);
#if WEAK == 1
		wake();
		armed = false;
#else
		armed = false;
		wake();
#endif
		files--
	:: else
	fi;
	unlock(locked[i])
}

init {
	atomic {
		run poller(0);
		run poller(1);
		run issuer(0);
		run issuer(1)
	}
	/* If somebody sleeps for ever this is never reached, which spin reports. */
	(_nr_pr == 1);
	assert(files == 1 && !armed && callback == NOWHERE)
}
