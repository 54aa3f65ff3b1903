/* coder.c - one peer's picture through decoder, slot and encoder */

#include "media-worker/coder.h"

#include "core/media/picture_head.h"
#include "port/vpx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	HZ = 90000,
	JUMP = 10 * HZ,		/* of media time: anchor anew */
	STEP_USUAL = 3000,	/* 30 pictures a second */
	STEP_MIN = 900,
	BPS_LOW = 150000,	/* of the first target, by size */
	BPS_HIGH = 2500000,
};

/* One codec of what goes out. */
struct out {
	struct vpx_enc *enc;	/* or NULL */
	struct vpx_enc_cfg cfg;
	uint32_t bitrate_bps;	/* 0: nobody said */
	uint32_t key_us;
	bool force_key;
	struct mono keyed;
	int64_t last;		/* media time */
	int64_t seq;
	unsigned idle;		/* pictures since it was used */
};

struct coder {
	uint64_t peer;
	struct vpx_dec *dec;
	enum vpx_kind dec_kind;
	struct out vp8, vp9;
	struct frames frames;
	bool held, taken;
	struct vpx_picture picture;	/* in the decoder, while held */
	struct vpx_picture slot;	/* in the ring, while taken */
	struct record from;		/* the record it came from */
	bool await_key;		/* the decoder cannot go on without */
	struct mono asked;
	bool anchored;
	int64_t in_last;	/* media time of the sender, last picture */
	int64_t offset;		/* of our media time against it */
	int64_t time;		/* of the picture taken, ours */
	struct coder_stats stats;
};

int coder_new(struct coder **out, uint64_t peer)
{
	struct coder *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->peer = peer;
	c->await_key = true;
	c->asked = mono_at(INT64_MIN / 2);
	c->vp8.keyed = c->vp9.keyed = c->asked;
	c->vp8.key_us = c->vp9.key_us = CODER_KEY_US;
	*out = c;

	return 0;
}

void coder_free(struct coder *c)
{
	if (!c)
		return;
	frames_drop(&c->frames);
	vpx_dec_free(c->dec);
	vpx_enc_free(c->vp8.enc);
	vpx_enc_free(c->vp9.enc);
	free(c);
}

static enum vpx_kind kind_of(const struct record *rec)
{
	return rec->codec == CODEC_VP9 ? VPX_VP9 : VPX_VP8;
}

/* Looks before the decoder does. */
static int look(struct picture_head *head, const struct record *rec,
		const void *payload)
{
	if (rec->codec == CODEC_VP9)
		return picture_head_vp9(head, payload, rec->bytes);
	if (rec->codec == CODEC_VP8)
		return picture_head_vp8(head, payload, rec->bytes);

	return -ENOTSUP;
}

/* A key frame begins in a fresh decoder when anything went wrong before or
 * the codec changed. */
static int fresh_decoder(struct coder *c, enum vpx_kind kind)
{
	if (c->dec && c->dec_kind == kind && !c->await_key)
		return 0;
	vpx_dec_free(c->dec);
	c->dec = NULL;
	c->dec_kind = kind;

	return vpx_dec_new(&c->dec, kind);
}

static int refuse(struct coder *c, int err)
{
	c->held = false;
	c->await_key = true;
	c->stats.broken++;

	return err;
}

int coder_decode(struct coder *c, const struct record *rec,
		 const void *payload)
{
	struct picture_head head;
	int err = look(&head, rec, payload);

	if (err)
		return refuse(c, err);
	if ((rec->flags & RECORD_GAP) && !head.key)
		coder_gap(c);
	if (!head.key && (c->await_key || c->dec_kind != kind_of(rec))) {
		c->await_key = true;
		return 0;
	}
	coder_drop(c);
	if (head.key) {
		err = fresh_decoder(c, kind_of(rec));
		if (err)
			return refuse(c, err);
	}
	err = vpx_dec_run(c->dec, payload, rec->bytes, &c->picture);
	if (err < 0)
		return refuse(c, err);
	c->await_key = false;
	if (err == 0)
		return 0;
	if (!picture_size_ok(c->picture.width, c->picture.height))
		return refuse(c, -EFBIG);
	c->held = true;
	c->from = *rec;
	c->stats.decoded++;

	return 1;
}

