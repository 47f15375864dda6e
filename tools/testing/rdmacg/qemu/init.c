// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the test guest.
 *
 * The root file system is the host's, read-only.  This program lays writable
 * and virtual file systems over it, and other programs if the machine cannot
 * run the host's.  It makes the two software RDMA devices, runs one command or
 * one interactive shell, and powers off.
 *
 * Virtio ports join it to the runner (vm.py) on the host.  They carry bytes
 * unchanged, and leave the serial line to the kernel's log:
 *
 *	1  control, lines of text
 *	   to the runner
 *		boot		user space is reached
 *		start		the guest is set up, the command runs
 *		exit STATUS OUT ERR, or signal NUMBER OUT ERR
 *				how the command ended, and how many bytes went
 *				to port 2 and to port 3
 *		fail TEXT	the guest could not be set up
 *	   from the runner
 *		size ROWS COLUMNS
 *		off		all has arrived: power off
 *	2  standard output of the command; or the shell's terminal, both ways
 *	3  standard error of the command
 *
 * What to do comes in the environment, since the kernel hands on the words of
 * its command line that it does not know.  The command, which may hold any
 * character, comes in a file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CGROUP_ROOT "/sys/fs/cgroup"

enum { CONTROL_PORT = 1, OUTPUT_PORT, ERROR_PORT };

/* Bytes go one way, until there are no more: then @from is -1. */
struct stream {
	int from;
	int to;
	unsigned long long bytes;
};

static int control = -1;
static FILE *orders;
static int terminal = -1;

static noreturn void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	/* Not reached; should it be, PID 1 that ends is a panic. */
	exit(EXIT_FAILURE);
}

static void obey_runner(void)
{
	struct winsize size = { 0 };
	char line[64];

	/* A runner that is gone wants nothing more either. */
	if (!fgets(line, sizeof(line), orders) || !strcmp(line, "off\n"))
		power_off();
	if (sscanf(line, "size %hu %hu", &size.ws_row, &size.ws_col) == 2)
		ioctl(terminal, TIOCSWINSZ, &size);
}

/* Says why to the log and to the runner.  A %m is the error of errno. */
static noreturn void give_up(const char *format, ...)
{
	char *reason;
	va_list args;

	va_start(args, format);
	if (vasprintf(&reason, format, args) < 0)
		reason = "out of memory";
	va_end(args);
	fprintf(stderr, "init: %s\n", reason);
	if (control < 0)
		power_off();
	dprintf(control, "fail %s\n", reason);
	for (;;)
		obey_runner();
}

/* The command is to see none of ours: call this before it starts. */
static char *take_setting(const char *name)
{
	char *value = getenv(name);

	if (!value)
		give_up("the kernel's command line lacks %s=", name);
	value = strdup(value);
	unsetenv(name);
	return value;
}

/*
 * The driver makes its ports by and by, and learns still later that the runner
 * holds the other end; a read before that looks like an end of file.
 */
static int open_port(int number)
{
	struct pollfd port = { .fd = -1 };
	char pattern[32];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/dev/vport*p%d", number);
	for (int tries = 0; tries < 60000; tries++) {
		if (port.fd < 0 && !glob(pattern, 0, NULL, &found)) {
			port.fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
			globfree(&found);
		}
		if (port.fd >= 0 && poll(&port, 1, 0) >= 0 &&
		    !(port.revents & POLLHUP))
			return port.fd;
		usleep(1000);
	}
	give_up("the runner cannot be reached through %s", pattern);
}

/* Where the host's /bin and /lib lead, too. */
static void mount_programs(const char *usr)
{
	if (mount(usr, "/usr", NULL, MS_BIND, NULL))
		give_up("cannot mount %s on /usr: %m", usr);
}

static void mount_file_systems(void)
{
	static const struct {
		const char *type, *target, *options;
	} mounts[] = {
		{ "proc", "/proc", "" },
		{ "sysfs", "/sys", "" },
		{ "cgroup2", CGROUP_ROOT, "" },
		{ "debugfs", "/sys/kernel/debug", "" },
		{ "tracefs", "/sys/kernel/tracing", "" },
		{ "devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666" },
		{ "tmpfs", "/dev/shm", "mode=1777" },
		{ "mqueue", "/dev/mqueue", "" },
		{ "tmpfs", "/run", "mode=755" },
		{ "tmpfs", "/tmp", "mode=1777" },
		{ "tmpfs", "/var/tmp", "mode=1777" },
	};

	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 0755);
	mkdir("/dev/mqueue", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		/* A kernel without the type has not even the mount point. */
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0,
			  mounts[i].options) && errno != ENOENT)
			give_up("cannot mount %s on %s: %m", mounts[i].type,
				mounts[i].target);

	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		give_up("cannot make the links in /dev: %m");
}

