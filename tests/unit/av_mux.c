/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_mux.c - tracks made apart become one file, measured with other tools. */
#include "../tap.h"
#include "av/mux.h"
#include "av_films.h"

#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS = 3 };

static struct mt_err err;

#define ok(cond, ...) (snprintf(label, sizeof(label), __VA_ARGS__), OK(cond, label))
#define is_int(got, want, ...)                                                                     \
    do {                                                                                           \
        long got_ = (got), want_ = (want);                                                         \
        if (!ok(got_ == want_, __VA_ARGS__))                                                       \
            printf("# %ld, not %ld\n", got_, want_);                                               \
    } while (0)

static char label[256];

/* A film of 6 s in three segments, each fragmented, with B pictures; its sound in one piece. */
static void make_segments(void)
{
    for (int i = 0; i < SEGMENTS; i++) {
        char args[600];

        snprintf(args, sizeof(args),
                 "-f lavfi -i testsrc2=s=160x120:r=25:d=6 -vf trim=start=%d:duration=2,"
                 "setpts=PTS-STARTPTS -c:v libx264 -crf %d -bf 3 -b_strategy 0 -g 50 "
                 "-x264-params stitchable=1:scenecut=0 -pix_fmt yuv420p "
                 "-movflags frag_keyframe+empty_moov+default_base_moof $D/s%d.mp4",
                 2 * i, 20 + 3 * i, i);
        make(args);
    }
    make("-f lavfi -i sine=f=440:r=48000:d=6 -c:a aac $D/sound.m4a");
    make("-f lavfi -i sine=f=440:r=48000:d=6 -c:a libopus $D/sound.opus.mp4");
}

static struct mt_av_mux spec_of(const char *format, const struct mt_av_track *tracks, int n)
{
    return (struct mt_av_mux){.format = format,
                              .tracks = tracks,
                              .n = n,
                              .tags_fd = -1,
                              .fd = in_dir("out", O_RDWR | O_CREAT | O_TRUNC),
                              .limits = mt_av_default_limits};
}

static json_t *run_mux(struct mt_av_mux *spec)
{
    json_t *report;

    memset(&err, 0, sizeof(err));
    report = mt_av_mux(spec, &err);
    if (!report)
        printf("# %s: %s\n", mt_code_name(err.code), err.msg);
    close(spec->fd);
    if (spec->tags_fd >= 0)
        close(spec->tags_fd);
    return report;
}

/* The three segments and the sound, where their times say, in a file of the format. */
static json_t *join(const char *format, const char *sound, const char *last, const char *tags)
{
    struct mt_av_part parts[SEGMENTS];
    const char *names[SEGMENTS] = {"s0.mp4", "s1.mp4", last};
    struct mt_av_part voice = {
        .fd = in_dir(sound, O_RDONLY), .stream = -1, .start = MT_AV_OWN_TIMES};
    struct mt_av_track tracks[2] = {
        {MT_AV_PICTURES, parts, SEGMENTS, 1, 90000, NULL, NULL, MT_AV_DEFAULT, 0, 0},
        {MT_AV_SOUND, &voice, 1, 0, 0, "ara", "Narration", MT_AV_DEFAULT, 0, 0},
    };
    struct mt_av_mux spec = spec_of(format, tracks, 2);
    json_t *report;

    if (tags)
        spec.tags_fd = in_dir(tags, O_RDONLY);
    for (int i = 0; i < SEGMENTS; i++)
        parts[i] = (struct mt_av_part){
            .fd = in_dir(names[i], O_RDONLY), .stream = -1, .start = (int64_t)i * 2 * 90000};
    report = run_mux(&spec);
    for (int i = 0; i < SEGMENTS; i++)
        close(parts[i].fd);
    close(voice.fd);
    return report;
}

static const char *times_of(const char *stream)
{
    return shf("ffprobe -v error -select_streams %s -show_entries packet=pts_time,dts_time -of "
               "csv=p=0 $D/out",
               stream);
}