void coder_gap(struct coder *c)
{
	c->await_key = true;
}

bool coder_asks_key(struct coder *c, struct mono now)
{
	if (!c->await_key || mono_since(now, c->asked) < CODER_ASK_US)
		return false;
	c->asked = now;

	return true;
}

static struct out *out_of(struct coder *c, enum record_codec codec)
{
	if (codec == CODEC_VP9)
		return &c->vp9;

	return codec == CODEC_VP8 ? &c->vp8 : NULL;
}

void coder_force_key(struct coder *c, enum record_codec codec)
{
	struct out *o = out_of(c, codec);

	if (o)
		o->force_key = true;
}

void coder_key_span(struct coder *c, enum record_codec codec, uint32_t us)
{
	struct out *o = out_of(c, codec);

	if (o)
		o->key_us = us;
}

static uint32_t target_of(const struct out *o, uint32_t width, uint32_t height)
{
	uint32_t bps = o->bitrate_bps ? o->bitrate_bps : width * height * 2;

	if (!o->bitrate_bps && bps < BPS_LOW)
		bps = BPS_LOW;
	if (!o->bitrate_bps && bps > BPS_HIGH)
		bps = BPS_HIGH;

	return bps < VPX_BPS_MIN ? VPX_BPS_MIN :
	       bps > VPX_BPS_MAX ? VPX_BPS_MAX : bps;
}

/* The next picture gets a new encoder, if one is wanted. */
static void drop_encoder(struct out *o)
{
	vpx_enc_free(o->enc);
	o->enc = NULL;
}

void coder_bitrate(struct coder *c, enum record_codec codec, uint32_t bps)
{
	struct out *o = out_of(c, codec);

	if (!o)
		return;
	bps = bps ? bps : 1;
	if (o->bitrate_bps == bps)
		return;
	o->bitrate_bps = bps;
	if (o->enc && vpx_enc_bitrate(o->enc, bps) != 0)
		drop_encoder(o);
}

enum record_codec coder_codec(const struct coder *c)
{
	return (enum record_codec)c->from.codec;
}

bool coder_wants_frames(const struct coder *c, struct frame_shape *out)
{
	const struct vpx_picture *p = &c->picture;

	if (!c->held || frames_fit_picture(&c->frames, p->width, p->height))
		return false;
	*out = frames_picture(p->width, p->height);

	return true;
}

int coder_take_frames(struct coder *c, const struct frame_shape *shape, int fd)
{
	return frames_take(&c->frames, shape, fd);
}

void coder_drop(struct coder *c)
{
	if (c->held)
		c->stats.dropped++;
	c->held = false;
}

bool coder_holds(const struct coder *c)
{
	return c->held;
}

static void copy_plane(uint8_t *to, uint32_t to_stride, const uint8_t *from,
		       uint32_t from_stride, uint32_t width, uint32_t height)
{
	for (uint32_t y = 0; y < height; y++)
		memcpy(to + (size_t)y * to_stride,
		       from + (size_t)y * from_stride, width);
}

/* The one copy: libvpx keeps what it decoded as a reference. */
static int into_slot(struct coder *c, struct vpx_picture *slot)
{
	const struct vpx_picture *p = &c->picture;
	struct frame_meta meta = { .width = p->width, .height = p->height };
	void *planes[FRAME_PLANES];
	int err = frame_loan(&c->frames.writer, &meta, planes);

	if (err)
		return err;
	*slot = (struct vpx_picture){ .width = p->width,
				      .height = p->height };
	for (int i = 0; i < 3; i++) {
		uint32_t w = i ? (p->width + 1) / 2 : p->width;
		uint32_t h = i ? (p->height + 1) / 2 : p->height;

		copy_plane(planes[i], meta.stride[i], p->plane[i],
			   p->stride[i], w, h);
		slot->plane[i] = planes[i];
		slot->stride[i] = meta.stride[i];
	}
	meta.pts_us = c->from.arrival_us;
	meta.source = c->peer;

	return frame_commit(&c->frames.writer, &meta);
}

