/* SPDX-License-Identifier: GPL-2.0-or-later */
/* line21.c - see line21.h. Codes are those of ANSI/CTA-608-E, packets those of CTA-708-E. */
#include "av/line21.h"

#include "av/input.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    PACKET_BYTES = 128,
    LINES_MAX = 15,
    /* the second byte of miscellaneous control codes */
    RESUME_LOADING = 0x20,
    DELETE_TO_END = 0x24,
    ROLL_UP_2 = 0x25,
    ROLL_UP_4 = 0x27,
    RESUME_DIRECT = 0x29,
    TEXT_RESTART = 0x2a,
    TEXT_RESUME = 0x2b,
    ERASE_DISPLAYED = 0x2c,
};

struct channel {
    AVCodecContext *decoder; /* NULL: nothing has come for it */
    struct mt_cues cues;
    bool text_mode;  /* what follows is no caption */
    bool written;    /* captions appear as they are written: roll-up and paint-on */
    int64_t said_us; /* when the first character since the last event came, or AV_NOPTS_VALUE */
    char *shown;     /* the lines of the last event, while they stay */
};

struct mt_line21 {
    struct channel channels[MT_LINE21_CHANNELS];
    int current[2]; /* channel of each field, 0 or 1; -1: something else is being sent */
    uint8_t packet[PACKET_BYTES]; /* of CEA-708 */
    size_t packet_n;
    uint64_t services;
};

struct mt_line21 *mt_line21_new(void)
{
    struct mt_line21 *l = mt_alloc(sizeof *l);

    *l = (struct mt_line21){.current = {-1, -1}};
    return l;
}

void mt_line21_free(struct mt_line21 **l)
{
    for (int i = 0; *l && i < MT_LINE21_CHANNELS; i++) {
        avcodec_free_context(&(*l)->channels[i].decoder);
        mt_cues_free(&(*l)->channels[i].cues);
        free((*l)->channels[i].shown);
    }
    free(*l);
    *l = NULL;
}

struct mt_cues *mt_line21_cues(struct mt_line21 *l, int channel)
{
    return l->channels[channel].decoder ? &l->channels[channel].cues : NULL;
}

uint64_t mt_line21_services(const struct mt_line21 *l)
{
    return l->services;
}

static int open_channel(struct channel *c, struct mt_err *err)
{
    const AVCodec *codec = mt_in_codec(AV_CODEC_ID_EIA_608);
    int av;

    if (!codec)
        return mt_fail(err, MT_ERR_UNSUPPORTED_CODEC, "closed captions cannot be decoded here");
    c->said_us = AV_NOPTS_VALUE;
    c->decoder = avcodec_alloc_context3(codec);
    if (!c->decoder)
        return mt_av_fail(err, AVERROR(ENOMEM), "closed captions");
    c->decoder->pkt_timebase = AV_TIME_BASE_Q;
    av = avcodec_open2(c->decoder, codec, NULL);
    return av < 0 ? mt_av_fail(err, av, "closed captions") : 0;
}

/* The lines of text that are not the last of those shown already. Lent. */
static const char *news(const char *text, const char *shown)
{
    const char *from = shown;

    for (int i = 0; shown && i < LINES_MAX && *from; i++) {
        size_t n = strlen(from);
        const char *next = strchr(from, '\n');

        if (strncmp(text, from, n) == 0 && (text[n] == '\n' || text[n] == '\0'))
            return text[n] ? text + n + 1 : text + n;
        from = next ? next + 1 : "";
    }
    return text;
}

static void add(struct channel *c, const AVSubtitle *sub, const char *ass)
{
    struct mt_cue screen = {.ass = (char *)(uintptr_t)ass};
    char *text = mt_cue_text(&screen), *event;
    const char *said = c->written ? news(text, c->shown) : text;
    int64_t start = sub->pts, end = sub->pts + (int64_t)sub->end_display_time * 1000;

    if (c->written && c->said_us != AV_NOPTS_VALUE && c->said_us < end)
        start = c->said_us;
    if (*said) {
        event = mt_asprintf("0,0,Default,,0,0,0,,%s", said);
        for (char *at = event; (at = strchr(at, '\n')); at++)
            *at = ' ';
        mt_cues_add(&c->cues, start, end, event);
        free(event);
    }
    free(c->shown);
    c->shown = text;
    c->said_us = AV_NOPTS_VALUE;
}

static int decode(struct channel *c, AVPacket *packet, struct mt_err *err)
{
    AVSubtitle sub = {0};
    int got = 0, av = avcodec_decode_subtitle2(c->decoder, &sub, &got, packet);

    if (av == AVERROR(ENOMEM))
        return mt_av_fail(err, av, "closed captions");
    for (unsigned i = 0; av >= 0 && got && i < sub.num_rects; i++)
        if (sub.rects[i]->ass)
            add(c, &sub, sub.rects[i]->ass);
    if (av >= 0 && got)
        avsubtitle_free(&sub);
    return 0;
}

