/* msg.c - the rules of msg.h as data, and the gate that applies them */

#include "proto/msg.h"

#include <errno.h>

static const struct rule {
	const char *name;
	enum proc from, to;
	unsigned when;		/* enum phase, or-ed */
	uint32_t fds;
	uint32_t size, blob;	/* bytes; the blob's are a limit */
} rules[MSG_COUNT] = {
#define ROW(name, from, to, when, fds, blob) \
	{ #name, from, to, when, fds, sizeof(struct msg_##name), blob },
	MSG_TABLE(ROW)
#undef ROW
};

/* A row must fit the frame both transports carry. */
#define ROW(name, from, to, when, fds, blob)                                  \
	_Static_assert(sizeof(struct msg_head) + sizeof(struct msg_##name) +  \
				       (blob) <= MSG_MAX && (fds) <= MSG_FDS, \
		       "row " #name " is too large");
MSG_TABLE(ROW)
#undef ROW

const char *msg_name(uint32_t type)
{
	return type < MSG_COUNT ? rules[type].name : "?";
}

size_t msg_payload(uint32_t type)
{
	return type < MSG_COUNT ? rules[type].size : 0;
}

uint32_t msg_fds(uint32_t type)
{
	return type < MSG_COUNT ? rules[type].fds : 0;
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * 16777619u;

	return hash;
}

uint32_t msg_abi(void)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < MSG_COUNT; i++) {
		const struct rule *r = &rules[i];

		for (const char *c = r->name; *c; c++)
			hash = mix(hash, (uint8_t)*c);
		hash = mix(hash, (uint32_t)r->from << 8 | (uint32_t)r->to);
		hash = mix(mix(hash, r->when), r->fds);
		hash = mix(mix(hash, r->size), r->blob);
	}

	return hash;
}

int msg_admit(const struct msg_head *head, enum proc from, enum proc to,
	      enum phase now)
{
	const struct rule *rule;

	if (head->type >= MSG_COUNT)
		return -EPROTO;

	rule = &rules[head->type];
	if (rule->from != from || rule->to != to || !(rule->when & now) ||
	    rule->fds != head->fds || head->size < rule->size ||
	    head->size - rule->size > rule->blob)
		return -EPROTO;

	return 0;
}

const char *call_state_name(uint32_t state)
{
	static const char *const names[CALL_STATES] = {
		"new", "connecting", "connected", "disconnected", "failed",
		"closed",
	};

	return state < CALL_STATES ? names[state] : "?";
}

const char *call_why_name(uint32_t why)
{
	static const char *const names[WHYS] = {
		"closed", "full", "bad_sdp", "bad_candidate", "wrong_state",
		"timeout", "lost", "crashed", "protocol", "resources",
	};

	return why < WHYS ? names[why] : "?";
}