/* An encoder for this size; a new one begins with a key frame. */
static int fit_encoder(struct coder *c, struct out *o)
{
	struct vpx_enc_cfg cfg = {
		.kind = o == &c->vp9 ? VPX_VP9 : VPX_VP8,
		.width = c->slot.width, .height = c->slot.height,
	};

	if (o->enc && o->cfg.width == cfg.width &&
	    o->cfg.height == cfg.height)
		return 0;
	drop_encoder(o);
	cfg.bitrate_bps = target_of(o, cfg.width, cfg.height);
	o->cfg = cfg;

	return vpx_enc_new(&o->enc, &cfg);
}

static int64_t clamp_arrival(int64_t us, struct mono now)
{
	return us > now.us || us < now.us - 10000000 ? now.us : us;
}

/* The sender's spacing on our clock; always rising. */
static int64_t media_time(struct coder *c, struct mono now)
{
	int64_t in = c->from.rtp_time, arrival, out;
	bool sane = in > -((int64_t)1 << 50) && in < (int64_t)1 << 50;

	arrival = clamp_arrival(c->from.arrival_us, now);
	if (!sane)
		in = c->in_last;
	if (!c->anchored || in <= c->in_last || in - c->in_last > JUMP)
		c->offset = arrival * 9 / 100 - in;
	c->anchored = true;
	c->in_last = in;
	out = in + c->offset;
	if (out <= c->time)
		out = c->time + 1;

	return out;
}

static bool key_now(const struct out *o, struct mono now)
{
	return o->force_key && mono_since(now, o->keyed) >= o->key_us;
}

static uint32_t step_of(const struct out *o, int64_t time)
{
	int64_t step = time - o->last;

	if (!o->last || step >= HZ)
		return STEP_USUAL;

	return step < STEP_MIN ? STEP_MIN : (uint32_t)step;
}

static void describe(struct coder *c, struct out *o,
		     const struct vpx_coded *coded, struct record *out)
{
	bool vp9 = o == &c->vp9;

	*out = (struct record){
		.kind = RECORD_VIDEO, .codec = vp9 ? CODEC_VP9 : CODEC_VP8,
		.level = RECORD_NO_LEVEL,
		.flags = coded->key ? RECORD_KEY : 0,
		.track = c->from.track, .bytes = (uint32_t)coded->len,
		.seq_first = o->seq, .seq_last = o->seq, .rtp_time = c->time,
		.arrival_us = c->from.arrival_us,
		.width = (uint16_t)c->slot.width,
		.height = (uint16_t)c->slot.height,
	};
	o->seq++;
}

/* An encoder that nobody has asked for in a while. */
static void drop_idle(struct out *o)
{
	if (o->enc && ++o->idle > CODER_IDLE)
		drop_encoder(o);
}

int coder_take(struct coder *c, struct mono now)
{
	int err;

	c->taken = false;
	if (!c->held || !frames_fit_picture(&c->frames, c->picture.width,
					    c->picture.height))
		return 0;
	if ((err = into_slot(c, &c->slot)))
		return err;
	c->held = false;
	c->taken = true;
	c->time = media_time(c, now);
	drop_idle(&c->vp8);
	drop_idle(&c->vp9);

	return 1;
}

int coder_encode(struct coder *c, enum record_codec codec, struct mono now,
		 struct record *out, const void **payload)
{
	struct out *o = out_of(c, codec);
	struct vpx_coded coded;
	int err;

	if (!c->taken || !o)
		return -EINVAL;
	if ((err = fit_encoder(c, o)))
		return err;
	o->idle = 0;
	err = vpx_enc_run(o->enc, &c->slot, c->time, step_of(o, c->time),
			  key_now(o, now), &coded);
	if (err) {
		drop_encoder(o);
		return err;
	}
	o->last = c->time;
	if (!coded.bytes) {
		c->stats.dropped++;
		return 0;
	}
	if (coded.key) {
		o->keyed = now;
		o->force_key = false;
		c->stats.keys++;
	}
	c->stats.encoded++;
	describe(c, o, &coded, out);
	*payload = coded.bytes;

	return 1;
}

void coder_stats(const struct coder *c, struct coder_stats *out)
{
	*out = c->stats;
}
