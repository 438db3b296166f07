/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_codecs.c - segments of every codec, joined. */
#include "../tap.h"
#include "av/transcode.h"
#include "av_films.h"

#include "json/json.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libx265 3.5 does not free all that it makes for a frame; that is not ours to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libx265\n";
}

#define X264 " -c:v libx264 -preset ultrafast -pix_fmt yuv420p "

static struct mt_err err;

/* Transcodes with another codec, for which the ladder is too much. */
static void test_codec(const char *codec, const char *source, const char *want)
{
    struct mt_av_rendition r = {
        .name = codec, .height_px = 120, .codec = codec, .crf = mt_av_default_crf(codec)};
    struct mt_av_transcode spec = {.renditions = &r,
                                   .n = 1,
                                   .preset = "ultrafast",
                                   .threads = 1,
                                   .limits = mt_av_default_limits};
    int fd = in_dir(source, O_RDONLY);
    char name[64];

    r.fd = in_dir("out.mp4", O_RDWR | O_CREAT | O_TRUNC);
    memset(&err, 0, sizeof(err));
    json_t *report = mt_av_transcode(fd, &spec, &err);
    snprintf(name, sizeof name, "%s of %s", codec, source);
    OK(report != NULL, name);
    if (!report)
        printf("# %s\n", err.msg);
    close(fd);
    close(r.fd);
    json_decref(report);
    IS_STR(sh("ffprobe -v error -count_frames -select_streams v -show_entries "
              "stream=codec_name,pix_fmt,color_transfer,nb_read_frames -of csv=p=0 $D/out.mp4"),
           want, name);
    IS_STR(sh("ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0 "
              "$D/out.mp4 | grep K | cut -d, -f1"),
           "0.000000\n2.000000\n4.000000",
           "its key frames lie at multiples of 2 s, joins included");
    IS_STR(sh("ffmpeg -nostdin -v error -i $D/out.mp4 -f null - 2>&1"), "",
           "it decodes without a message");
}

static void test_codecs(void)
{
    make("-f lavfi -i testsrc2=s=192x120:r=25:d=5" X264 "-g 250 $D/small.mp4");
    make("-f lavfi -i testsrc2=s=192x120:r=25:d=5 -vf format=yuv420p10le -c:v libx265 -preset "
         "ultrafast -x265-params log-level=error -color_primaries bt2020 -color_trc smpte2084 "
         "-colorspace bt2020nc $D/hdr.mp4");
    test_codec("hevc", "small.mp4", "hevc,yuv420p,smpte170m,125");
    test_codec("vp9", "small.mp4", "vp9,yuv420p,smpte170m,125");
    test_codec("av1", "small.mp4", "av1,yuv420p,smpte170m,125");
    test_codec("hevc", "hdr.mp4", "hevc,yuv420p10le,smpte2084,125");
    test_codec("vp9", "hdr.mp4", "vp9,yuv420p,bt709,125");
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%s/mt-codecs-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(dir) || setenv("D", dir, 1) < 0) {
        perror(dir);
        return 1;
    }
    mt_av_log_capture();
    test_codecs();
    sh("rm -rf \"$D\"");
    return tap_done();
}
