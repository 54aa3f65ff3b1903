/* files.h - the compiled .proto files that reflection knows */
#ifndef SIGNALING_GRPC_FILES_H
#define SIGNALING_GRPC_FILES_H

#include "core/grpc/descriptor.h"

enum { GRPC_FILES = 5 };

/* The n-th of GRPC_FILES. */
struct descriptor grpc_file(unsigned n);

#endif
