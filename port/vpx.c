/* vpx.c - libvpx, the only file that includes it */

#include "port/vpx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

enum { HZ = 90000, SIDE_MIN = 16, SIDE_MAX = 1920 };

struct vpx_dec {
	vpx_codec_ctx_t ctx;
};

struct vpx_enc {
	vpx_codec_ctx_t ctx;
	vpx_codec_enc_cfg_t cfg;
	vpx_image_t image;
};

int vpx_dec_new(struct vpx_dec **out, enum vpx_kind kind)
{
	static const vpx_codec_dec_cfg_t cfg = { .threads = 1 };
	struct vpx_dec *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (vpx_codec_dec_init(&d->ctx, kind == VPX_VP9 ? vpx_codec_vp9_dx() :
						   vpx_codec_vp8_dx(),
			       &cfg, 0)) {
		free(d);
		return -ENOMEM;
	}
	*out = d;

	return 0;
}

void vpx_dec_free(struct vpx_dec *d)
{
	if (!d)
		return;
	vpx_codec_destroy(&d->ctx);
	free(d);
}

static int picture_of(const vpx_image_t *img, struct vpx_picture *out)
{
	if (img->fmt != VPX_IMG_FMT_I420)
		return -ENOTSUP;
	for (int i = 0; i < 3; i++) {
		if (img->stride[i] <= 0)
			return -ENOTSUP;
		out->plane[i] = img->planes[i];
		out->stride[i] = (uint32_t)img->stride[i];
	}
	out->width = img->d_w;
	out->height = img->d_h;

	return 1;
}

int vpx_dec_run(struct vpx_dec *d, const void *bytes, size_t len,
		struct vpx_picture *out)
{
	vpx_codec_iter_t iter = NULL;
	const vpx_image_t *img, *last = NULL;
	int corrupt = 0;

	if (!len || len > UINT32_MAX)
		return -EBADMSG;
	if (vpx_codec_decode(&d->ctx, bytes, (unsigned)len, NULL, 0))
		return -EBADMSG;
	if (!vpx_codec_control(&d->ctx, VP8D_GET_FRAME_CORRUPTED, &corrupt) &&
	    corrupt)
		return -EBADMSG;
	while ((img = vpx_codec_get_frame(&d->ctx, &iter)))
		last = img;

	return last ? picture_of(last, out) : 0;
}

/* As libwebrtc encodes in real time on a computer, one thread. */
static int speed_of(const struct vpx_enc_cfg *cfg)
{
	uint32_t area = cfg->width * cfg->height;

	if (cfg->kind == VPX_VP8)
		return -6;
	if (area < 352 * 288)
		return 5;

	return area < 1920 * 1080 ? 7 : 9;
}

static void fill_config(vpx_codec_enc_cfg_t *c, const struct vpx_enc_cfg *cfg)
{
	bool vp9 = cfg->kind == VPX_VP9;

	c->g_w = cfg->width;
	c->g_h = cfg->height;
	c->g_timebase = (vpx_rational_t){ 1, HZ };
	c->g_threads = 1;
	c->g_lag_in_frames = 0;
	c->g_pass = VPX_RC_ONE_PASS;
	c->g_error_resilient = 0;
	c->rc_end_usage = VPX_CBR;
	c->rc_target_bitrate = cfg->bitrate_bps / 1000;
	c->rc_min_quantizer = 2;
	c->rc_max_quantizer = vp9 ? 52 : 56;
	c->rc_undershoot_pct = vp9 ? 50 : 100;
	c->rc_overshoot_pct = vp9 ? 50 : 15;
	c->rc_buf_initial_sz = 500;
	c->rc_buf_optimal_sz = 600;
	c->rc_buf_sz = 1000;
	c->rc_dropframe_thresh = 30;
	c->rc_resize_allowed = 0;
	c->kf_mode = VPX_KF_DISABLED;
}

/* A key frame may take this much of one frame's share of the bit rate, in
 * percent: half of the optimal buffer at 30 pictures a second. */
static unsigned max_intra(const vpx_codec_enc_cfg_t *c)
{
	unsigned pct = c->rc_buf_optimal_sz * 30 / 20;

	return pct < 300 ? 300 : pct;
}

