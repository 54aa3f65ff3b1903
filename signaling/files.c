/* files.c - the demo page, in memory */

#include "signaling/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

struct files {
	struct file list[FILES_MAX];
	size_t count, bytes;
};

static const struct kind {
	const char *suffix, *type;
} kinds[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".ts", "text/plain; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/x-icon" },
	{ ".woff2", "font/woff2" },
	{ ".wasm", "application/wasm" },
	{ ".wav", "audio/wav" },
	{ ".webm", "video/webm" },
	{ ".mp4", "video/mp4" },
};

static const char *type_of(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(kinds); i++)
		if (strcmp(dot, kinds[i].suffix) == 0)
			return kinds[i].type;

	return "application/octet-stream";
}

static void write_etag(struct file *file)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < file->len; i++)
		h = (h ^ file->bytes[i]) * 0x100000001b3u;
	snprintf(file->etag, sizeof(file->etag), "\"%016llx\"",
		 (unsigned long long)h);
}

static int read_all(int fd, uint8_t *to, size_t len)
{
	while (len) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		to += n;
		len -= (size_t)n;
	}

	return 0;
}

/* Takes fd. */
static int add_file(struct files *f, int fd, size_t len, const char *path)
{
	struct file *file = &f->list[f->count];
	int err = 0;

	if (f->count == FILES_MAX || len > FILES_BYTES - f->bytes)
		err = -EFBIG;
	if (!err) {
		*file = (struct file){ .path = strdup(path),
				       .type = type_of(path), .len = len };
		file->bytes = malloc(len ? len : 1);
		err = file->path && file->bytes
			      ? read_all(fd, file->bytes, len)
			      : -ENOMEM;
		f->count++;
		f->bytes += len;
	}
	if (!err)
		write_etag(file);
	close(fd);

	return err;
}

static int load_dir(struct files *f, int fd, const char *path, int depth);

static int load_entry(struct files *f, int dir, const char *base,
		      const char *name, int depth)
{
	char path[PATH_BYTES];
	struct stat st;
	int fd;

	if (name[0] == '.' ||
	    snprintf(path, sizeof(path), "%s/%s", base, name) >= PATH_BYTES)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? 0 : -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && depth < FILES_DEPTH)
		return load_dir(f, fd, path, depth + 1);
	if (S_ISREG(st.st_mode))
		return add_file(f, fd, (size_t)st.st_size, path);
	close(fd);

	return 0;
}

/* Takes fd. */
static int load_dir(struct files *f, int fd, const char *path, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int err = 0;

	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (e = readdir(dir)))
		err = load_entry(f, fd, path, e->d_name, depth);
	closedir(dir);

	return err;
}

static int by_path(const void *a, const void *b)
{
	const struct file *left = a, *right = b;

	return strcmp(left->path, right->path);
}

int files_load(struct files **out, const char *dir)
{
	struct files *f = calloc(1, sizeof(*f));
	int fd, err;

	if (!f)
		return -ENOMEM;
	if (!dir || !*dir) {
		*out = f;
		return 0;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd < 0 ? -errno : load_dir(f, fd, "", 0);
	if (err) {
		files_free(f);
		return err;
	}
	qsort(f->list, f->count, sizeof(f->list[0]), by_path);
	*out = f;

	return 0;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		free(f->list[i].path);
		free(f->list[i].bytes);
	}
	free(f);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path without query, %-forms decoded. false: no name of ours. */
static bool decode(char *out, const char *path, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && path[i] != '?'; i++) {
		char c = path[i];

		if (n + 12 > PATH_BYTES)
			return false;
		if (c == '%') {
			if (i + 2 >= len || hex(path[i + 1]) < 0 ||
			    hex(path[i + 2]) < 0)
				return false;
			c = (char)(hex(path[i + 1]) * 16 + hex(path[i + 2]));
			i += 2;
		}
		if (!c)
			return false;
		out[n++] = c;
	}
	if (n && out[n - 1] == '/') {
		memcpy(out + n, "index.html", 10);
		n += 10;
	}
	out[n] = '\0';

	return true;
}

const struct file *files_find(const struct files *f, const char *path,
			      size_t len)
{
	char name[PATH_BYTES];
	struct file key = { .path = name };

	if (!decode(name, path, len))
		return NULL;

	return bsearch(&key, f->list, f->count, sizeof(f->list[0]), by_path);
}

size_t files_count(const struct files *f)
{
	return f->count;
}
