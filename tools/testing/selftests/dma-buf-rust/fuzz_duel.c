// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's duels: a program's last call but one is made while another thread
 * closes what it uses, or makes the last call. Many times, each at another
 * moment of the first: what a call has looked up goes while it needs it.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>

#include "fuzz.h"

#define ROUNDS		12
/* Fewer, if that takes so long; and more, if they take no longer than that */
#define LONG_NS		150000000ULL
#define SHORT_NS	50000000ULL
/* Who reaches fewer blocks has nothing to lose. */
#define FEW_BLOCKS	6
/* Of turns in vain, before another thread may have the processor */
#define PATIENCE	2000

struct duel {
	struct world world;
	struct run runs[2];
	struct cover *covers;
	/* All but the last call, and the last */
	struct prog begin;
	struct call other;
	/* What the second thread closes, how long it waits before, how long the call takes */
	struct slot *target;
	__u64 delay, takes;
	int first_fd;
	unsigned int arrived;
	unsigned int done;
	bool last;
};

/* Each waits for the other. */
static void meet(struct duel *d)
{
	unsigned int all = (__atomic_add_fetch(&d->arrived, 1, __ATOMIC_ACQ_REL) + 1) & ~1U;

	for (unsigned int i = 0; __atomic_load_n(&d->arrived, __ATOMIC_ACQUIRE) < all; i++)
		if (i > PATIENCE)
			sched_yield();
}

/* What the call was seen to use, or anything else that there is */
static struct slot *some_target(struct duel *d)
{
	struct run *r = &d->runs[0];
	unsigned int n = d->world.n < MAX_SLOTS ? d->world.n : MAX_SLOTS;

	if (r->n_touched && roll(&r->dice, 3))
		return r->touched[roll(&r->dice, r->n_touched)];
	return n ? &d->world.slots[roll(&r->dice, n)] : NULL;
}

/* Once alone: what it needs, what it uses, how long that takes, and if it is worth it */
static bool rehearse(struct duel *d, struct prog *setup, unsigned int last)
{
	struct run *r = &d->runs[0];
	unsigned long blocks;
	__u64 start;

	run_calls(r, setup, 0, 1);
	r->n_touched = 0;
	r->n_made = 0;
	run_calls(r, &d->begin, last, 1);
	blocks = cover_length(&d->covers[0]);
	start = now_ns();
	run_calls(r, &d->begin, last, 1);
	d->takes = now_ns() - start;
	blocks = cover_length(&d->covers[0]) - blocks;
	world_end(&d->world);
	close_range(d->first_fd, ~0U, 0);
	return !d->covers[0].reached || blocks >= FEW_BLOCKS;
}

static void *first_thread(void *arg)
{
	struct duel *d = arg;
	struct run *r = &d->runs[0];
	struct prog setup = d->begin;
	unsigned int last = --setup.n, made, touched;
	__u64 begun = now_ns();
	bool worth;

	cover_enable(&d->covers[0]);
	worth = rehearse(d, &setup, last);
	made = r->n_made;
	touched = r->n_touched;
	for (int round = 1; !d->last; round++) {
		r->used = 0;
		run_calls(r, &setup, 0, 1);
		/* where there is one by now, none is made */
		for (unsigned int i = 0; i < made; i++)
			slot_of(r, r->made[i], 0);
		r->n_touched = touched;
		d->target = some_target(d);
		d->delay = roll(&r->dice, 64) * d->takes / 48;
		d->last = !worth || now_ns() - begun > (round < ROUNDS ? LONG_NS : SHORT_NS);
		meet(d);
		run_calls(r, &d->begin, last, 1);
		meet(d);
		world_end(&d->world);
		close_range(d->first_fd, ~0U, 0);
	}
	__atomic_add_fetch(&d->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void let_go(const struct slot *s)
{
	struct drm_gem_close gem = { .handle = s->handle };
	struct drm_syncobj_destroy syncobj = { .handle = s->handle };

	switch (s->kind) {
	case MAPPING:
		if (s->map)
			munmap(s->map, s->len);
		break;
	case GEM:
		ioctl(s->fd, DRM_IOCTL_GEM_CLOSE, &gem);
		break;
	case SYNCOBJ:
		ioctl(s->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &syncobj);
		break;
	default:
		close(s->fd);
		break;
	}
}

static void *second_thread(void *arg)
{
	struct duel *d = arg;
	struct prog other = { .n = 1, .calls = { d->other } };
	bool closes = !strcmp(op_name(d->other.op), "close");

	cover_enable(&d->covers[1]);
	for (bool last = false; !last;) {
		__u64 until;

		meet(d);
		last = d->last;
		until = now_ns() + d->delay;
		while (now_ns() < until)
			;
		d->runs[1].used = 0;
		if (closes && d->target)
			let_go(d->target);
		else
			run_calls(&d->runs[1], &other, 0, 1);
		meet(d);
	}
	__atomic_add_fetch(&d->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

void duel_make(struct prog *p, struct dice *dice, const struct corpus *c)
{
	struct call *last;

	prog_make(p, dice, c);
	/* what is long takes its time, and the last calls count */
	if (p->n > 4) {
		memmove(p->calls, &p->calls[p->n - 4], 4 * sizeof(p->calls[0]));
		p->n = 4;
	}
	if (p->n < 2)
		p->calls[p->n++] = p->calls[0];
	last = &p->calls[p->n - 1];
	switch (roll(dice, 8)) {
	case 0 ... 4:
		last->op = op_called("close");
		break;
	case 5:
		*last = last[-1];
		break;
	}
}

void duel(const struct prog *p, const struct dice *dice, struct cover *covers, int first_fd)
{
	static void *(*const parts[])(void *) = { first_thread, second_thread };
	static struct duel d;
	pthread_t threads[2];

	t_need(p->n > 1, "two calls that meet");
	d = (struct duel){
		.covers = covers, .begin = *p, .first_fd = first_fd,
		.world.racing = true,
	};
	d.other = p->calls[--d.begin.n];
	for (int i = 0; i < 2; i++) {
		d.runs[i].world = &d.world;
		dice_seed(&d.runs[i].dice, dice->state, i);
		t_need(!pthread_create(&threads[i], NULL, parts[i], &d), "pthread_create");
	}
	/* calls that wait are interrupted, as long as it takes */
	while (nap_ms(4), __atomic_load_n(&d.done, __ATOMIC_ACQUIRE) < 2)
		for (int i = 0; i < 2; i++)
			pthread_kill(threads[i], SIGALRM);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
