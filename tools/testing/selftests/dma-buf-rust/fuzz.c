// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer of drivers/dma-buf, as "make fuzz" runs it in a guest:
 *
 *	fuzz guided SECONDS SEED CORPUS		what reaches new blocks leads on
 *	fuzz replay FILE			each program of the file, once
 *	fuzz race SECONDS SEED CORPUS DUELS	threads, and calls that fail halfway
 *
 * Prints lines: "p NUMBER PROGRAM" before a program is run and "r RESULTS" after
 * it, "k PROGRAM" for what a corpus should keep, "c ADDRESS TIMES" for each
 * block, "left ..." for what was left behind, "= ..." for the sum of it.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"

/* How many programs may leave something before it is looked for */
#define PROGRAMS_A_LOOK	128
/* Of one call: a buffer of many pages is of many allocations that are all the same. */
#define MOST_FAULTS	40

static struct world world;
static struct run run;
static int first_fd, fail_nth, fail_always;

/* What is kept, and the blocks that each of it reaches */
struct kept {
	struct corpus c;
	__u32 (*reached)[BLOCK_WORDS];
};

/* What has been reached so far */
static __u32 known[BLOCK_WORDS];

static unsigned int run_prog(const struct prog *p)
{
	unsigned int new;

	run.world = &world;
	run.used = 0;
	run.hit = false;
	run.text[0] = '\0';
	cover_start();
	run_calls(&run, p, 0, 1);
	world_end(&world);
	close_range(first_fd, ~0U, 0);
	new = cover_stop();
	return new;
}

static void told_prog(unsigned long number, const struct prog *p)
{
	printf("p %lu", number);
	prog_print(p);
	fflush(stdout);
}

static void told_result(void)
{
	printf("r %s\n", run.text);
}

static bool has_all(const __u32 *have, const __u32 *want)
{
	for (unsigned int i = 0; i < BLOCK_WORDS; i++)
		if (want[i] & ~have[i])
			return false;
	return true;
}

/* Takes out what the new blocks do not need. */
static void minimise(struct prog *p, const __u32 *new)
{
	static __u32 now[BLOCK_WORDS];

	for (unsigned int i = p->n; i-- && p->n > 1;) {
		struct prog less = *p;

		memmove(&less.calls[i], &less.calls[i + 1], (less.n - i - 1) * sizeof(struct call));
		less.n--;
		run_prog(&less);
		cover_of_last(now);
		if (has_all(now, new))
			*p = less;
	}
}

static void keep(struct kept *k, struct prog *p, const __u32 *before, bool shrink)
{
	static __u32 new[BLOCK_WORDS];

	cover_of_last(new);
	for (unsigned int i = 0; i < BLOCK_WORDS; i++)
		new[i] &= ~before[i];
	if (shrink) {
		minimise(p, new);
		run_prog(p);
	}
	corpus_add(&k->c, p);
	k->reached = realloc(k->reached, k->c.n * sizeof(*k->reached));
	t_need(k->reached, "memory for the corpus");
	cover_of_last(k->reached[k->c.n - 1]);
}

/* Of the shortest first, those that reach what none before has */
static void print_kept(const struct kept *k)
{
	static __u32 have[BLOCK_WORDS];
	unsigned int kept = 0;

	for (unsigned int calls = 1; calls <= MAX_CALLS; calls++) {
		for (unsigned int i = 0; i < k->c.n; i++) {
			const __u32 *reached = k->reached[i];

			if (k->c.progs[i].n != calls || has_all(have, reached))
				continue;
			for (unsigned int j = 0; j < BLOCK_WORDS; j++)
				have[j] |= reached[j];
			printf("k");
			prog_print(&k->c.progs[i]);
			kept++;
		}
	}
	printf("= corpus %u\n", kept);
}

/* Whether what has just run is to be kept: it has reached what nothing before has. */
static bool keep_new(struct kept *k, struct prog *p, bool shrink)
{
	static __u32 last[BLOCK_WORDS], before[BLOCK_WORDS];

	cover_of_last(last);
	if (has_all(known, last))
		return false;
	memcpy(before, known, sizeof(before));
	for (unsigned int i = 0; i < BLOCK_WORDS; i++)
		known[i] |= last[i];
	keep(k, p, before, shrink);
	return true;
}

/* Nothing is compared. Whether the last call that was to fail had so much that can. */
static bool run_failing(struct kept *k, struct prog *p, bool shrink)
{
	static unsigned long n;
	bool hit;

	printf("f %lu", n++);
	prog_print(p);
	fflush(stdout);
	run_prog(p);
	hit = run.hit;
	keep_new(k, p, shrink);
	return hit;
}

/*
 * What a call allocates or copies fails, the first, the second, as long as there is more;
 * it alone, and with all that is allocated behind it.
 */
static void fail_in_turn(struct kept *k, const struct prog *p, unsigned int at, __u64 end)
{
	bool hit = true;

	for (unsigned int nth = 1; hit && nth <= MOST_FAULTS && now_ns() < end; nth++) {
		struct prog fails = *p, more;

		fails.n = at + 1;
		fails.calls[at].nth = nth;
		more = fails;
		more.calls[at].all = true;
		hit = run_failing(k, &fails, true);
		if (hit)
			run_failing(k, &more, true);
	}
}