static void make_folders(const char *path)
{
	char folder[PATH_MAX];

	for (const char *end = path; *end; ) {
		end = strchrnul(end + 1, '/');
		snprintf(folder, sizeof(folder), "%.*s", (int)(end - path),
			 path);
		mkdir(folder, 0755);
	}
}

/*
 * A source tree below /tmp, say, is now hidden by an empty file system; @before
 * was opened earlier and brings it back.
 */
static void keep_visible(const char *path, int before)
{
	char source[32];

	if (!access(path, F_OK))
		return;
	make_folders(path);
	snprintf(source, sizeof(source), "/proc/self/fd/%d", before);
	if (mount(source, path, NULL, MS_BIND, NULL))
		give_up("cannot keep %s visible: %m", path);
}

/* Not cached: what a guest wrote before it crashed is on the host. */
static void mount_output(const char *path)
{
	make_folders(path);
	if (mount("out", path, "9p", 0,
		  "trans=virtio,version=9p2000.L,cache=none,msize=512000"))
		give_up("cannot mount the folder for results on %s: %m", path);
}

static void enable_controllers(void)
{
	FILE *have = fopen(CGROUP_ROOT "/cgroup.controllers", "re");
	int enable = open(CGROUP_ROOT "/cgroup.subtree_control",
			  O_WRONLY | O_CLOEXEC);
	char name[32];

	if (!have || enable < 0)
		give_up("cannot open the cgroup's list of controllers: %m");
	while (fscanf(have, "%31s", name) == 1)
		if (dprintf(enable, "+%s", name) < 0)
			give_up("cannot enable the cgroup controller %s: %m",
				name);
	fclose(have);
	close(enable);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &request))
		give_up("cannot bring up lo: %m");
	close(sock);
}

/*
 * Each device has a link of its own.  That has its address first, so that the
 * device is born with its GIDs.
 */
