#!/bin/sh
# Installs wherry from this checkout: for one user into ~/.local, or, run as root, for everyone into /usr/local.
# Running it again repairs and updates. `./install.sh --help` says what it takes.
set -eu

usage() {
	cat <<-EOF
	Usage: ./install.sh [--prefix DIR] [--docker] [--no-packages] [--uninstall]

	  --prefix DIR    install into DIR (default: ~/.local, for root /usr/local)
	  --docker        also as the commands "docker" and "docker-compose"
	  --no-packages   leave the distribution's packages as they are; only say what is missing
	  --uninstall     remove the commands, the manual and lib/wherry; images, containers and volumes stay
	EOF
}

here=$(cd "$(dirname "$0")" && pwd)
me=$(id -un)
prefix=
docker=
packages=yes
uninstall=
root=
[ "$(id -u)" -ne 0 ] || root=yes

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
# What the user should do: collected, said at the end, where it is seen.
advice=
advise() { advice="$advice
  * $1
$(printf '%s\n' "$2" | sed 's/^/      /')"; }
die() {
	printf 'install.sh: %s\n' "$1" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--prefix)
		[ $# -ge 2 ] || die "--prefix needs a directory"
		prefix=$2
		shift
		;;
	--prefix=*) prefix=${1#--prefix=} ;;
	--docker) docker=yes ;;
	--no-packages) packages= ;;
	--uninstall) uninstall=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		die "unknown option: $1"
		;;
	esac
	shift
