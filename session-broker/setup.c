/* setup.c - options, manifest, cores, run directory */

#include "session-broker/setup.h"

#include "common/log.h"
#include "core/pipeline/manifest.h"
#include "port/seccomp.h"
#include "port/yaml.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_SETTING = 2, EXIT_MACHINE = 1, RUN_DIR_MAX = 60 };

int setup_options(struct options *opt, int argc, char **argv)
{
	static char error[OPTIONS_ERROR];
	int what = options_parse(opt, argc, argv, (options_get_h *)getenv,
				 error);

	if (what == OPTIONS_HELP) {
		options_help(stdout, "webrtc_server");
		return 0;
	}
	if (what == OPTIONS_VERSION) {
		printf("remotemedia-webrtc %s\n", options_version());
		return 0;
	}
	if (what < 0) {
		fprintf(stderr, "webrtc_server: %s\n", error);
		return EXIT_SETTING;
	}

	return -1;
}

static int read_file(const char *path, char **out, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text;

	if (!f)
		return -errno;
	text = malloc(TREE_BYTES + 1);
	if (!text) {
		fclose(f);
		return -ENOMEM;
	}
	*len = fread(text, 1, TREE_BYTES + 1, f);
	fclose(f);
	*out = text;

	return 0;
}

/* 0, or the exit status; every fault of the manifest is told. */
static int read_manifest(struct broker *b)
{
	static struct manifest m;
	static struct manifest_errors errors;
	const char *path = b->opt->manifest;
	struct yaml_error bad = { 0 };
	struct tree tree = { 0 };
	char *text = NULL;
	size_t len = 0;
	int err = read_file(path, &text, &len);

	if (err) {
		fprintf(stderr, "webrtc_server: WEBRTC_PIPELINE_MANIFEST=%s: "
			"%s; name a readable manifest file\n", path,
			strerror(-err));
		return EXIT_SETTING;
	}
	if ((err = yaml_tree_parse(&tree, text, len, &bad))) {
		fprintf(stderr, "webrtc_server: %s:%u: %s\n", path, bad.line,
			bad.text);
	} else if ((err = manifest_check(&m, &tree, path, &errors))) {
		for (unsigned i = 0; i < errors.count; i++)
			fprintf(stderr, "webrtc_server: %s\n",
				errors.text[i]);
	}
	b->routes = m.routes;
	yaml_tree_free(&tree);
	free(text);

	return err ? EXIT_SETTING : 0;
}

/* The cgroup's quota in whole cores, at least one, at most n. */
static uint32_t cores_by_quota(uint32_t n)
{
	long long quota = -1, period = 0;
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");

	if (!f)
		return n;
	if (fscanf(f, "%lld %lld", &quota, &period) != 2)
		quota = -1;
	fclose(f);
	if (quota <= 0 || period <= 0 || quota / period >= (long long)n)
		return n;

	return quota < period ? 1 : (uint32_t)(quota / period);
}

/* The cores this process may use, one media-worker each unless told. */
static void place_media(struct broker *b)
{
	uint32_t cores[MEDIA_WORKERS_MAX], n = 0, want;
	cpu_set_t set;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (uint32_t i = 0; i < CPU_SETSIZE && n < MEDIA_WORKERS_MAX; i++)
		if (CPU_ISSET(i, &set))
			cores[n++] = i;
	if (!n)
		cores[n++] = 0;

	want = b->opt->media_workers ? b->opt->media_workers :
				       cores_by_quota(n);
	if (want > MEDIA_WORKERS_MAX)
		want = MEDIA_WORKERS_MAX;
	b->media_count = want;
	for (uint32_t i = 0; i < want; i++)
		b->media[i] = (struct service){
			.b = b, .kind = MEDIA, .index = i,
			.core = cores[i % n],
		};
}

static int find_programs(struct broker *b)
{
	ssize_t n = readlink("/proc/self/exe", b->bin, sizeof(b->bin) - 1);
	char *slash;

	if (n <= 0)
		return -errno;
	b->bin[n] = '\0';
	slash = strrchr(b->bin, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';

	return 0;
}

/* What the broker never needs is given away before anything is started. */
static void shed(void)
{
	struct rlimit core = { 0, 0 }, files;

	if (sandbox_enter(SANDBOX_BROKER))
		log_warn("no system call filter for the broker");
	setrlimit(RLIMIT_CORE, &core);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max :
							   65536;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(077);
}

/* -ENAMETOOLONG: the sockets below it must fit a sockaddr_un. */
static int choose_run_dir(struct broker *b)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	int n;

	if (b->opt->run_dir)
		n = snprintf(b->run, sizeof(b->run), "%s", b->opt->run_dir);
	else
		n = snprintf(b->run, sizeof(b->run),
			     "%s/remotemedia-webrtc-%u",
			     base && *base ? base : "/tmp", geteuid());

	return n > RUN_DIR_MAX ? -ENAMETOOLONG : 0;
}

static int run_dir_error(const char *dir, int err)
{
	if (err == -EALREADY)
		fprintf(stderr, "webrtc_server: a server runs already in "
			"WEBRTC_RUN_DIR=%s; stop it or name another "
			"directory\n", dir);
	else if (err == -EPERM)
		fprintf(stderr, "webrtc_server: WEBRTC_RUN_DIR=%s belongs to "
			"someone else or is open to others; remove it or name "
			"another directory\n", dir);
	else
		fprintf(stderr, "webrtc_server: WEBRTC_RUN_DIR=%s: %s; name a "
			"directory that can be made, of 60 bytes at most\n",
			dir, strerror(-err));

	return EXIT_MACHINE;
}

int setup_broker(struct broker **out, const struct options *opt)
{
	struct broker *b = calloc(1, sizeof(*b));
	int err, code;

	if (!b)
		return EXIT_MACHINE;
	b->opt = opt;
	b->lock_fd = -1;
	shed();
	if ((code = read_manifest(b))) {
		free(b);
		return code;
	}
	place_media(b);
	b->signaling = (struct service){ .b = b, .kind = SIGNALING };
	b->template = (struct service){ .b = b, .kind = TEMPLATE };
	b->ports = calloc(opt->udp_port_max - opt->udp_port_min + 1u, 1);
	err = !b->ports ? -ENOMEM : find_programs(b);
	/* Two servers with one range begin at different ports. */
	b->port_next = (uint32_t)getpid() * 2654435761u;
	if (!err)
		err = choose_run_dir(b);
	if (!err)
		err = loop_new(&b->loop);
	if (!err)
		err = rundir_open(b);
	if (err) {
		code = run_dir_error(b->run, err);
		loop_free(b->loop);
		free(b->ports);
		free(b);
		return code;
	}
	*out = b;

	return 0;
}

void setup_undo(struct broker *b)
{
	int fd = b->on_signal.fd;

	while (b->workers)
		worker_free(b->workers);
	loop_untimer(&b->stats);
	loop_untimer(&b->adopted);
	loop_untimer(&b->stop_by);
	loop_untimer(&b->signaling.again);
	loop_untimer(&b->template.again);
	for (uint32_t i = 0; i < b->media_count; i++)
		loop_untimer(&b->media[i].again);
	loop_unwatch(&b->on_signal);
	close(fd);
	rundir_close(b);
	loop_free(b->loop);
	free(b->ports);
	free(b);
}
