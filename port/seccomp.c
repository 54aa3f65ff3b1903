/*
 * seccomp.c - the profiles of seccomp.h on libseccomp
 *
 * Three answers. A call on a profile's list goes through. A call that a
 * library tries and can do without gets EACCES (or ENOSYS where that is the
 * documented way to make it take another road). The rest kills the process
 * in the profiles of the ice-worker; elsewhere it gets EPERM, because those
 * processes run libraries with more habits than one network peer, but what
 * only an intruder asks for kills there, too.
 */

#include "port/seccomp.h"

#include <errno.h>
#include <linux/netlink.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { LIST_END = -1, SOCK_TYPE_MASK = 0xf };

/* What a connected peer does, and what the C library needs to leave. */
static const int run_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(accept4), SCMP_SYS(close), SCMP_SYS(brk), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(clock_gettime),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit_group), LIST_END,
};

/* Reading the descriptors' own state; a region's seals are checked by it. */
static const int own_calls[] = {
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(fcntl), LIST_END,
};

static const int gather_calls[] = {
	SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
	SCMP_SYS(ioctl), SCMP_SYS(fcntl), SCMP_SYS(eventfd2),
	SCMP_SYS(epoll_create1), SCMP_SYS(seccomp), SCMP_SYS(prctl),
	SCMP_SYS(prlimit64), SCMP_SYS(rt_sigaction), LIST_END,
};

static const int media_calls[] = {
	SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(exit),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction),
	SCMP_SYS(sigaltstack), SCMP_SYS(getcpu), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_getscheduler),
	SCMP_SYS(sched_setparam), SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_setattr), SCMP_SYS(sched_getattr),
	SCMP_SYS(sched_get_priority_max), SCMP_SYS(sched_get_priority_min),
	SCMP_SYS(setpriority), SCMP_SYS(getpriority), SCMP_SYS(getrusage),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(eventfd2), SCMP_SYS(epoll_create1), SCMP_SYS(futex_waitv),
	SCMP_SYS(mlock), SCMP_SYS(mlockall), SCMP_SYS(prctl),
	SCMP_SYS(sched_rr_get_interval), SCMP_SYS(membarrier),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(tgkill),
	SCMP_SYS(nanosleep), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(prlimit64), SCMP_SYS(seccomp), LIST_END,
};

/* A program of another kind, another process, the kernel's rare doors. */
static const int intruder_calls[] = {
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(setns), SCMP_SYS(open_by_handle_at), SCMP_SYS(swapon),
	SCMP_SYS(reboot), SCMP_SYS(acct), SCMP_SYS(modify_ldt),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(quotactl),
	SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(vmsplice),
	SCMP_SYS(personality), LIST_END,
};

static const int program_calls[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), LIST_END,
};

/* Libraries ask and go on without. */
static const int denied_calls[] = {
	SCMP_SYS(socket), SCMP_SYS(bind), SCMP_SYS(connect),
	SCMP_SYS(setsockopt), SCMP_SYS(ioctl), SCMP_SYS(readlink),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(getuid), SCMP_SYS(geteuid), LIST_END,
};

static const int file_calls[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat),
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(chmod),
	SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(fchownat),
	SCMP_SYS(truncate), SCMP_SYS(chroot), SCMP_SYS(mknod),
	SCMP_SYS(mknodat), LIST_END,
};

static int add_list(scmp_filter_ctx f, uint32_t action, const int *calls)
{
	int err = 0;

	for (; *calls != LIST_END && !err; calls++) {
		err = seccomp_rule_add(f, action, *calls, 0);
		/* -EACCES: the same as the default, which is as good */
		if (err == -EACCES)
			err = 0;
	}

	return err;
}

/* Memory, but never memory that can be executed. */
static int add_memory(scmp_filter_ctx f)
{
	int err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
				       1, SCMP_A2(SCMP_CMP_MASKED_EQ,
						  PROT_EXEC, 0));

	return err;
}

/* Its flags lie behind a pointer: glibc falls back to clone. */
static int refuse_clone3(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
				0);
}

/* glibc's threads, nothing else. CLONE_THREAD */
static int add_threads(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, 0x10000, 0x10000));
}

static int allow_socket(scmp_filter_ctx f, int family, int type)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
				SCMP_A1(SCMP_CMP_MASKED_EQ, SOCK_TYPE_MASK,
					(scmp_datum_t)type));
}

