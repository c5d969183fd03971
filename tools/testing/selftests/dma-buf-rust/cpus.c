// SPDX-License-Identifier: GPL-2.0
/*
 * Real-time threads on all CPUs: those of the kernel that do its work are none.
 */
#include <pthread.h>
#include <sched.h>

#include "common.h"
#include "cpus.h"

static pthread_t others[CPU_SETSIZE];
static int nr_others, nr_running;
static bool taken;
static cpu_set_t all;

/* Of the calling thread */
static void only_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	t_need(!sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

static void schedule_as(int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	t_need(!sched_setscheduler(0, policy, &param), "sched_setscheduler");
}

static void *keep_one(void *arg)
{
	only_on((intptr_t)arg);
	schedule_as(SCHED_FIFO);
	__atomic_add_fetch(&nr_running, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&taken, __ATOMIC_RELAXED))
		;
	return NULL;
}

void cpus_take(void)
{
	int own = -1;

	t_need(!sched_getaffinity(0, sizeof(all), &all), "sched_getaffinity");
	taken = true;
	nr_others = 0;
	nr_running = 0;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		if (own < 0) {
			/* where none of the others takes the CPU from us */
			own = cpu;
			only_on(own);
			continue;
		}
		t_need(!pthread_create(&others[nr_others++], NULL, keep_one,
				       (void *)(intptr_t)cpu), "pthread_create");
	}
	while (__atomic_load_n(&nr_running, __ATOMIC_RELAXED) < nr_others)
		nap_ms(1);
	schedule_as(SCHED_FIFO);
}

void cpus_give(void)
{
	__atomic_store_n(&taken, false, __ATOMIC_RELAXED);
	schedule_as(SCHED_OTHER);
	for (int i = 0; i < nr_others; i++)
		pthread_join(others[i], NULL);
	t_need(!sched_setaffinity(0, sizeof(all), &all), "sched_setaffinity");
}
