# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Upstream's kselftest of sw_sync, unmodified: it takes as long as all others together.

. /jobs/lib.sh

test_program sync_test 2400