static int deny_other_sockets(scmp_filter_ctx f)
{
	static const int families[] = { AF_UNIX, AF_PACKET, AF_VSOCK };
	static const int inet[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (unsigned i = 0; i < ARRAY_LEN(families) && !err; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ,
					       (scmp_datum_t)families[i]));
	for (unsigned i = 0; i < ARRAY_LEN(inet) && !err; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(socket), 2,
				       SCMP_A0(SCMP_CMP_EQ,
					       (scmp_datum_t)inet[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ,
					       SOCK_TYPE_MASK, SOCK_STREAM));

	return err;
}

static int fill_gather(scmp_filter_ctx f)
{
	int err;

	if ((err = add_list(f, SCMP_ACT_ALLOW, run_calls)) ||
	    (err = add_list(f, SCMP_ACT_ALLOW, own_calls)) ||
	    (err = add_list(f, SCMP_ACT_ALLOW, gather_calls)) ||
	    (err = allow_socket(f, AF_INET, SOCK_DGRAM)) ||
	    (err = allow_socket(f, AF_INET6, SOCK_DGRAM)) ||
	    (err = allow_socket(f, AF_NETLINK, SOCK_RAW)) ||
	    (err = allow_socket(f, AF_NETLINK, SOCK_DGRAM)) ||
	    (err = deny_other_sockets(f)) ||
	    (err = add_list(f, SCMP_ACT_ERRNO(EACCES), file_calls)) ||
	    (err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				    SCMP_SYS(connect), 0)) ||
	    (err = add_memory(f)))
		return err;

	return refuse_clone3(f);
}

/* fcntl for looking only: what a region's seals are, what a socket is. */
static int add_looking(scmp_filter_ctx f)
{
	static const int looks[] = { 1, 3, 4, 1034 };	/* F_GETFD, F_GETFL,
						F_SETFL, F_GET_SEALS */
	int err = 0;

	for (unsigned i = 0; i < ARRAY_LEN(looks) && !err; i++)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				       SCMP_A1(SCMP_CMP_EQ,
					       (scmp_datum_t)looks[i]));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fstat), 0);

	return err;
}

static int fill_run(scmp_filter_ctx f)
{
	int err;

	if ((err = add_list(f, SCMP_ACT_ALLOW, run_calls)) ||
	    (err = add_looking(f)) ||
	    (err = add_list(f, SCMP_ACT_ERRNO(EACCES), denied_calls)) ||
	    (err = add_list(f, SCMP_ACT_ERRNO(EACCES), file_calls)) ||
	    (err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				    SCMP_SYS(newfstatat), 0)) ||
	    (err = add_memory(f)))
		return err;

	return refuse_clone3(f);
}

static int fill_media(scmp_filter_ctx f)
{
	int err;

	if ((err = add_list(f, SCMP_ACT_ALLOW, run_calls)) ||
	    (err = add_list(f, SCMP_ACT_ALLOW, own_calls)) ||
	    (err = add_list(f, SCMP_ACT_ALLOW, media_calls)) ||
	    (err = add_list(f, SCMP_ACT_KILL_PROCESS, intruder_calls)) ||
	    (err = add_list(f, SCMP_ACT_KILL_PROCESS, program_calls)) ||
	    (err = add_list(f, SCMP_ACT_ERRNO(EACCES), file_calls)) ||
	    (err = add_threads(f)) || (err = add_memory(f)))
		return err;

	return refuse_clone3(f);
}

/* Opens no new file for writing; may open its own sockets. */
static int fill_signaling(scmp_filter_ctx f)
{
	int err;

	if ((err = add_list(f, SCMP_ACT_KILL_PROCESS, intruder_calls)) ||
	    (err = add_list(f, SCMP_ACT_KILL_PROCESS, program_calls)))
		return err;
	for (const int *c = file_calls; *c != LIST_END && !err; c++)
		if (*c != SCMP_SYS(openat) && *c != SCMP_SYS(open) &&
		    *c != SCMP_SYS(openat2))
			err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), *c,
					       0);
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, 3, 1));
	if (!err)
		err = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES),
				       SCMP_SYS(openat), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, 3, 2));

	return err;
}

static int fill_broker(scmp_filter_ctx f)
{
	return add_list(f, SCMP_ACT_KILL_PROCESS, intruder_calls);
}

static const struct profile {
	const char *name;
	uint32_t otherwise;
	int (*fill)(scmp_filter_ctx f);
} profiles[SANDBOX_PROFILES] = {
	[SANDBOX_ICE_GATHER] = { "ice-gather", SCMP_ACT_KILL_PROCESS,
				 fill_gather },
	[SANDBOX_ICE_RUN] = { "ice-run", SCMP_ACT_KILL_PROCESS, fill_run },
	[SANDBOX_MEDIA] = { "media", SCMP_ACT_ERRNO(EPERM), fill_media },
	[SANDBOX_SIGNALING] = { "signaling", SCMP_ACT_ALLOW,
				fill_signaling },
	[SANDBOX_BROKER] = { "broker", SCMP_ACT_ALLOW, fill_broker },
};

const char *sandbox_name(enum sandbox_profile profile)
{
	return profile < SANDBOX_PROFILES ? profiles[profile].name : "?";
}

int sandbox_load(enum sandbox_profile profile)
{
	const struct profile *p = &profiles[profile];
	scmp_filter_ctx f;
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	f = seccomp_init(p->otherwise);
	if (!f)
		return -ENOMEM;
	err = p->fill(f);
	if (!err)
		err = seccomp_load(f);
	seccomp_release(f);

	return err;
}

int sandbox_enter(enum sandbox_profile profile)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)profile;

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
#else
	return sandbox_load(profile);
#endif
}