static uint8_t with_parity(uint8_t byte)
{
    return (uint8_t)(byte | (__builtin_parity(byte) ? 0 : 0x80));
}

/* A pair for the channel, without its bit of the channel and without parity. */
static int send(struct channel *c, uint8_t hi, uint8_t lo, int64_t us, struct mt_err *err)
{
    AVPacket *packet = av_packet_alloc();
    int ret = -1;

    if (!packet || av_new_packet(packet, 3) < 0) {
        mt_av_fail(err, AVERROR(ENOMEM), "closed captions");
    } else {
        packet->data[0] = 0xfc;
        packet->data[1] = with_parity(hi);
        packet->data[2] = with_parity(lo);
        packet->pts = packet->dts = us;
        ret = decode(c, packet, err);
    }
    av_packet_free(&packet);
    return ret;
}

static void note_mode(struct channel *c, uint8_t lo)
{
    if (lo == RESUME_LOADING || lo == RESUME_DIRECT || (lo >= ROLL_UP_2 && lo <= ROLL_UP_4)) {
        c->text_mode = false;
        c->written = lo != RESUME_LOADING;
    } else if (lo == TEXT_RESTART || lo == TEXT_RESUME) {
        c->text_mode = true;
    }
}

static int take_pair(struct channel *c, uint8_t hi, uint8_t lo, int64_t us, struct mt_err *err)
{
    bool control = hi == 0x14 || hi == 0x15;

    if (!c->decoder && open_channel(c, err) < 0)
        return -1;
    if (control)
        note_mode(c, lo);
    if (c->text_mode)
        return 0;
    if (c->said_us == AV_NOPTS_VALUE && (hi >= 0x20 || (hi >= 0x11 && hi <= 0x13 && lo < 0x40)))
        c->said_us = us;
    if (send(c, control ? 0x14 : hi, lo, us, err) < 0)
        return -1;
    if (control && lo == ERASE_DISPLAYED) {
        free(c->shown);
        c->shown = NULL;
    }
    return 0;
}

/* A pair of a field, with parity: finds out whose it is. */
static int take_field(struct mt_line21 *l, int field, const uint8_t pair[2], int64_t us,
                      struct mt_err *err)
{
    uint8_t hi = pair[0] & 0x7f, lo = pair[1] & 0x7f;

    if (!__builtin_parity(pair[1]) || (hi == 0 && lo == 0))
        return 0;
    if (!__builtin_parity(pair[0]))
        hi = 0x7f; /* as receivers do: a solid block for what is not known */
    if (hi > 0 && hi < 0x10) {
        l->current[field] = -1; /* extended data services */
        return 0;
    }
    if (hi >= 0x10 && hi < 0x20) {
        l->current[field] = (hi >> 3) & 1;
        hi &= 0x17;
    }
    if (l->current[field] < 0)
        return 0;
    return take_pair(&l->channels[2 * field + l->current[field]], hi, lo, us, err);
}

/* Which services the blocks of a whole packet are for. */
static void take_packet(struct mt_line21 *l)
{
    for (size_t i = 1; i < l->packet_n;) {
        unsigned service = l->packet[i] >> 5, size = l->packet[i] & 31;

        i++;
        if (service == 7 && i < l->packet_n)
            service = l->packet[i++] & 63;
        if (size == 0 || service == 0)
            break;
        if (i + size <= l->packet_n)
            l->services |= UINT64_C(1) << service;
        i += size;
    }
    l->packet_n = 0;
}

static void take_708(struct mt_line21 *l, bool first, const uint8_t pair[2])
{
    if (first)
        l->packet_n = 0;
    else if (l->packet_n == 0)
        return;
    memcpy(l->packet + l->packet_n, pair, 2);
    l->packet_n += 2;
    size_t code = l->packet[0] & 63, size = code ? 2 * code : PACKET_BYTES;
    if (l->packet_n >= size)
        take_packet(l);
}

int mt_line21_hear(struct mt_line21 *l, const uint8_t *data, size_t n, int64_t us,
                   struct mt_err *err)
{
    for (size_t i = 0; i + 3 <= n; i += 3) {
        int type = data[i] & 3;

        if (!(data[i] & 4))
            continue;
        if (type >= 2)
            take_708(l, type == 3, data + i + 1);
        else if (take_field(l, type, data + i + 1, us, err) < 0)
            return -1;
    }
    return 0;
}

int mt_line21_end(struct mt_line21 *l, int64_t us, struct mt_err *err)
{
    for (int i = 0; i < MT_LINE21_CHANNELS; i++) {
        struct channel *c = &l->channels[i];

        /* What is shown comes out when it is erased; a code right after itself would not count. */
        if (c->decoder && (send(c, 0x14, DELETE_TO_END, us, err) < 0 ||
                           send(c, 0x14, ERASE_DISPLAYED, us, err) < 0))
            return -1;
    }
    return 0;
}
