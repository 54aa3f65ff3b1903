/*
 * media_kit.h - sound and pictures whose return can be judged
 *
 * Tones whose pitch can be measured, recorded speech, moving pictures that
 * carry their number in black and white squares.
 *
 * Units    48000 Hz, 16 bit; I420.
 */
#ifndef TESTS_MEDIA_KIT_H
#define TESTS_MEDIA_KIT_H

#include <stddef.h>
#include <stdint.h>

enum { KIT_HZ = 48000, KIT_FRAME = 960, KIT_CODES = 4096 };

/* n samples of a tone that goes on from sample `from`; every step-th value
 * of pcm is written (2: one channel of stereo). */
void kit_tone(int16_t *pcm, size_t n, size_t step, double hz, int64_t from);

/* The strongest pitch between 80 and 2000 Hz; 0 for silence. */
double kit_pitch(const int16_t *pcm, size_t n, size_t step);

/* Root of the mean square. */
double kit_loudness(const int16_t *pcm, size_t n);

/*
 * Recorded speech at 48000 Hz, mono, from asterisk's sounds where they are
 * installed, else a voice-like sound of our own. Lives for ever. *n: samples,
 * at least 10 s. *real: 1 when recorded.
 */
const int16_t *kit_speech(size_t *n, int *real);

struct kit_picture {
	uint32_t width, height;
	uint8_t *plane[3];
	uint32_t stride[3];
	uint8_t *bytes;		/* the whole; free() it */
};

/* 0 or -ENOMEM. */
int kit_picture_new(struct kit_picture *p, uint32_t width, uint32_t height);

/* Draws picture number `code` of a moving scene. */
void kit_picture_draw(struct kit_picture *p, uint32_t code);

/* The number that stands in a picture of any size; -1 when unreadable. */
int kit_picture_read(const uint8_t *luma, uint32_t stride, uint32_t width,
		     uint32_t height);

#endif
