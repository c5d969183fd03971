# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# dmabuf-top against buffers whose holders are known.

. /jobs/lib.sh
program tap dmabuf-top 300 truth
