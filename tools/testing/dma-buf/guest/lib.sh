# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Shared by the jobs. Results go to the data port (3) between "# begin" and "# end STATUS" lines;
# a program that does not end within its time is killed, and its status says so.

ONLY=$(word only)

# wanted NAME: is this program or suite to run? All are, unless the command line names one.
wanted() { [ -z "$ONLY" ] || [ "$ONLY" = "$1" ]; }

# program KIND NAME SECONDS COMMAND...: KIND is tap (prints TAP or KTAP) or plain (its exit status is its result).
program() {
	kind=$1
	name=$2
	seconds=$(($3 * ${PATIENCE:-1}))
	shift 3
	printf '# begin %s %s\n' "$kind" "$name" >&3
	echo "job: $name"
	timeout -s KILL "$seconds" "$@" <&3 >&3 2>&3
	status=$?
	# its children are not killed with it, and would disturb the next
	[ "$status" != 137 ] || { killall -q -KILL "$(basename "$1")" && sleep 2; }
	printf '\n# end %s\n' "$status" >&3
}

# test_program NAME SECONDS: a kselftest, if it is wanted.
test_program() { ! wanted "$1" || program tap "$1" "$2" "$1"; }

# A display's driver waits a second for an interrupt, and warns, but the host may let one CPU stand still and not the other.
displays_on_one_cpu() { echo 1 >/sys/devices/virtual/workqueue/cpumask; }

# A file to the host, as it is: one line with name and size, then the bytes.
send_file() {
	printf '\n# file %s %s\n' "$1" "$(wc -c <"$1")" >&3
	cat "$1" >&3
	printf '\n' >&3
}