static void make_rdma_devices(void)
{
	static const char steps[] =
		"ip -batch - <<-END\n"
		"	link add rdma0 type dummy\n"
		"	link add rdma1 type dummy\n"
		"	address add 10.99.0.1/24 dev rdma0\n"
		"	address add 10.99.1.1/24 dev rdma1\n"
		"	link set rdma0 up\n"
		"	link set rdma1 up\n"
		"END\n"
		"rdma link add mlx4_0 type rxe netdev rdma0\n"
		"rdma link add ocrdma1 type siw netdev rdma1\n";
	pid_t child = fork();
	int status;

	if (!child) {
		execl("/bin/sh", "sh", "-exc", steps, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		give_up("ip or rdma (iproute2) could not make the RDMA devices; the log says why");
}

static char *read_command(const char *folder)
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/command", folder);
	file = fopen(path, "re");
	if (!file || getdelim(&text, &size, '\0', file) < 0)
		give_up("cannot read %s: %m", path);
	fclose(file);
	return text;
}

/* In the child.  Without a command the shell is interactive. */
static noreturn void become_shell(char *command)
{
	const char *mode = command ? "-c" : "-i";
	const struct rlimit files = { 1024, 1024 * 1024 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_NOFILE, &files);
	execl("/bin/bash", "bash", mode, command, NULL);
	execl("/bin/sh", "sh", mode, command, NULL);
	perror("init: no shell");
	_exit(127);
}

static pid_t start_command(char *command, struct stream *output,
			   struct stream *error)
{
	int out[2], err[2];
	pid_t child;

	/* Not the ports themselves: a port cannot be opened as /dev/stdout. */
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		give_up("cannot make a pipe: %m");
	child = fork();
	if (!child) {
		setsid();
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		become_shell(command);
	}
	close(out[1]);
	close(err[1]);
	output->from = out[0];
	error->from = err[0];
	return child;
}

static pid_t start_shell(struct stream *output, struct stream *input)
{
	pid_t child = forkpty(&terminal, NULL, NULL, NULL);

	if (!child)
		become_shell(NULL);
	/* Typing that no program reads must not stop init. */
	fcntl(terminal, F_SETFL, O_RDWR | O_NONBLOCK);
	fcntl(terminal, F_SETFD, FD_CLOEXEC);
	output->from = terminal;
	input->from = output->to;
	input->to = terminal;
	return child;
}

/* A terminal that nobody has open any more ends with an error. */
static void pass_on(struct stream *stream)
{
	static char buffer[64 * 1024];
	ssize_t got = read(stream->from, buffer, sizeof(buffer));
	ssize_t put;

	if (!got || (got < 0 && errno != EAGAIN))
		stream->from = -1;
	for (char *next = buffer; got > 0; next += put, got -= put) {
		put = write(stream->to, next, got);
		if (put < 0)
			break;
		stream->bytes += put;
	}
}

/* Reaps orphans too.  Returns whether the command itself has ended. */
static bool reap(int children, pid_t command, int *status)
{
	struct signalfd_siginfo discarded;
	bool ended = false;
	int child_status;
	pid_t child;

	if (read(children, &discarded, sizeof(discarded)) < 0)
		return false;
	while ((child = waitpid(-1, &child_status, WNOHANG)) > 0) {
		if (child != command)
			continue;
		*status = child_status;
		ended = true;
	}
	return ended;
}

/*
 * A kernel with kmemleak counts what it finds in its log.  It passes over what
 * is younger than 5 s, and believes only what two scans found.
 */
static void find_leaks(void)
{
	int leaks = open("/sys/kernel/debug/kmemleak", O_RDWR | O_CLOEXEC);
	char buffer[4096];
	ssize_t got;

	if (leaks < 0)
		return;
	for (int scan = 0; scan < 2; scan++) {
		sleep(6);
		dprintf(leaks, "scan\n");
	}
	while ((got = read(leaks, buffer, sizeof(buffer))) > 0)
		dprintf(STDERR_FILENO, "%.*s", (int)got, buffer);
	close(leaks);
}

/* Returns when the command has ended and all it wrote is passed on. */
static void run(char *command)
{
	struct stream output = { .from = -1, .to = open_port(OUTPUT_PORT) };
	struct stream error = { .from = -1, .to = open_port(ERROR_PORT) };
	struct stream input = { .from = -1 };
	int children, status = 0;
	bool running = true;
	sigset_t signals;
	pid_t child;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	children = signalfd(-1, &signals, SFD_CLOEXEC);

	dprintf(control, "start\n");
	child = command ? start_command(command, &output, &error) :
			  start_shell(&output, &input);
	if (child < 0)
		give_up("cannot start a process: %m");

	while (running || output.from >= 0 || error.from >= 0) {
		struct pollfd ready[] = {
			{ .fd = children, .events = POLLIN },
			{ .fd = control, .events = POLLIN },
			{ .fd = output.from, .events = POLLIN },
			{ .fd = error.from, .events = POLLIN },
			{ .fd = input.from, .events = POLLIN },
		};

		poll(ready, ARRAY_SIZE(ready), -1);
		if (ready[0].revents && reap(children, child, &status)) {
			/* What it left behind would keep its pipes open. */
			kill(-1, SIGKILL);
			while (waitpid(-1, NULL, 0) > 0)
				;
			find_leaks();
			running = false;
			input.from = -1;
			continue;
		}
		if (ready[1].revents)
			obey_runner();
		if (ready[2].revents)
			pass_on(&output);
		if (ready[3].revents)
			pass_on(&error);
		if (ready[4].revents)
			pass_on(&input);
	}
	dprintf(control, "%s %d %llu %llu\n",
		WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		output.bytes, error.bytes);
}

int main(void)
{
	char *top = take_setting("RDMACG_TOP");
	char *folder = take_setting("RDMACG_RUN");
	bool shell = !strcmp(take_setting("RDMACG_MODE"), "shell");
	bool devices = !strcmp(take_setting("RDMACG_DEVICES"), "1");
	int top_before = open(top, O_PATH | O_CLOEXEC);
	char *command;

	control = open_port(CONTROL_PORT);
	orders = fdopen(control, "r");
	/* Unbuffered, so that poll() sees every line. */
	setvbuf(orders, NULL, _IONBF, 0);
	dprintf(control, "boot\n");
	command = shell ? NULL : read_command(folder);

	if (getenv("RDMACG_PROGRAMS"))
		mount_programs(take_setting("RDMACG_PROGRAMS"));
	mount_file_systems();
	keep_visible(top, top_before);
	mount_output(getenv("OUT"));
	enable_controllers();
	sethostname("rdmacg", strlen("rdmacg"));
	raise_loopback();
	if (devices)
		make_rdma_devices();
	if (chdir(top))
		give_up("cannot enter %s: %m", top);
	run(command);
	for (;;)
		obey_runner();
}
