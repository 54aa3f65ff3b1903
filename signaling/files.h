/*
 * files.h - the demo page, in memory
 *
 * Everything below one folder is read at the start, before the process gives
 * up its right to open files; nothing is read later. Names that begin with a
 * dot are left out, links are not followed.
 *
 * Limits   FILES_MAX files, FILES_BYTES in all.
 */
#ifndef SIGNALING_FILES_H
#define SIGNALING_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { FILES_MAX = 512, FILES_BYTES = 33554432, FILES_DEPTH = 8 };

struct files;

struct file {
	char *path;		/* "/app.js" */
	const char *type;	/* Content-Type */
	uint8_t *bytes;
	size_t len;
	char etag[24];		/* quoted */
};

/* dir NULL or empty: no files. -ENOENT, -EACCES, -EFBIG, -ENOMEM, ... */
int files_load(struct files **out, const char *dir) MUST_USE;
void files_free(struct files *f);

/* path is the request's, query and all; "/" is "/index.html". NULL: none. */
const struct file *files_find(const struct files *f, const char *path,
			      size_t len);

size_t files_count(const struct files *f);

#endif
