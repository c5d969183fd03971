/*
 * SPDX-License-Identifier: GPL-2.0
 *
 * Who drops the last reference to a chain releases link after link, without recursion, while others
 * drop theirs to links in the middle, and two walk along the chain and cut links out. Each link is
 * freed once, and nobody has one that is.
 *
 * Of: drivers/dma-buf/rust/core/fence/chain.rs: Link::release
 * Of: drivers/dma-buf/rust/core/fence/chain.rs: Link::before
 * Of: drivers/dma-buf/rust/core/fence/chain.rs: Link::cut_out
 * Of: drivers/dma-buf/rust/core/fence/chain.rs: Link::replace
 * Of: drivers/dma-buf/rust/core/fence/reference.rs: Replaceable::load
 * Of: drivers/dma-buf/rust/core/fence/reference.rs: Replaceable::replace
 * Of: drivers/dma-buf/rust/core/fence/reference.rs: Replaceable::take
 * Of: drivers/dma-buf/rust/core/fence/layout/dying.rs: Dying::put
 * Weakened 1: looks at the count first, and then drops the reference, as dma_fence_chain_release() of C
 * Weakened 2: a look and a write in the place of compare and exchange
 * Weakened 3: a reference is taken without a look at the count
 */

#define LINKS 4
#define NONE 9

byte refs[LINKS];
byte prev[LINKS];
bool freed[LINKS];

inline put(x, last) { d_step { assert(refs[x] > 0); refs[x]--; last = (refs[x] == 0) } }
inline free(x) { d_step { assert(!freed[x]); freed[x] = true } }

#if WEAK != 1
#define WHAT_IT_NEEDS bool last; byte dying; byte before

inline drop(x)
{
	put(x, last);
	dying = x;
	do
	:: last ->
		before = prev[dying];
		prev[dying] = NONE;
		free(dying);
		if
		:: before == NONE -> last = false
		:: else -> put(before, last); dying = before
		fi
	:: else -> break
	od;
	atomic { dying = 0; before = 0 }
}
#else
#define LOOP 0
#define REST 1
#define FREE 2

#define WHAT_IT_NEEDS bool last; byte dying; byte before; byte links[2]; byte stage[2]; byte depth

/* The calls of release() that this one is inside of: the stack. One inside of one is as it should be. */
#define enter(x) d_step { assert(depth < 2); links[depth] = x; stage[depth] = LOOP; depth++ }

inline drop(x)
{
	put(x, last);
	if
	:: last -> enter(x)
	:: else
	fi;
	do
	:: depth == 0 -> break
	:: depth > 0 && stage[depth - 1] == LOOP ->
		dying = links[depth - 1];
		before = prev[dying];
		if
		:: before == NONE -> stage[depth - 1] = FREE
		:: before != NONE && refs[before] > 1 -> stage[depth - 1] = REST
		:: before != NONE && refs[before] <= 1 ->
			prev[dying] = prev[before];
			prev[before] = NONE;
			put(before, last);
			if
			:: last -> enter(before)
			:: else
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
	od;
	atomic { dying = 0; before = 0; last = false }
}
#endif

proctype dropper(byte link)
{
	WHAT_IT_NEEDS;

	drop(link)
}

/* What comes before a link that this has a reference to, with a reference. */
inline load(x, y)
{
	do
	:: d_step { assert(!freed[x]); y = prev[x] };
		if
		:: y == NONE -> break
		:: else
		fi;
#if WEAK == 3
		d_step { refs[y]++; got = true };
#else
		d_step { got = (refs[y] > 0); refs[y] = refs[y] + got };
#endif
		if
		:: got && prev[x] == y -> break
		:: got && prev[x] != y -> drop(y)
		:: !got
		fi
	od;
	got = false
}

/* What comes before "y" comes before "x", if that is still "y". The reference to "y" goes. */
inline replace(x, y)
{
	load(y, other);
	assert(!freed[x]);
#if WEAK == 2
	got = (prev[x] == y);
	if
	:: got -> prev[x] = other; other = y
	:: else
	fi;
	got = false;
#else
	d_step {
		if
		:: prev[x] == y -> prev[x] = other; other = y
		:: else
		fi
	};
#endif
	if
	:: other != NONE -> drop(other)
	:: else
	fi;
	drop(y);
	other = 0
}

proctype walker(byte link)
{
	WHAT_IT_NEEDS;
	bool got;
	byte next, behind, other;

	do
	:: load(link, next);
		if
		:: next == NONE -> break
		:: next != NONE -> /* Is signalled: cut out, and first what is behind it, or not. */
			load(next, behind);
			if
			:: behind != NONE -> replace(next, behind)
			:: behind != NONE -> drop(behind)
			:: behind == NONE
			fi;
			replace(link, next)
		:: next != NONE -> /* Is pending: on from there. */
			drop(link);
			link = next
		fi;
		d_step { next = 0; behind = 0 }
	od;
	drop(link)
}

init {
	byte i;

	/* Two have the newest link, and walk; two have one each before it. */
	atomic {
		for (i : 0 .. LINKS - 1) { prev[i] = i - 1; refs[i] = 1 }
		prev[0] = NONE;
		refs[LINKS - 1]++;
		refs[LINKS - 2]++;
		refs[LINKS - 3]++;
		run walker(LINKS - 1);
		run walker(LINKS - 1);
		run dropper(LINKS - 2);
		run dropper(LINKS - 3)
	}
	(_nr_pr == 1);
	for (i : 0 .. LINKS - 1) { assert(freed[i]) }
}