/* Whether presentation times are those of 25 pictures a second from 0, and decoding times rise. */
static void check_times(const char *format)
{
    int n = 0, rising = 1, late = 0;
    double seen[200] = {0}, pts, dts, last = -1000;
    char *text = strdup(times_of("v")), *rest = text, *line;

    while ((line = strsep(&rest, "\n")) && n < 200) {
        int got = sscanf(line, "%lf,%lf", &pts, &dts);

        if (got < 1)
            continue;
        if (got == 2) {
            rising = rising && dts > last;
            late += dts > pts + 1e-6;
            last = dts;
        }
        seen[n++] = pts;
    }
    free(text);
    ok(n == 150, "%s: 150 pictures, not %d", format, n);
    ok(rising && !late, "%s: decoding times rise, none after its presentation (%d)", format, late);
    for (int i = 0; i < n; i++) {
        int there = 0;

        for (int j = 0; j < n; j++)
            there += fabs(seen[j] - i * 0.04) < 0.0006;
        if (there != 1) {
            ok(0, "%s: %d pictures at %.3f s", format, there, i * 0.04);
            return;
        }
    }
    ok(1, "%s: one picture at each of the 150 times", format);
}

static char *checksums(const char *inputs)
{
    return strdup(shf("for f in %s; do ffmpeg -nostdin -v error -i $D/$f -map 0:v -f framemd5 - | "
                      "grep -v '^#' | sed 's/.*, *//'; done",
                      inputs));
}

/* samples: what libavcodec hears of it, which of AAC includes the end of the last packet. */
static void joins(const char *format, const char *sound, int samples, const char *wanted_pictures)
{
    json_t *report = join(format, sound, "s2.mp4", NULL);
    char *found;

    ok(report, "%s: segments and sound become one file", format);
    if (!report)
        return;
    ok(json_array_size(json_object_get(report, "tracks")) == 2 &&
           fabs(mt_json_num(report, "duration", 0) - 6) < 0.04,
       "%s: it lasts 6 s", format);
    check_times(format);
    found = checksums("out");
    ok(strcmp(found, wanted_pictures) == 0, "%s: each picture decodes as in its segment", format);
    free(found);
    ok(strcmp(sh("ffmpeg -nostdin -v error -i $D/out -f null - 2>&1"), "") == 0,
       "%s: decodes without a complaint", format);
    is_int(atoi(sh("ffmpeg -nostdin -v error -i $D/out -map 0:a -f s16le - | wc -c")) / 2, samples,
           "%s: 6 s of sound, to the sample", format);
    ok(strcmp(sh("ffprobe -v error -select_streams a -show_entries stream_tags=language -of "
                 "csv=p=0 $D/out"),
              "ara") == 0,
       "%s: the sound's language is kept", format);
    json_decref(report);
}

static void files(void)
{
    char *pictures = checksums("s0.mp4 s1.mp4 s2.mp4");

    joins("mp4", "sound.m4a", 288768, pictures);
    ok(strstr(sh("od -An -c -N 4096 $D/out | tr -d ' \\n'"), "moov"),
       "mp4: the index stands in front");
    joins("mov", "sound.m4a", 288768, pictures);
    joins("mkv", "sound.m4a", 288000, pictures);
    joins("mkv", "sound.opus.mp4", 288000, pictures);
    joins("mp4", "sound.opus.mp4", 288648, pictures);
    free(pictures);
}

static void same_bytes(const char *format)
{
    char *first;

    json_decref(join(format, "sound.m4a", "s2.mp4", NULL));
    first = strdup(sh("sha256sum <$D/out"));
    sleep(1);
    json_decref(join(format, "sound.m4a", "s2.mp4", NULL));
    ok(strcmp(first, sh("sha256sum <$D/out")) == 0, "%s: the same bytes another time", format);
    free(first);
}