done
if [ -z "$prefix" ]; then
	if [ -n "$root" ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
fi
case $prefix in
/*) ;;
*) prefix=$PWD/$prefix ;;
esac
library=$prefix/lib/wherry

# A command is ours when it leads into our own library: a real docker is never touched.
ours() { [ -L "$1" ] && [ "$(readlink "$1")" = "$library/bin/wherry" ]; }

# Calls $2 with a shell and where it looks for what completes the command $1.
each_completion() {
	"$2" "$1" bash "$prefix/share/bash-completion/completions/$1"
	"$2" "$1" zsh "$prefix/share/zsh/site-functions/_$1"
	"$2" "$1" fish "$prefix/share/fish/vendor_completions.d/$1.fish"
}

place_completion() {
	mkdir -p "$(dirname "$3")"
	"$prefix/bin/$1" completion "$2" >"$3"
}

remove_completion() { rm -f "$3"; }

remove_everything() {
	step "Removing wherry from $prefix"
	for name in wherry docker docker-compose; do
		if ours "$prefix/bin/$name"; then
			rm -f "$prefix/bin/$name"
			# docker-compose has none of ours.
			[ "$name" = docker-compose ] || each_completion "$name" remove_completion
		fi
	done
	rm -rf "$library" "$library.new" "$library.old"
	rm -f "$prefix"/share/man/man1/wherry.1 "$prefix"/share/man/man1/wherry-*.1 "$prefix"/share/man/man7/wherry-*.7
	if [ -n "$root" ] && [ -e /etc/apparmor.d/wherry ]; then
		apparmor_parser -R /etc/apparmor.d/wherry 2>/dev/null || true
		rm -f /etc/apparmor.d/wherry
	fi
	if [ -n "$root" ]; then data=/var/lib/wherry; else data=${XDG_DATA_HOME:-$HOME/.local/share}/wherry; fi
	if [ -d "$data" ]; then say "Images, containers and volumes stay in $data"; fi
}

# --- What the distribution has to bring ------------------------------------------------------------------------------

# Each line: a file or command that shows that it is there, and the package that brings it (Debian, then Fedora).
needs() {
	cat <<-EOF
	crun crun crun
	newuidmap uidmap shadow-utils
	fuse-overlayfs fuse-overlayfs fuse-overlayfs
	pasta passt passt
	slirp4netns slirp4netns slirp4netns
	ip iproute2 iproute
	nft nftables nftables
	aardvark-dns aardvark-dns aardvark-dns
	catatonit catatonit catatonit
	busybox busybox-static busybox
	gcc gcc gcc
	make make make
	npm npm nodejs-npm
	EOF
	# The native programs are linked statically.
	if command -v dnf >/dev/null 2>&1; then say "/usr/lib64/libc.a - glibc-static"; else
		say "/usr/lib/$(uname -m)-linux-gnu/libc.a libc6-dev -"
	fi
}

there() {
	case $1 in
	/*) [ -e "$1" ] ;;
	*) PATH=$PATH:/usr/sbin:/sbin:/usr/libexec/catatonit:/usr/libexec/podman:/usr/lib/podman command -v "$1" >/dev/null 2>&1 ;;
	esac
}

missing_packages() {
	column=$1
	needs | while read -r proof debian fedora; do
		if ! there "$proof"; then
			if [ "$column" = debian ]; then say "$debian"; else say "$fedora"; fi
		fi
	done | tr '\n' ' '
}

as_root() {
	if [ -n "$root" ]; then "$@"; else
		command -v sudo >/dev/null 2>&1 || return 1
		sudo "$@"
	fi
}

install_packages() {
	if command -v apt-get >/dev/null 2>&1; then
		set -- debian env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends
	elif command -v dnf >/dev/null 2>&1; then
		set -- fedora dnf install -y
	else
		set -- debian
	fi
	wanted=$(missing_packages "$1")
	[ -n "$wanted" ] || return 0
	shift
	if [ -z "$packages" ] || [ $# -eq 0 ]; then
		say "Missing packages (by Debian's names): $wanted"
		return 0
	fi
	step "Installing the distribution's packages: $wanted"
	case " $* " in
	*" apt-get "*) as_root apt-get update -q || say "The package lists could not be refreshed" ;;
	esac
	# shellcheck disable=SC2086
	as_root "$@" $wanted || die "the packages could not be installed; have root run: $* $wanted"
}

# --- Building and placing --------------------------------------------------------------------------------------------

build() {
	step "Building in $here"
	for tool in npm gcc make; do
		command -v "$tool" >/dev/null 2>&1 || die "$tool is missing; install it and run this again"
	done
	cd "$here"
	stamp=node_modules/.wherry-installed
	if ! [ "$stamp" -nt package-lock.json ]; then
		# The machine's Node may be older than what some packages ask for: only npm runs on it.
		npm ci --no-audit --no-fund --loglevel=error || die "npm ci did not succeed"
		touch "$stamp"
	fi
	npm run --silent build || die "the build did not succeed"
}

place() {
	step "Installing into $library"
	new=$library.new
	rm -rf "$new"
	mkdir -p "$new/bin" "$new/node_modules" "$prefix/bin"
	cp bin/wherry bin/wherry-monitor bin/wherry-links "$new/bin/"
	cp -R dist LICENSE "$new/"
	if [ -d share ]; then cp -R share "$new/"; fi
	# The bundle holds every other package; these two are programs for this machine.
	for node in node_modules/node-linux-*; do
		mkdir -p "$new/$node/bin"
		cp "$node/bin/node" "$new/$node/bin/"
	done
	cp -R node_modules/ffi-rs node_modules/@yuuang "$new/node_modules/"
	rm -rf "$library.old"
	if [ -e "$library" ]; then mv "$library" "$library.old"; fi
	mv "$new" "$library"
	rm -rf "$library.old"
	ln -sfn "$library/bin/wherry" "$prefix/bin/wherry"
	mkdir -p "$prefix/share/man/man1" "$prefix/share/man/man7"
	cp man/*.1 "$prefix/share/man/man1/"
	cp man/*.7 "$prefix/share/man/man7/"
	each_completion wherry place_completion
	if [ -n "$docker" ]; then place_docker; fi
}

place_docker() {
	for name in docker docker-compose; do
		if [ -e "$prefix/bin/$name" ] && ! ours "$prefix/bin/$name"; then
			die "$prefix/bin/$name is another program; remove it or leave out --docker"
		fi
	done
	for name in docker docker-compose; do ln -sfn "$library/bin/wherry" "$prefix/bin/$name"; done
	each_completion docker place_completion
}

# --- What the machine has to allow -----------------------------------------------------------------------------------

read_setting() { cat "/proc/sys/$1" 2>/dev/null || true; }

check_subids() {
	[ -z "$root" ] || return 0
	for file in /etc/subuid /etc/subgid; do
		if ! grep -Eq "^($me|$(id -u)):" "$file" 2>/dev/null; then
			advise "You have no range in $file, so containers know a single user id. Have root run once:" \
				"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $me   (ranges that nobody else has)"
			return 0
		fi
	done
}

check_namespaces() {
	if [ "$(read_setting kernel/unprivileged_userns_clone)" = 0 ]; then
		advise "User namespaces are switched off for users. Have root run:" \
			"sysctl -w kernel.unprivileged_userns_clone=1   (and put it into /etc/sysctl.d/)"
	fi
	if [ "$(read_setting user/max_user_namespaces)" = 0 ]; then
		advise "No user namespaces are allowed. Have root run:" "sysctl -w user.max_user_namespaces=15000"
	fi
	if [ "$(read_setting kernel/apparmor_restrict_unprivileged_userns)" = 1 ]; then apparmor_profile; fi
}

# Ubuntu lets only programs with a profile make user namespaces.
apparmor_profile() {
	profile="abi <abi/4.0>,
include <tunables/global>
profile wherry $library/bin/wherry flags=(unconfined) {
  userns,
  include if exists <local/wherry>
}"
	if grep -q "$library/bin/wherry" /etc/apparmor.d/wherry 2>/dev/null; then return 0; fi
	if [ -n "$root" ]; then
		step "Letting wherry make user namespaces: /etc/apparmor.d/wherry"
		printf '%s\n' "$profile" >/etc/apparmor.d/wherry
		apparmor_parser -r /etc/apparmor.d/wherry || say "The profile could not be loaded; it will be at the next start"
		return 0
	fi
	advise "AppArmor keeps users from making user namespaces. Have root write this into /etc/apparmor.d/wherry and run \"apparmor_parser -r /etc/apparmor.d/wherry\":" \
		"$profile"
}

check_cgroups() {
	[ -z "$root" ] || return 0
	if ! [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		advise "This machine has cgroup v1: limits (--memory, --cpus) are not in force. To change it, have root start the kernel with:" \
			"systemd.unified_cgroup_hierarchy=1"
		return 0
	fi
	delegated=/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers
	if [ -e "$delegated" ] && ! grep -qw cpu "$delegated"; then
		advise "Limits of processors (--cpus) are not handed to users. Have root write into /etc/systemd/system/user@.service.d/delegate.conf, then \"systemctl daemon-reload\":" \
			"[Service]
Delegate=cpu cpuset io memory pids"
	fi
}

check_linger() {
	[ -z "$root" ] || return 0
	command -v loginctl >/dev/null 2>&1 && [ -d /run/systemd/system ] || return 0
	if ! [ -e "/var/lib/systemd/linger/$me" ]; then
		advise "Containers end with your last session. To keep them running after you log out:" "loginctl enable-linger"
	fi
}

check_devices() {
	[ -z "$root" ] || return 0
	if ! [ -w /dev/net/tun ]; then
		advise "/dev/net/tun is not open to you, so containers reach no network outside. Have root run:" \
			"modprobe tun; chmod 666 /dev/net/tun"
	fi
}

check_path() {
	case :$PATH: in
	*":$prefix/bin:"*) ;;
	*) advise "$prefix/bin is not in your PATH. Add this to your shell's profile:" "export PATH=\"$prefix/bin:\$PATH\"" ;;
	esac
}

if [ -n "$uninstall" ]; then
	remove_everything
	exit 0
fi
install_packages
build
place
sh "$here/test/support/warm-up.sh" "$library/bin/wherry"
check_subids
check_namespaces
check_cgroups
check_linger
check_devices
check_path
step "Done: $("$prefix/bin/wherry" --version)"
if [ -n "$advice" ]; then say "
What is still to be done on this machine:$advice"; fi
say "
Try it: $prefix/bin/wherry run --rm localhost/busybox echo hello"
