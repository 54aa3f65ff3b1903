/* gen-protocol.c - write docs/PROTOCOL.md from the message table */

#include "proto/msg.h"

#include <stdio.h>

static const char *const procs[PROCS] = {
	"broker", "signaling", "template", "ice-worker",
	"media-worker",
};

static const char *phases(unsigned when)
{
	switch (when) {
	case AT_BOOT: return "boot";
	case AT_HELLO: return "boot, idle";
	case AT_IDLE: return "idle";
	case AT_CALL: return "join, flow";
	case AT_READY: return "idle, join, flow";
	case AT_ANY: return "any";
	default: return "see msg.h";
	}
}

static void row(const char *name, enum proc from, enum proc to, unsigned when,
		unsigned fds, size_t size, unsigned blob)
{
	printf("| `%s` | %s | %s | %s | %zu | ", name,
	       procs[from],
	       procs[to], phases(when), size);
	if (blob)
		printf("%u | ", blob);
	else
		printf("- | ");
	if (fds)
		printf("%u |\n", fds);
	else
		printf("- |\n");
}

int main(void)
{
	printf("# Messages between processes\n\n"
	       "Written by `make docs` from the table in `proto/msg.h`; do not"
	       " edit.\nWhat a field means stands beside its struct there.\n\n"
	       "A frame is `struct msg_head` (type, size, fds, seq: four 32-bit"
	       " numbers), the\nfixed payload, then the blob. Numbers are in"
	       " host order: both ends are one build\non one machine. Rows with"
	       " descriptors go over the worker's `fds` socket\n(SEQPACKET),"
	       " all others over its `ctl` socket (nng's SP framing, pair1);"
	       " the\ntemplate and the ice-workers have the SEQPACKET socket"
	       " alone. The ABI"
	       " number of this table is\n`0x%08x`.\n\n"
	       "| message | from | to | legal when | payload bytes | blob at"
	       " most | descriptors |\n"
	       "| --- | --- | --- | --- | --: | --: | --: |\n", msg_abi());
#define ROW(name, from, to, when, fds, blob)                                  \
	row(#name, from, to, when, fds, sizeof(struct msg_##name), blob);
	MSG_TABLE(ROW)
#undef ROW

	return 0;
}