static void refusals(void)
{
    json_t *report;

    make("-f lavfi -i testsrc2=s=160x120:r=25:d=2 -c:v libx264 -profile:v baseline -pix_fmt "
         "yuv420p $D/other.mp4");
    report = join("mp4", "sound.m4a", "other.mp4", NULL);
    ok(!report && err.code == MT_ERR_VERIFY && strstr(err.msg, "part 3 of 3") &&
           strstr(err.msg, "parameter sets"),
       "other parameter sets are refused, and the part is named");
    report = join("webm", "sound.m4a", "s2.mp4", NULL);
    ok(!report && err.code == MT_ERR_UNSUPPORTED_CODEC, "H.264 in WebM is refused");
    report = join("avi", "sound.m4a", "s2.mp4", NULL);
    ok(!report && err.code == MT_ERR_USAGE, "a format that is not written is refused");
    sh("head -c $(($(stat -c %s $D/s2.mp4) - 900)) $D/s2.mp4 >$D/cut.mp4");
    report = join("mp4", "sound.m4a", "cut.mp4", NULL);
    ok(!report, "a part that is cut off is refused");
    json_decref(report);
    sh(": >$D/empty.mp4");
    report = join("mp4", "sound.m4a", "empty.mp4", NULL);
    ok(!report, "an empty part is refused");
    report = join("mp4", "sound.m4a", "sound.m4a", NULL);
    ok(!report && err.code == MT_ERR_VERIFY, "a part without pictures is refused");
}

/* Titles and chapters of the source come along, what is private does not. */
static void tags(void)
{
    json_t *report;

    sh("printf ';FFMETADATA1\\ntitle=The film\\ncopyright=Ours\\nlocation=+21+39/\\n"
       "[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=0\\nEND=3000\\ntitle=One\\n"
       "[CHAPTER]\\nTIMEBASE=1/1000\\nSTART=3000\\nEND=6000\\ntitle=Two\\n' >$D/meta");
    make("-i $D/sound.m4a -i $D/meta -map_metadata 1 -map_chapters 1 -c copy $D/tagged.mkv");
    for (int i = 0; i < 2; i++) {
        report = join(i ? "mkv" : "mp4", "sound.m4a", "s2.mp4", "tagged.mkv");
        is_int(mt_json_int(report, "chapters", 0), 2, "chapters are counted");
        json_decref(report);
        const char *text = sh("ffprobe -v error -show_chapters -show_format -of flat $D/out");
        ok(strstr(text, "The film") && strstr(text, "Ours") && strstr(text, "\"Two\"") &&
               !strstr(text, "+21+39"),
           "titles, rights and chapters are kept, the place is not");
    }
}

/* A transport stream holds start codes and ADTS: the same payload in another wrapping. */
static void from_transport_stream(void)
{
    struct mt_av_part part = {.stream = -1, .start = 0};
    struct mt_av_track track = {MT_AV_PICTURES, &part, 1, 0, 0, NULL, NULL, MT_AV_DEFAULT, 0, 0};
    struct mt_av_mux spec = spec_of("mp4", &track, 1);
    json_t *report;

    make("-i $D/s0.mp4 -i $D/sound.m4a -c copy -t 2 $D/two.ts");
    part.fd = in_dir("two.ts", O_RDONLY);
    report = run_mux(&spec);
    ok(report, "pictures of a transport stream are copied and verified");
    is_int(atoi(sh("ffmpeg -nostdin -v error -i $D/out -map 0:v -f framemd5 - | grep -vc '^#'")),
           50, "all 50 of them decode");
    json_decref(report);
    close(part.fd);
}

int main(void)
{
    snprintf(dir, sizeof(dir), "%s/mt-mux-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    setenv("D", dir, 1);
    mt_av_log_capture();
    make_segments();
    files();
    same_bytes("mp4");
    same_bytes("mkv");
    refusals();
    tags();
    from_transport_stream();
    if (!getenv("KEEP"))
        sh("rm -rf $D");
    return tap_done();
}
