// SPDX-License-Identifier: GPL-2.0
/*
 * Makes programs for the fuzzer: a number and a corpus give the same program
 * each time. As text a program is its calls, each by name and bytes.
 */
#include <stdlib.h>

#include "fuzz.h"

/* splitmix64 */
static __u64 next(struct dice *d)
{
	__u64 x = d->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void dice_seed(struct dice *d, __u64 seed, __u64 number)
{
	d->state = seed;
	d->state = next(d) ^ number;
	next(d);
}

unsigned int roll(struct dice *d, unsigned int sides)
{
	return (next(d) >> 32) % sides;
}

void corpus_add(struct corpus *c, const struct prog *p)
{
	struct prog *more = realloc(c->progs, (c->n + 1) * sizeof(*p));

	t_need(more, "memory for the corpus");
	more[c->n++] = *p;
	c->progs = more;
}

static void call_make(struct call *call, struct dice *d)
{
	/* nothing of it is to fail */
	*call = (struct call){ 0 };
	/* a fork takes as long as all else of a program */
	do {
		call->op = roll(d, op_count());
	} while (!strcmp(op_name(call->op), "fork") && roll(d, 16));
	/* most calls want small numbers: the first, the usual */
	for (int i = 0; i < ARGS; i++)
		call->a[i] = roll(d, 3) ? roll(d, 8) : roll(d, 256);
}

static void insert(struct prog *p, unsigned int at, const struct call *call)
{
	if (p->n == MAX_CALLS)
		p->n--;
	if (at > p->n)
		at = p->n;
	memmove(&p->calls[at + 1], &p->calls[at], (p->n - at) * sizeof(*call));
	p->calls[at] = *call;
	p->n++;
}

static void change(struct prog *p, struct dice *d, const struct corpus *c)
{
	unsigned int at = p->n ? roll(d, p->n) : 0;
	const struct prog *other;
	struct call call;

	switch (roll(d, 8)) {
	case 0:
	case 1:
		call_make(&call, d);
		insert(p, roll(d, p->n + 1), &call);
		break;
	case 2:
		if (p->n > 1) {
			memmove(&p->calls[at], &p->calls[at + 1], (p->n - at - 1) * sizeof(call));
			p->n--;
		}
		break;
	case 3:
		if (p->n) {
			call = p->calls[at];
			insert(p, roll(d, p->n + 1), &call);
		}
		break;
	case 4:
		/* what another does, behind */
		other = &c->progs[roll(d, c->n)];
		for (unsigned int i = 0; i < other->n && p->n < MAX_CALLS; i++)
			p->calls[p->n++] = other->calls[i];
		break;
	case 5:
		if (p->n)
			p->calls[at].op = roll(d, op_count());
		break;
	default:
		if (p->n)
			p->calls[at].a[roll(d, ARGS)] = roll(d, 2) ? roll(d, 8) : roll(d, 256);
		break;
	}
}

void prog_make(struct prog *p, struct dice *d, const struct corpus *c)
{
	if (c->n && roll(d, 4)) {
		/* what was found last leads on */
		unsigned int i = roll(d, 2) ? roll(d, c->n) : c->n - 1 - roll(d, (c->n + 7) / 8);
		unsigned int changes = 1 + roll(d, 4);

		*p = c->progs[i];
		while (changes--)
			change(p, d, c);
		return;
	}
	p->n = 2 + roll(d, MAX_CALLS - 2);
	for (unsigned int i = 0; i < p->n; i++)
		call_make(&p->calls[i], d);
}

void prog_print(const struct prog *p)
{
	for (unsigned int i = 0; i < p->n; i++) {
		unsigned int n = ARGS;

		while (n && !p->calls[i].a[n - 1])
			n--;
		printf(" %s", op_name(p->calls[i].op));
		if (n)
			printf(":");
		for (unsigned int j = 0; j < n; j++)
			printf("%02x", p->calls[i].a[j]);
		if (p->calls[i].nth)
			printf("!%u%s", p->calls[i].nth, p->calls[i].all ? "+" : "");
	}
	printf("\n");
}

static bool prog_fails(const struct prog *p)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (p->calls[i].nth)
			return true;
	return false;
}

/* A word of prog_print() */
static bool call_read(struct call *call, char *word)
{
	char *nth = strchr(word, '!'), *bytes = strchr(word, ':');
	unsigned int byte;
	int op;

	if (nth)
		*nth++ = '\0';
	if (bytes)
		*bytes++ = '\0';
	op = op_called(word);
	*call = (struct call){ .op = op, .nth = nth ? atoi(nth) : 0,
			      .all = nth && strchr(nth, '+') };
	for (int i = 0; bytes && *bytes && i < ARGS; i++, bytes += 2) {
		if (sscanf(bytes, "%2x", &byte) != 1)
			return false;
		call->a[i] = byte;
	}
	return op >= 0;
}

/* Whether the line is understood; if not, a program of what is. */
static bool prog_read(struct prog *p, char *line)
{
	char *rest = line, *word;
	bool all = true;

	*p = (struct prog){ 0 };
	while (line[0] != '#' && (word = strsep(&rest, "\n "))) {
		if (!*word)
			continue;
		if (p->n < MAX_CALLS && call_read(&p->calls[p->n], word))
			p->n++;
		else
			all = false;
	}
	return all;
}

bool duels_read(const char *path, struct corpus *c)
{
	FILE *f = fopen(path, "re");
	char line[2048], text[2048];
	struct prog p;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		bool ok;

		memcpy(text, line, sizeof(text));
		ok = prog_read(&p, text) && p.n != 1 && !prog_fails(&p);
		errno = EINVAL;
		t_need(ok, line);
		if (p.n)
			corpus_add(c, &p);
	}
	fclose(f);
	return true;
}

/* One program a line; lines with # are remarks, a call that there is no more is left out. */
bool corpus_read(const char *path, struct corpus *c, struct corpus *failing)
{
	FILE *f = fopen(path, "re");
	char line[2048];
	struct prog p;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		prog_read(&p, line);
		if (p.n)
			corpus_add(prog_fails(&p) ? failing : c, &p);
	}
	fclose(f);
	return true;
}
