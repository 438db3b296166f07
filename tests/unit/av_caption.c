/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_caption.c - the text of films, read again with other tools. */
#include "../tap.h"
#include "av/caption.h"
#include "av/mux.h"
#include "av_films.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ok(cond, ...) (snprintf(label, sizeof(label), __VA_ARGS__), OK(cond, label))

static char label[1024];
static struct mt_err err;

static json_t *extract(const char *source, int stream, const char *format, int64_t origin_us,
                       int64_t duration_us)
{
    struct mt_av_caption caption = {stream, format, in_dir("out", O_RDWR | O_CREAT | O_TRUNC)};
    struct mt_av_captions spec = {.captions = &caption,
                                  .n = 1,
                                  .origin_us = origin_us,
                                  .duration_us = duration_us,
                                  .limits = mt_av_default_limits};
    int fd = in_dir(source, O_RDONLY);
    json_t *report, *it;

    memset(&err, 0, sizeof(err));
    report = mt_av_captions(fd, &spec, &err);
    if (!report)
        printf("# %s: %s: %s\n", source, mt_code_name(err.code), err.msg);
    close(caption.fd);
    close(fd);
    it = json_incref(json_array_get(json_object_get(report, "captions"), 0));
    json_decref(report);
    return it;
}

static void write_file(const char *name, const char *text, size_t n)
{
    int fd = in_dir(name, O_WRONLY | O_CREAT | O_TRUNC);

    OK(write(fd, text, n) == (ssize_t)n, "# a file");
    close(fd);
}

static const char srt[] =
    "1\n00:00:01,000 --> 00:00:02,500\n\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 "
    "\xd8\xa8\xd9\x83\xd9"
    "\x85\n<i>second line</i>\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nx & y < z\n\n"
    "3\n00:00:03,500 --> 00:00:09,000\noverlaps\n\n";

static void make_film(void)
{
    write_file("a.srt", srt, sizeof(srt) - 1);
    make("-f lavfi -i testsrc2=s=64x64:r=25:d=6 -f lavfi -i sine=d=6 -i $D/a.srt -map 0 -map 1 "
         "-map 2 -map 2 -c:v libx264 -pix_fmt yuv420p -c:a flac -c:s:0 srt -c:s:1 ass "
         "-metadata:s:s:0 language=ara $D/film.mkv");
}

static void sidecar(void)
{
    json_t *c = extract("film.mkv", 2, "vtt", 0, 6000000);

    ok(c && mt_json_int(c, "cues", 0) == 3, "three cues");
    IS_STR(sh("cat $D/out"),
           "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n"
           "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xd8\xa8\xd9\x83\xd9\x85\nsecond line\n\n"
           "00:00:03.000 --> 00:00:04.000\nx &amp; y &lt; z\n\n"
           "00:00:03.500 --> 00:00:06.000\noverlaps",
           "WebVTT, escaped, cut to the film");
    json_decref(c);
    c = extract("film.mkv", 3, "vtt", 1500000, 0);
    ok(strstr(sh("cat $D/out"), "00:00:00.000 --> 00:00:01.000") != NULL,
       "on the line of a film that begins later");
    json_decref(c);
    c = extract("film.mkv", 0, "vtt", 0, 0);
    ok(!c && err.code == MT_ERR_NOT_APPLICABLE, "pictures are no text");
}