static int tune(struct vpx_enc *e, const struct vpx_enc_cfg *cfg)
{
	vpx_codec_ctx_t *x = &e->ctx;
	int bad = 0;

	bad |= vpx_codec_control(x, VP8E_SET_CPUUSED, speed_of(cfg));
	bad |= vpx_codec_control(x, VP8E_SET_STATIC_THRESHOLD, 1u);
	bad |= vpx_codec_control(x, VP8E_SET_MAX_INTRA_BITRATE_PCT,
				 max_intra(&e->cfg));
	if (cfg->kind == VPX_VP8) {
		bad |= vpx_codec_control(x, VP8E_SET_NOISE_SENSITIVITY, 0u);
		return bad ? -EINVAL : 0;
	}
	bad |= vpx_codec_control(x, VP9E_SET_AQ_MODE, 3u);
	bad |= vpx_codec_control(x, VP9E_SET_FRAME_PARALLEL_DECODING, 0u);
	bad |= vpx_codec_control(x, VP9E_SET_ROW_MT, 0u);
	bad |= vpx_codec_control(x, VP9E_SET_TILE_COLUMNS, 0);
	bad |= vpx_codec_control(x, VP9E_SET_NOISE_SENSITIVITY, 0u);

	return bad ? -EINVAL : 0;
}

static bool cfg_ok(const struct vpx_enc_cfg *cfg)
{
	return cfg->width >= SIDE_MIN && cfg->width <= SIDE_MAX &&
	       cfg->height >= SIDE_MIN && cfg->height <= SIDE_MAX &&
	       cfg->bitrate_bps >= VPX_BPS_MIN &&
	       cfg->bitrate_bps <= VPX_BPS_MAX &&
	       (cfg->kind == VPX_VP8 || cfg->kind == VPX_VP9);
}

int vpx_enc_new(struct vpx_enc **out, const struct vpx_enc_cfg *cfg)
{
	vpx_codec_iface_t *iface;
	struct vpx_enc *e;
	int err;

	if (!cfg_ok(cfg))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	iface = cfg->kind == VPX_VP9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
	if (vpx_codec_enc_config_default(iface, &e->cfg, 0)) {
		free(e);
		return -EINVAL;
	}
	fill_config(&e->cfg, cfg);
	if (vpx_codec_enc_init(&e->ctx, iface, &e->cfg, 0)) {
		free(e);
		return -ENOMEM;
	}
	err = tune(e, cfg);
	if (err) {
		vpx_enc_free(e);
		return err;
	}
	*out = e;

	return 0;
}

void vpx_enc_free(struct vpx_enc *e)
{
	if (!e)
		return;
	vpx_codec_destroy(&e->ctx);
	free(e);
}

/* The caller's planes, read in place. */
static vpx_image_t *wrap(struct vpx_enc *e, const struct vpx_picture *in)
{
	vpx_image_t *img = &e->image;
	union {
		const uint8_t *in;
		uint8_t *out;
	} plane;

	memset(img, 0, sizeof(*img));
	img->fmt = VPX_IMG_FMT_I420;
	img->bit_depth = 8;
	img->w = img->d_w = in->width;
	img->h = img->d_h = in->height;
	img->x_chroma_shift = img->y_chroma_shift = 1;
	img->bps = 12;
	for (int i = 0; i < 3; i++) {
		plane.in = in->plane[i];	/* libvpx only reads them */
		img->planes[i] = plane.out;
		img->stride[i] = (int)in->stride[i];
	}

	return img;
}

int vpx_enc_run(struct vpx_enc *e, const struct vpx_picture *in, int64_t time,
		uint32_t duration, bool force_key, struct vpx_coded *out)
{
	vpx_enc_frame_flags_t flags = force_key ? VPX_EFLAG_FORCE_KF : 0;
	const vpx_codec_cx_pkt_t *pkt;
	vpx_codec_iter_t iter = NULL;

	*out = (struct vpx_coded){ 0 };
	if (in->width != e->cfg.g_w || in->height != e->cfg.g_h)
		return -EINVAL;
	if (vpx_codec_encode(&e->ctx, wrap(e, in), time, duration, flags,
			     VPX_DL_REALTIME))
		return -EINVAL;
	while ((pkt = vpx_codec_get_cx_data(&e->ctx, &iter))) {
		if (pkt->kind != VPX_CODEC_CX_FRAME_PKT)
			continue;
		out->bytes = pkt->data.frame.buf;
		out->len = pkt->data.frame.sz;
		out->key = pkt->data.frame.flags & VPX_FRAME_IS_KEY;
	}

	return 0;
}

int vpx_enc_bitrate(struct vpx_enc *e, uint32_t bps)
{
	if (bps < VPX_BPS_MIN)
		bps = VPX_BPS_MIN;
	if (bps > VPX_BPS_MAX)
		bps = VPX_BPS_MAX;
	if (e->cfg.rc_target_bitrate == bps / 1000)
		return 0;
	e->cfg.rc_target_bitrate = bps / 1000;

	return vpx_codec_enc_config_set(&e->ctx, &e->cfg) ? -EINVAL : 0;
}
