/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module checks when it is loaded: the outcome is in its parameters.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include <linux/module.h>

static int failed_line;
module_param(failed_line, int, 0444);
MODULE_PARM_DESC(failed_line, "The line of the first check that failed, or 0");

static int checks;
module_param(checks, int, 0444);
MODULE_PARM_DESC(checks, "How many checks were made");

#define check(cond) do {						\
	checks++;							\
	if (!(cond) && !failed_line)					\
		failed_line = __LINE__;					\
} while (0)

#endif
