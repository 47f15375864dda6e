#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# setup.sh PACKAGE...: install the Debian packages among these that are missing.
# All of it goes to stderr.
set -eu -o pipefail

missing=()
for package; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
exec >&2

if [ "$(id -u)" -eq 0 ]; then
	as_root=()
elif sudo -n true 2>/dev/null; then
	as_root=(sudo -n)
else
	echo "Not root: run 'apt-get install ${missing[*]}' as root, then try again."
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Update first: old lists name files that the mirror no longer has.
apt_get()
{
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=300 "$@" 2>&1
}

# Each tenth line of what is fetched, unpacked and set up.
show_progress()
{
	local line total='?' n=0 step='' now
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		*' newly installed, '*)
			now=${line% newly installed*}
			total=${now##* }
			continue ;;
		Get:* | Unpacking\ * | Setting\ up\ *) now=${line%%[: ]*} ;;
		*) continue ;;
		esac
		[ "$now" = "$step" ] || n=0
		step=$now
		n=$((n + 1))
		[ $((n % 10)) -ne 1 ] || printf '  [%s/%s] %s\n' "$n" "$total" "${line:0:70}"
	done
}

echo "Installing ${#missing[@]} Debian packages, and what they depend on: ${missing[*]}"
apt_get update | show_progress || :
apt_get install -y --no-install-recommends "${missing[@]}" | show_progress && exit 0

said()
{
	grep -qE "$1" "$log"
}

grep -E '^(E|W|dpkg): ' "$log" | grep -v 'run apt-get update' | sort -u | tail -n 8 || :
grep -ohE "(Could not (connect|resolve)|Temporary failure|Connection (failed|timed out)).*" \
	"$log" | sort -u | head -n 3 || :
again="then run make again."
if said 'dpkg was interrupted|dpkg --configure -a' || [ -n "$(dpkg --audit 2>&1)" ]; then
	echo "An installation before was cut off: run 'dpkg --configure -a' as root, and"
	echo "'apt-get --fix-broken install' if that complains, $again"
elif said 'fix-broken|[Uu]nmet dependencies'; then
	echo "Packages on this host do not fit together: run 'apt-get --fix-broken install' as root, $again"
elif said 'Could not (connect|resolve)|Temporary failure|Connection (failed|timed out)'; then
	echo "No connection to Debian's mirror: look at the network, at http_proxy or apt's proxy,"
	echo "and at the mirror's name in /etc/apt/sources.list, $again"
	echo "Or install these from elsewhere: ${missing[*]}"
elif said 'Unable to locate package'; then
	echo "The mirrors in /etc/apt/sources.list do not have all of these; they are in main of Debian 12."
else
	echo "Could not install: ${missing[*]}; mend what apt says above, $again"
fi
exit 1
