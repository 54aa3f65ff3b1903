/*
 * test_sandbox.c - one attack per forked child under each profile
 *
 * What comes out of an attack is one of three: it worked, it was refused, or
 * the child was killed. The table says which is wanted.
 */

#include "port/seccomp.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { WORKED, REFUSED, KILLED };

enum { OK_STATUS = 0, REFUSED_STATUS = 1, SETUP_STATUS = 9 };

static int pipe_ends[2];

/* Attacks: 0 when it worked, negative when refused. Raw calls where the C
 * library would add its own. */

static long open_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long write_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp/sandbox-probe",
		       O_WRONLY | O_CREAT, 0600);
}

static long stat_file(void)
{
	struct stat st;

	return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, 0);
}

static long unlink_file(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/sandbox-none", 0) == 0 ||
			       errno == ENOENT ? 0 : -1;
}

static long run_program(void)
{
	char *argv[] = { "/bin/true", NULL };

	return syscall(SYS_execve, "/bin/true", argv, NULL);
}

static long run_memory(void)
{
	char *argv[] = { "x", NULL };
	int fd = (int)syscall(SYS_memfd_create, "x", 0);

	return syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
}

static long fork_child(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		syscall(SYS_exit_group, 0);

	return pid;
}

static long clone3_child(void)
{
	/* what counts is that it says "not there", so that glibc asks again
	 * by clone */
	return syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS ? -1 : 0;
}

static long map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 :
				 mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long map_data(void)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 1 << 20);
}