/* Each call of what was kept; of those that are at the end all, before the others */
static void fail_each(struct kept *k, const struct corpus *c, unsigned int first, __u64 end)
{
	for (unsigned int back = 1; back <= MAX_CALLS; back++) {
		for (unsigned int i = 0; i < c->n; i++) {
			const struct prog *p = &c->progs[(first + i) % c->n];

			if (p->n >= back)
				fail_in_turn(k, p, p->n - back, end);
		}
	}
}

static void fail_some(struct kept *k, const struct corpus *c, struct dice *d)
{
	struct prog p;

	prog_make(&p, d, c);
	for (unsigned int i = 0; i < p.n; i++)
		p.calls[i].nth = roll(d, 2) ? 0 : 1 + roll(d, 8);
	run_failing(k, &p, true);
}

/*
 * Programs in which something fails: those that are given, then what was kept, for as
 * long as a quarter of the rest has taken.
 */
static void fail_all(const struct corpus *c, const struct corpus *given, __u64 seed,
		     unsigned int seconds)
{
	__u64 end = now_ns() + seconds * 1000000000ULL / 4;
	struct kept k = { 0 };
	struct dice d;

	if (!c->n || fail_nth < 0 || fail_always < 0 || !set_faults(true) || !set_always()) {
		printf("= no faults: %s\n", strerror(errno));
		return;
	}
	run.fail_nth = fail_nth;
	run.fail_all = fail_always;
	dice_seed(&d, seed, ~0ULL);
	for (unsigned int i = 0; i < given->n; i++)
		run_failing(&k, &given->progs[i], false);
	fail_each(&k, c, roll(&d, c->n), end);
	while (now_ns() < end)
		fail_some(&k, c, &d);
	run.fail_nth = 0;
	run.fail_all = 0;
	print_kept(&k);
}

static bool guided(const struct corpus *given, const struct corpus *failing, __u64 seed,
		   unsigned int seconds)
{
	__u64 end = now_ns() + seconds * 1000000000ULL;
	struct kept k = { 0 };
	unsigned long n = 0;
	struct remains r;
	bool ok = true;

	remains_look(&r);
	for (; ok && (n < given->n || now_ns() < end); n++) {
		struct prog p;
		struct dice d;

		dice_seed(&d, seed, n);
		if (n < given->n)
			p = given->progs[n];
		else
			prog_make(&p, &d, &k.c);
		told_prog(n, &p);
		run_prog(&p);
		told_result();
		keep_new(&k, &p, n >= given->n);
		ok = n % PROGRAMS_A_LOOK != PROGRAMS_A_LOOK - 1 || remains_none(&r);
	}
	print_kept(&k);
	if (ok)
		fail_all(&k.c, failing, seed, seconds);
	ok = ok && remains_none(&r);
	cover_print();
	printf("= programs %lu\n= blocks %u\n= faults %lu\n", n, cover_blocks(), run.hits);
	return ok;
}

/* To its end, whatever is found: the results are to be compared. */
static bool replay(const struct corpus *given)
{
	struct remains r;
	bool ok = true;

	remains_look(&r);
	for (unsigned int n = 0; n < given->n; n++) {
		told_prog(n, &given->progs[n]);
		run_prog(&given->progs[n]);
		told_result();
		if (n % PROGRAMS_A_LOOK == PROGRAMS_A_LOOK - 1 && !remains_none(&r)) {
			ok = false;
			close(r.log);
			remains_look(&r);
		}
	}
	ok = remains_none(&r) && ok;
	cover_print();
	printf("= programs %u\n= blocks %u\n", given->n, cover_blocks());
	return ok;
}

int main(int argc, char **argv)
{
	struct corpus given = { 0 }, failing = { 0 }, duels = { 0 };
	bool racing, ok;

	/* t_need() says what is missing, as a test would */
	fuzz_begin();
	racing = argc == 6 && !strcmp(argv[1], "race");
	if (argc == 3 && !strcmp(argv[1], "replay")) {
		t_need(corpus_read(argv[2], &given, &failing), argv[2]);
	} else if (racing || (argc == 5 && !strcmp(argv[1], "guided"))) {
		t_need(corpus_read(argv[4], &given, &failing), argv[4]);
	} else {
		fprintf(stderr, "usage: %s guided SECONDS SEED CORPUS, ", argv[0]);
		fprintf(stderr, "race SECONDS SEED CORPUS DUELS, or replay FILE\n");
		return 2;
	}
	if (racing)
		t_need(duels_read(argv[5], &duels), argv[5]);
	/* what is opened once and kept: no program closes it */
	for (enum thing kind = HEAP; kind < GEM; kind++) {
		int fd = open_kind(kind);

		if (fd >= 0)
			close(fd);
	}
	if (!racing && !cover_begin())
		printf("= no coverage: %s\n", strerror(errno));
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	fail_always = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	/* what remains_look() opens is the last that stays */
	first_fd = dup(0) + 1;
	close(first_fd - 1);
	if (racing)
		ok = race(&given, &duels, strtoull(argv[3], NULL, 0), atoi(argv[2]));
	else if (argc == 3)
		ok = replay(&given);
	else
		ok = guided(&given, &failing, strtoull(argv[3], NULL, 0), atoi(argv[2]));
	fflush(stdout);
	return !ok;
}
