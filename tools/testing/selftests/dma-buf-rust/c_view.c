// SPDX-License-Identifier: GPL-2.0
/*
 * What C drivers see in the structures, and what the functions do that they call:
 * loads view.ko, which looks, and calls.ko, which calls, and at what they found out.
 */

#include "common.h"
#include "modules.h"

static int parameter(const char *module, const char *name)
{
	char path[64], text[32] = "-1";

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module, name);
	read_file(path, text, sizeof(text));
	return atoi(text);
}

/* Fewer checks would mean that the module gave up early. */
static void look(const char *name, int checks, int buffers, const char *what)
{
	int line;

	if (!t_load_module(NULL, name))
		return;
	line = parameter(name, "failed_line");
	if (line)
		t_note("%s.c:%d", name, line);
	t_ok(!line, "%s", what);
	t_ok(parameter(name, "checks") >= checks, "%s: all of it was looked at", name);
	if (buffers)
		t_ok(parameter(name, "released") == buffers, "both buffers were released");
	t_err(module_unload(name), 0, "unload %s", name);
}

int main(void)
{
	t_begin();
	look("view", 100, 2, "structures and inline functions show what the core has done");
	look("calls", 37, 0, "exported functions do what their documentation says");
	return t_end();
}