static long tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long udp_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static long trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long read_memory(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long kill_parent(void)
{
	return syscall(SYS_kill, getppid(), 0);
}

static long new_namespace(void)
{
	return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long io_uring(void)
{
	char params[120] = { 0 };

	return syscall(SYS_io_uring_setup, 4, params);
}

static long bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM ? -1 : 0;
}

static long keys(void)
{
	return syscall(SYS_keyctl, 0, -1, 0);
}

static long perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long mount_something(void)
{
	return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}

static long foreign_call(void)
{
#ifdef __x86_64__
	long result;

	/* getpid of the i386 table */
	__asm__ volatile("int $0x80" : "=a"(result) : "0"(20)
			 : "memory", "r8", "r9", "r10", "r11");

	return result;
#else
	return raise(SIGSYS);
#endif
}

static long use_pipe(void)
{
	char byte = 1;

	return write(pipe_ends[1], &byte, 1) == 1 &&
			       read(pipe_ends[0], &byte, 1) == 1 ? 0 : -1;
}

static long accept_peer(void)
{
	/* a descriptor that is no socket: the call itself must go through */
	return accept4(pipe_ends[0], NULL, NULL, 0) < 0 && errno == ENOTSOCK ?
		       0 : -1;
}

static long look_at_region(void)
{
	struct stat st;

	return syscall(SYS_fstat, pipe_ends[0], &st);
}

static const struct attack {
	const char *name;
	long (*run)(void);
	enum outcome gather, run_stage, media;
} attacks[] = {
	{ "open", open_file, REFUSED, REFUSED, REFUSED },
	{ "create", write_file, REFUSED, REFUSED, REFUSED },
	{ "stat", stat_file, WORKED, REFUSED, WORKED },
	{ "unlink", unlink_file, REFUSED, REFUSED, REFUSED },
	{ "execve", run_program, KILLED, KILLED, KILLED },
	{ "execveat", run_memory, KILLED, KILLED, KILLED },
	{ "fork", fork_child, KILLED, KILLED, REFUSED },
	{ "clone3", clone3_child, REFUSED, REFUSED, REFUSED },
	{ "mmap exec", map_code, KILLED, KILLED, REFUSED },
	{ "mprotect exec", make_code, KILLED, KILLED, REFUSED },
	{ "mmap data", map_data, WORKED, WORKED, WORKED },
	{ "tcp", tcp_socket, REFUSED, REFUSED, REFUSED },
	{ "udp", udp_socket, WORKED, REFUSED, REFUSED },
	{ "unix", unix_socket, REFUSED, REFUSED, REFUSED },
	{ "packet", raw_socket, REFUSED, REFUSED, REFUSED },
	{ "netlink", netlink_socket, WORKED, REFUSED, REFUSED },
	{ "ptrace", trace, KILLED, KILLED, KILLED },
	{ "process_vm_readv", read_memory, KILLED, KILLED, KILLED },
	{ "kill", kill_parent, KILLED, KILLED, REFUSED },
	{ "unshare", new_namespace, KILLED, KILLED, REFUSED },
	{ "io_uring", io_uring, KILLED, KILLED, KILLED },
	{ "bpf", bpf, KILLED, KILLED, KILLED },
	{ "keyctl", keys, KILLED, KILLED, KILLED },
	{ "perf", perf, KILLED, KILLED, KILLED },
	{ "mount", mount_something, KILLED, KILLED, KILLED },
	{ "foreign table", foreign_call, KILLED, KILLED, KILLED },
	{ "pipe", use_pipe, WORKED, WORKED, WORKED },
	{ "accept4", accept_peer, WORKED, WORKED, WORKED },
	{ "fstat", look_at_region, WORKED, WORKED, WORKED },
};

/* Under both stages, as a worker enters them, when stages is 2. */
static enum outcome attempt(const struct attack *a,
			    const enum sandbox_profile *profiles, int stages)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(pipe(pipe_ends), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < stages; i++)
			if (sandbox_load(profiles[i]) < 0)
				syscall(SYS_exit_group, SETUP_STATUS);
		syscall(SYS_exit_group, a->run() < 0 ? REFUSED_STATUS :
						       OK_STATUS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	if (WIFSIGNALED(status)) {
		ck_assert_msg(WTERMSIG(status) == SIGSYS, "%s: signal %d",
			      a->name, WTERMSIG(status));
		return KILLED;
	}
	ck_assert_int_ne(WEXITSTATUS(status), SETUP_STATUS);

	return WEXITSTATUS(status) == REFUSED_STATUS ? REFUSED : WORKED;
}

static void compare(const struct attack *a, enum outcome got,
		    enum outcome wanted)
{
	static const char *const words[] = { "worked", "refused", "killed" };

	ck_assert_msg(got == wanted, "%s: %s instead of %s", a->name,
		      words[got], words[wanted]);
}

START_TEST(the_gathering_stage_holds)
{
	const enum sandbox_profile p[] = { SANDBOX_ICE_GATHER };

	for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
		compare(&attacks[i], attempt(&attacks[i], p, 1),
			attacks[i].gather);
}
END_TEST

START_TEST(the_last_stage_holds_after_the_first)
{
	const enum sandbox_profile p[] = { SANDBOX_ICE_GATHER,
					   SANDBOX_ICE_RUN };

	for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
		compare(&attacks[i], attempt(&attacks[i], p, 2),
			attacks[i].run_stage);
}
END_TEST

START_TEST(the_last_stage_holds_alone)
{
	const enum sandbox_profile p[] = { SANDBOX_ICE_RUN };

	for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
		compare(&attacks[i], attempt(&attacks[i], p, 1),
			attacks[i].run_stage);
}
END_TEST

START_TEST(the_media_profile_holds)
{
	const enum sandbox_profile p[] = { SANDBOX_MEDIA };

	for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
		compare(&attacks[i], attempt(&attacks[i], p, 1),
			attacks[i].media);
}
END_TEST

START_TEST(signaling_runs_no_program_and_writes_no_file)
{
	static const struct attack bad[] = {
		{ "execve", run_program, 0, KILLED, 0 },
		{ "ptrace", trace, 0, KILLED, 0 },
		{ "mount", mount_something, 0, KILLED, 0 },
		{ "create", write_file, 0, REFUSED, 0 },
		{ "unlink", unlink_file, 0, REFUSED, 0 },
		{ "open", open_file, 0, WORKED, 0 },
		{ "tcp", tcp_socket, 0, WORKED, 0 },
	};
	const enum sandbox_profile p[] = { SANDBOX_SIGNALING };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		compare(&bad[i], attempt(&bad[i], p, 1), bad[i].run_stage);
}
END_TEST

START_TEST(the_broker_forks_and_runs_but_opens_no_rare_door)
{
	static const struct attack bad[] = {
		{ "fork", fork_child, 0, WORKED, 0 },
		{ "execve", run_program, 0, WORKED, 0 },
		{ "ptrace", trace, 0, KILLED, 0 },
		{ "bpf", bpf, 0, KILLED, 0 },
		{ "io_uring", io_uring, 0, KILLED, 0 },
		{ "mount", mount_something, 0, KILLED, 0 },
	};
	const enum sandbox_profile p[] = { SANDBOX_BROKER };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		compare(&bad[i], attempt(&bad[i], p, 1), bad[i].run_stage);
}
END_TEST

START_TEST(a_profile_gives_no_way_back)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_load(SANDBOX_ICE_RUN) < 0)
			syscall(SYS_exit_group, SETUP_STATUS);
		/* the first stage again: prctl and seccomp are gone */
		(void)!sandbox_load(SANDBOX_ICE_GATHER);
		syscall(SYS_exit_group, OK_STATUS);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSYS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_gathering_stage_holds);
	tcase_add_test(t, the_last_stage_holds_after_the_first);
	tcase_add_test(t, the_last_stage_holds_alone);
	tcase_add_test(t, the_media_profile_holds);
	tcase_add_test(t, signaling_runs_no_program_and_writes_no_file);
	tcase_add_test(t, the_broker_forks_and_runs_but_opens_no_rare_door);
	tcase_add_test(t, a_profile_gives_no_way_back);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