/* The text as a track of a whole film. */
static void in_films(void)
{
    static const struct {
        const char *format, *codec, *video, *audio;
        int stream;
    } kinds[] = {{"mp4", "mov_text", "libx264", "aac", 2},
                 {"mkv", "subrip", "libx264", "aac", 2},
                 {"mkv", "ass", "libx264", "aac", 3},
                 {"mov", "mov_text", "libx264", "aac", 2},
                 {"webm", "webvtt", "libvpx-vp9 -cpu-used 8", "libopus", 2}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        json_t *c = extract("film.mkv", kinds[i].stream, kinds[i].format, 0, 6000000), *report;
        struct mt_av_part parts[3];
        struct mt_av_track tracks[3];
        struct mt_av_mux spec = {.format = kinds[i].format,
                                 .tracks = tracks,
                                 .n = 3,
                                 .tags_fd = -1,
                                 .limits = mt_av_default_limits};
        char command[600];

        snprintf(command, sizeof(command),
                 "-i $D/film.mkv -map 0:v -c:v %s -pix_fmt yuv420p $D/v.mkv "
                 "-map 0:a -c:a %s $D/a.mkv",
                 kinds[i].video, kinds[i].audio);
        make(command);
        parts[0] = (struct mt_av_part){.fd = in_dir("v.mkv", O_RDONLY), .stream = -1};
        parts[1] = (struct mt_av_part){
            .fd = in_dir("a.mkv", O_RDONLY), .stream = -1, .start = MT_AV_OWN_TIMES};
        parts[2] = (struct mt_av_part){
            .fd = in_dir("out", O_RDONLY), .stream = -1, .start = MT_AV_OWN_TIMES};
        for (int k = 0; k < 3; k++)
            tracks[k] = (struct mt_av_track){.kind = (enum mt_av_kind)k,
                                             .parts = &parts[k],
                                             .n = 1,
                                             .language = k == 2 ? "ara" : NULL};
        spec.fd = in_dir("whole", O_RDWR | O_CREAT | O_TRUNC);
        memset(&err, 0, sizeof(err));
        report = mt_av_mux(&spec, &err);
        ok(report, "%s: text becomes a track (%s)", kinds[i].format, err.msg);
        snprintf(command, sizeof(command), "%s,ara", kinds[i].codec);
        IS_STR(sh("ffprobe -v error -select_streams s -show_entries "
                  "stream=codec_name:stream_tags=language -of csv=p=0 $D/whole"),
               command, "of that codec and language");
        ok(strstr(sh("ffmpeg -nostdin -v error -i $D/whole -map 0:s -f srt -"),
                  "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7") != NULL,
           "%s: the words are there", kinds[i].format);
        json_decref(report);
        json_decref(c);
        for (int k = 0; k < 3; k++)
            close(parts[k].fd);
        close(spec.fd);
    }
}

/* Bad bytes, huge cues, times without order, none at all. */
static void bad_input(void)
{
    size_t n = 0, room = 300000;
    char *text = malloc(room);
    json_t *c;

    n += (size_t)snprintf(text + n, room - n,
                          "WEBVTT\n\n00:05.000 --> 00:06.000\nlate \xff\xfe\x01 bytes\n\n"
                          "00:01.000 --> 00:00.500\nbackwards\n\n"
                          "00:02.000 --> 00:03.000\n");
    memset(text + n, 'x', 200000);
    n += 200000;
    n += (size_t)snprintf(text + n, room - n, "\n\n00:00.000 --> 00:01.000\nfirst\n\n");
    write_file("bad.vtt", text, n);
    free(text);
    make("-f lavfi -i testsrc2=s=64x64:d=7 -i $D/bad.vtt -c:v libx264 -pix_fmt yuv420p -c:s copy "
         "$D/bad.mkv");
    c = extract("bad.mkv", 1, "vtt", 0, 0);
    ok(c && mt_json_int(c, "left_out", 0) >= 1, "what is too long is left out and counted");
    ok(strstr(
           sh("grep -c -- '-->' $D/out; iconv -f UTF-8 -t UTF-16 $D/out >/dev/null && echo utf8; "
              "head -4 $D/out"),
           "utf8\nWEBVTT\n\n00:00:00.000") != NULL,
       "the rest is valid UTF-8 and in order");
    json_decref(c);
    write_file("none.srt", "1\n00:00:20,000 --> 00:00:21,000\nbeyond the film\n", 49);
    make("-f lavfi -i testsrc2=s=64x64:d=2 -i $D/none.srt -c:v libx264 -pix_fmt yuv420p -c:s srt "
         "$D/none.mkv");
    c = extract("none.mkv", 1, "mp4", 0, 2000000);
    ok(c && mt_json_int(c, "cues", 9) == 0, "no cue within the film");
    json_decref(c);
}

int main(void)
{
    snprintf(dir, sizeof(dir), "%s/mt-caption-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    setenv("D", dir, 1);
    mt_av_log_capture();
    make_film();
    sidecar();
    in_films();
    bad_input();
    if (!getenv("KEEP"))
        sh("rm -rf $D");
    return tap_done();
}
