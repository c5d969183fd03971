// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer of drivers/dma-buf, as "make fuzz" runs it in a guest:
 *
 *	fuzz guided SECONDS SEED CORPUS		what reaches new blocks leads on
 *	fuzz replay FILE			each program of the file, once
 *	fuzz race SECONDS SEED CORPUS		threads, and calls that fail halfway
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

static struct world world;
static struct run run;
static int first_fd, fail_nth;

/* The blocks that each program of the corpus reaches */
static __u32 (*reached)[BLOCK_WORDS];

static unsigned int run_prog(const struct prog *p)
{
	unsigned int new;

	run.world = &world;
	run.used = 0;
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

static void keep(struct corpus *c, struct prog *p, const __u32 *before, bool shrink)
{
	static __u32 new[BLOCK_WORDS];

	cover_of_last(new);
	for (unsigned int i = 0; i < BLOCK_WORDS; i++)
		new[i] &= ~before[i];
	if (shrink) {
		minimise(p, new);
		run_prog(p);
	}
	corpus_add(c, p);
	reached = realloc(reached, c->n * sizeof(*reached));
	t_need(reached, "memory for the corpus");
	cover_of_last(reached[c->n - 1]);
}

/* Of the shortest first, those that reach what none before has */
static void print_kept(const struct corpus *c)
{
	static __u32 have[BLOCK_WORDS];
	unsigned int kept = 0;

	for (unsigned int calls = 1; calls <= MAX_CALLS; calls++) {
		for (unsigned int i = 0; i < c->n; i++) {
			if (c->progs[i].n != calls || has_all(have, reached[i]))
				continue;
			for (unsigned int j = 0; j < BLOCK_WORDS; j++)
				have[j] |= reached[i][j];
			printf("k");
			prog_print(&c->progs[i]);
			kept++;
		}
	}
	printf("= corpus %u\n", kept);
}

static bool all_known(__u32 *known)
{
	static __u32 last[BLOCK_WORDS];
	bool all;

	cover_of_last(last);
	all = has_all(known, last);
	for (unsigned int i = 0; i < BLOCK_WORDS; i++)
		known[i] |= last[i];
	return all;
}

/*
 * What was kept, each call with an allocation or a copy that fails, for as long as a
 * quarter of the rest has taken: what calls do then is reached nowhere else. Nothing
 * is compared.
 */
static void run_failing(const struct corpus *c, __u64 seed, unsigned int seconds)
{
	__u64 end = now_ns() + seconds * 1000000000ULL / 4;
	unsigned long n = 0;

	if (!c->n || fail_nth < 0 || !set_faults())
		return;
	run.faults = true;
	run.fail_nth = fail_nth;
	dice_seed(&run.dice, seed, 0);
	while (now_ns() < end) {
		const struct prog *p = &c->progs[n % c->n];

		/* each once through the corpus */
		run.nth = 1 + n / c->n;
		printf("f %lu", n++);
		prog_print(p);
		fflush(stdout);
		run_prog(p);
	}
	run.faults = false;
	run.fail_nth = 0;
	run.nth = 0;
	printf("= failing %lu\n", n);
}

static bool guided(const struct corpus *given, __u64 seed, unsigned int seconds)
{
	static __u32 known[BLOCK_WORDS], before[BLOCK_WORDS];
	__u64 end = now_ns() + seconds * 1000000000ULL;
	struct corpus c = { 0 };
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
			prog_make(&p, &d, &c);
		told_prog(n, &p);
		run_prog(&p);
		told_result();
		memcpy(before, known, sizeof(before));
		if (!all_known(known))
			keep(&c, &p, before, n >= given->n);
		ok = n % PROGRAMS_A_LOOK != PROGRAMS_A_LOOK - 1 || remains_none(&r);
	}
	print_kept(&c);
	if (ok)
		run_failing(&c, seed, seconds);
	ok = ok && remains_none(&r);
	cover_print();
	printf("= programs %lu\n= blocks %u\n", n, cover_blocks());
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
	struct corpus given = { 0 };
	bool racing, ok;

	/* t_need() says what is missing, as a test would */
	fuzz_begin();
	if (argc == 3 && !strcmp(argv[1], "replay")) {
		t_need(corpus_read(&given, argv[2]), argv[2]);
	} else if (argc == 5 && (!strcmp(argv[1], "guided") || !strcmp(argv[1], "race"))) {
		t_need(corpus_read(&given, argv[4]), argv[4]);
	} else {
		fprintf(stderr, "usage: %s guided|race SECONDS SEED CORPUS, or replay FILE\n",
			argv[0]);
		return 2;
	}
	/* what is opened once and kept: no program closes it */
	for (enum thing kind = HEAP; kind < GEM; kind++) {
		int fd = open_kind(kind);

		if (fd >= 0)
			close(fd);
	}
	racing = !strcmp(argv[1], "race");
	if (!racing && !cover_begin())
		printf("= no coverage: %s\n", strerror(errno));
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* what remains_look() opens is the last that stays */
	first_fd = dup(0) + 1;
	close(first_fd - 1);
	if (racing)
		ok = race(&given, strtoull(argv[3], NULL, 0), atoi(argv[2]));
	else if (argc == 3)
		ok = replay(&given);
	else
		ok = guided(&given, strtoull(argv[3], NULL, 0), atoi(argv[2]));
	fflush(stdout);
	return !ok;
}
