/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * Who drops the last reference to a chain releases link after link, without recursion, while others
 * drop theirs to links in the middle. Each link is freed once.
 *
 * Of: drivers/dma-buf/rust/core/fence/chain.rs: Link::release
 * Of: drivers/dma-buf/rust/core/fence/layout/dying.rs: Dying::put
 * Weakened 1: looks at the count first, and then drops the reference, as dma_fence_chain_release() of C
 */

#define LINKS 4
#define NONE 9

byte refs[LINKS];
byte prev[LINKS];
bool freed[LINKS];

inline put(x, last) { d_step { assert(refs[x] > 0); refs[x]--; last = (refs[x] == 0) } }
inline free(x) { d_step { assert(!freed[x]); freed[x] = true } }

#if WEAK == 0
proctype dropper(byte link)
{
	byte before;
	bool last;

	put(link, last);
	do
	:: last ->
		before = prev[link];
		prev[link] = NONE;
		free(link);
		if
		:: before == NONE -> break
		:: else -> put(before, last); link = before
		fi
	:: else -> break
	od
}
#else
#define LOOP 0
#define REST 1
#define FREE 2

/* The calls of release() that this one is inside of: the stack. One inside of one is as it should be. */
#define enter(x) d_step { assert(depth < 2); links[depth] = x; stage[depth] = LOOP; depth++ }

proctype dropper(byte link)
{
	byte links[LINKS];
	byte stage[LINKS];
	byte depth;
	byte before;
	byte count;
	bool last;

	put(link, last);
	if
	:: last -> enter(link)
	:: else
	fi;
	do
	:: depth == 0 -> break
	:: depth > 0 && stage[depth - 1] == LOOP ->
		link = links[depth - 1];
		before = prev[link];
		if
		:: before == NONE -> stage[depth - 1] = FREE
		:: else ->
			count = refs[before];
			if
			:: count > 1 -> stage[depth - 1] = REST
			:: else ->
				prev[link] = prev[before];
				prev[before] = NONE;
				put(before, last);
				if
				:: last -> enter(before)
				:: else
				fi
			fi
		fi
	:: depth > 0 && stage[depth - 1] == REST ->
		stage[depth - 1] = FREE;
		before = prev[links[depth - 1]];
		put(before, last);
		if
		:: last -> enter(before)
		:: else
		fi
	:: depth > 0 && stage[depth - 1] == FREE ->
		depth--;
		free(links[depth])
	od
}
#endif

init {
	byte i;

	/* Three have one each: the newest link, and two before it. */
	atomic {
		for (i : 0 .. LINKS - 1) { prev[i] = i - 1; refs[i] = 1 }
		prev[0] = NONE;
		refs[LINKS - 2]++;
		refs[LINKS - 3]++;
		run dropper(LINKS - 1);
		run dropper(LINKS - 2);
		run dropper(LINKS - 3)
	}
	(_nr_pr == 1);
	for (i : 0 .. LINKS - 1) { assert(freed[i]) }
}
