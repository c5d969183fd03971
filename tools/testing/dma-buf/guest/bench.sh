# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the operations cost; with dmabuf.op=NAME only that one, for a profile.

. /jobs/lib.sh
# shellcheck disable=SC2046 # a name, or no argument
program plain bench 500 bench $(word op)
