/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_probe.c - probing and checking media that this test makes itself. */
#include "av/probe.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/json.h"

#include "../tap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { PER_FILE_S = 60, CUTS = 12 };

static char dir[PATH_MAX];

static char *path_of(const char *name)
{
    return mt_asprintf("%s/%s", dir, name);
}

/* Runs ffmpeg in dir; false when it failed, so that a build without an encoder is a skip. */
static bool make(const char *arguments)
{
    char *cmd = mt_asprintf("cd '%s' && ffmpeg -v error -nostdin -y %s </dev/null", dir, arguments);
    int rc = system(cmd);

    free(cmd);
    return rc == 0;
}

static json_t *probe_path(const char *path, const struct mt_av_limits *limits, struct mt_err *err)
{
    *err = (struct mt_err){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        mt_fail_errno(err, "cannot open '%s'", path);
        return NULL;
    }
    alarm(PER_FILE_S);
    json_t *j = mt_av_probe(fd, &(struct mt_av_probe){.limits = limits}, err);
    alarm(0);
    if (lseek(fd, 0, SEEK_CUR) != 0)
        OK(0, "the position of the descriptor stays");
    close(fd);
    return j;
}

static json_t *probe(const char *name, struct mt_err *err)
{
    char *path = path_of(name);
    json_t *j = probe_path(path, &mt_av_default_limits, err);

    if (!j)
        printf("# %s: %s: %s\n", name, mt_code_name(err->code), err->msg);
    free(path);
    return j;
}

static const char *state_of(const json_t *j)
{
    return mt_json_str(j, "damage.state", "none");
}

static bool near(double a, double b, double tolerance)
{
    return a - b <= tolerance && b - a <= tolerance;
}

static char *slurp(const char *name, size_t *n)
{
    struct mt_buf buf;
    struct mt_err err;
    char *path = path_of(name);

    mt_buf_init(&buf, 64 * 1024 * 1024);
    if (mt_read_file(path, &buf, &err) < 0)
        printf("# %s\n", err.msg);
    free(path);
    *n = buf.len;
    return buf.data;
}

static void spill(const char *name, const char *data, size_t n)
{
    char *path = path_of(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || mt_write_all(fd, data, n) < 0)
        OK(0, "write a sample");
    close(fd);
    free(path);
}

static char *find(char *data, size_t n, const char *what, size_t len)
{
    return n ? memmem(data, n, what, len) : NULL;
}

static void test_film(void)
{
    struct mt_err err;

    OK(make("-f lavfi -i testsrc2=s=320x240:r=30000/1001:d=2 -f lavfi -i sine=440:r=48000:d=2 "
            "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 30 -bf 0 -vf setsar=64/45 "
            "-c:a aac -metadata title=Ünïcödé -metadata:s:a:0 language=ara film.mp4"),
       "a sample film is made");
    json_t *j = probe("film.mp4", &err);
    json_t *v = json_array_get(json_object_get(j, "streams"), 0);
    json_t *a = json_array_get(json_object_get(j, "streams"), 1);
    IS_STR(mt_json_str(j, "content_type", ""), "video", "film: content_type");
    IS_STR(mt_json_str(j, "container", ""), "mov", "film: container");
    IS_STR(state_of(j), "ok", "film: whole");
    OK(near(mt_json_num(j, "duration", 0), 2.0, 0.05), "film: duration");
    IS_STR(mt_json_str(j, "tags.title", ""), "Ünïcödé", "film: title");
    IS_STR(mt_json_str(v, "codec", ""), "h264", "film: codec");
    IS_STR(mt_json_str(v, "frame_rate", ""), "30000/1001", "film: frame rate");
    IS_STR(mt_json_str(v, "sample_aspect_ratio", ""), "64:45", "film: SAR");
    IS_STR(mt_json_str(v, "pixel_format", ""), "yuv420p", "film: pixel format");
    IS_STR(mt_json_str(v, "color.hdr", ""), "sdr", "film: not HDR");
    OK(mt_json_int(v, "width", 0) == 320, "film: coded width");
    OK(mt_json_int(v, "display_width", 0) == 455, "film: display width");
    OK(mt_json_int(v, "display_height", 0) == 240, "film: display height");
    OK(mt_json_int(v, "frames", 0) == 60, "film: frames");
    OK(!mt_json_bool(v, "variable_frame_rate", true), "film: constant frame rate");
    IS_STR(mt_json_str(a, "codec", ""), "aac", "film: sound codec");
    IS_STR(mt_json_str(a, "language", ""), "ara", "film: language");
    OK(mt_json_int(a, "sample_rate_hz", 0) == 48000, "film: sample rate");
    OK(mt_json_int(a, "channels", 0) == 1, "film: channels");
    json_decref(j);
}

/* A turn by 90 degrees, written into the matrix of the first track's header. */
static void test_rotation(void)
{
    static const unsigned char turned[16] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0};
    struct mt_err err;
    size_t n;
    char *data = slurp("film.mp4", &n), *tkhd = find(data, n, "tkhd", 4);

    if (tkhd) {
        memcpy(tkhd + 4 + 40, turned, 12);
        memcpy(tkhd + 4 + 52, turned + 12, 4);
        memset(tkhd + 4 + 56, 0, 4);
    }
    spill("turned.mp4", data, n);
    free(data);
    json_t *j = probe("turned.mp4", &err);
    json_t *v = json_array_get(json_object_get(j, "streams"), 0);
    OK(mt_json_int(v, "rotation", -1) == 90, "rotation is found");
    OK(!mt_json_bool(v, "mirrored", true), "and is no mirror image");
    OK(mt_json_int(v, "display_width", 0) == 240 && mt_json_int(v, "display_height", 0) == 455,
       "display size is upright");
    json_decref(j);
}

static void test_kinds(void)
{
    static const struct {
        const char *arguments, *file, *type, *container;
        double duration; /* 0: null */
    } kinds[] = {
        {"-i film.mp4 -c copy film.mkv", "film.mkv", "video", "matroska", 2},
        {"-i film.mp4 -c copy film.ts", "film.ts", "video", "mpegts", 2},
        {"-i film.mp4 -c copy film.flv", "film.flv", "video", "flv", 2},
        {"-i film.mp4 -c copy -movflags +faststart fast.mp4", "fast.mp4", "video", "mov", 2},
        {"-i film.mp4 -c copy -movflags +frag_keyframe+empty_moov frag.mp4", "frag.mp4", "video",
         "mov", 2},
        {"-i film.mp4 -c:v mpeg4 -c:a pcm_s16le film.avi", "film.avi", "video", "avi", 2},
        {"-i film.mp4 -c:v libvpx -b:v 300k -deadline realtime -c:a libvorbis film.webm",
         "film.webm", "video", "matroska", 2},
        {"-i film.mp4 -vn sound.mp3", "sound.mp3", "audio", "mp3", 2},
        {"-i film.mp4 -vn -write_xing 0 bare.mp3", "bare.mp3", "audio", "mp3", 2},
        {"-i film.mp4 -vn sound.flac", "sound.flac", "audio", "flac", 2},
        {"-i film.mp4 -vn -f flac pipe:1 >unknown.flac", "unknown.flac", "audio", "flac", 2},
        {"-i film.mp4 -vn -c:a libvorbis sound.ogg", "sound.ogg", "audio", "ogg", 2},
        {"-i film.mp4 -vn sound.wav", "sound.wav", "audio", "wav", 2},
        {"-i film.mp4 -vn -f wav pipe:1 >piped.wav", "piped.wav", "audio", "wav", 2},
        {"-i film.mp4 -vn sound.aac", "sound.aac", "audio", "aac", 2},
        {"-i film.mp4 -frames:v 1 still.jpg", "still.jpg", "image", "jpeg_pipe", 0},
        {"-i film.mp4 -frames:v 1 still.png", "still.png", "image", "png_pipe", 0},
        {"-i film.mp4 -frames:v 1 still.webp", "still.webp", "image", "webp_pipe", 0},
        {"-i film.mp4 -t 1 -r 5 moving.gif", "moving.gif", "image", "gif", 1},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct mt_err err;
        if (!make(kinds[i].arguments)) {
            OK(1, "# SKIP no encoder");
            continue;
        }
        json_t *j = probe(kinds[i].file, &err);
        double d = mt_json_num(j, "duration", 0);
        int good = strcmp(mt_json_str(j, "content_type", ""), kinds[i].type) == 0 &&
                   strcmp(mt_json_str(j, "container", ""), kinds[i].container) == 0 &&
                   strcmp(state_of(j), "ok") == 0 && near(d, kinds[i].duration, 0.1);
        if (!OK(good, kinds[i].file) && j) {
            char *text = mt_json_compact(j);
            printf("# %s\n", text);
            free(text);
        }
        json_decref(j);
    }
}

/* No file that lost its end is "ok", wherever it was cut. */
static void test_cuts(void)
{
    static const char *const files[] = {
        "film.mp4",  "fast.mp4",  "frag.mp4",  "film.mkv",   "film.webm",  "film.ts",
        "film.flv",  "film.avi",  "sound.mp3", "bare.mp3",   "sound.flac", "sound.ogg",
        "sound.wav", "still.jpg", "still.png", "still.webp", "moving.gif"};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t n, bad = 0;
        char *data = slurp(files[i], &n);
        for (size_t c = 1; data && c <= CUTS; c++) {
            struct mt_err err;
            size_t at = c < 3 ? n - c : n * c / (CUTS + 1) + c % 7;
            spill("cut", data, at);
            char *path = path_of("cut");
            json_t *j = probe_path(path, &mt_av_default_limits, &err);
            if (j && strcmp(state_of(j), "degraded") != 0) {
                printf("# %s cut at %zu of %zu is %s\n", files[i], at, n, state_of(j));
                bad++;
            }
            if (!j && err.code != MT_ERR_TRUNCATED && err.code != MT_ERR_DAMAGED) {
                printf("# %s cut at %zu of %zu: %s: %s\n", files[i], at, n, mt_code_name(err.code),
                       err.msg);
                bad++;
            }
            json_decref(j);
            free(path);
        }
        free(data);
        OK(bad == 0, files[i]);
    }
}

static void expect(const char *name, const struct mt_av_limits *limits, enum mt_code code,
                   const char *words, const char *title)
{
    struct mt_err err;
    char *path = path_of(name);
    json_t *j = probe_path(path, limits, &err);

    OK(!j && err.code == code, title);
    if (j || err.code != code)
        printf("# %s: %s\n", j ? "accepted" : mt_code_name(err.code), j ? "" : err.msg);
    else if (words)
        OK(strstr(err.msg, words) != NULL, err.msg);
    json_decref(j);
    free(path);
}

static void test_refusals(void)
{
    struct mt_av_limits limits = mt_av_default_limits;
    size_t n;
    char *data;

    spill("empty", "", 0);
    expect("empty", &limits, MT_ERR_EMPTY, NULL, "an empty file is refused");
    spill("text.mp4", "<html><body>404</body></html>\n", 30);
    expect("text.mp4", &limits, MT_ERR_UNSUPPORTED_TYPE, NULL, "HTML is refused");
    data = slurp("film.mp4", &n);
    spill("lost.mp4", data, n / 2);
    free(data);
    expect("lost.mp4", &limits, MT_ERR_TRUNCATED, "moov", "a film without its index is refused");
    limits.pixels = 1000;
    expect("film.mp4", &limits, MT_ERR_LIMIT, "320x240", "limit of pixels");
    expect("still.webp", &limits, MT_ERR_LIMIT, "320x240", "limit of pixels, stills");
    limits = mt_av_default_limits;
    limits.side_px = 200;
    expect("film.mkv", &limits, MT_ERR_LIMIT, "200", "limit of sides");
    limits = mt_av_default_limits;
    limits.streams = 1;
    expect("film.mp4", &limits, MT_ERR_LIMIT, "1", "limit of streams");
    limits = mt_av_default_limits;
    limits.duration_us = 1000 * 1000;
    expect("film.mp4", &limits, MT_ERR_LIMIT, "1.00 s", "limit of duration");
    limits = mt_av_default_limits;
    limits.frames = 10;
    expect("film.mp4", &limits, MT_ERR_LIMIT, "60 frames", "limit of frames");
    limits = mt_av_default_limits;
    if (make("-i film.mp4 -c copy -encryption_scheme cenc-aes-ctr -encryption_key "
             "00112233445566778899aabbccddeeff -encryption_kid 00112233445566778899aabbccddeeff "
             "secret.mp4"))
        expect("secret.mp4", &limits, MT_ERR_ENCRYPTED, "cenc", "an encrypted film is refused");
}

static void test_garbage(void)
{
    struct mt_err err;
    size_t n;
    char *data = slurp("sound.mp3", &n), *more = mt_alloc(n + 100000);
    unsigned r = 1;

    memcpy(more, data, n);
    for (size_t i = 0; i < 100000; i++) {
        r = r * 1103515245 + 12345;
        more[n + i] = (char)(r >> 16 & 0x7F);
    }
    spill("trailing.mp3", more, n + 100000);
    json_t *j = probe("trailing.mp3", &err);
    OK(near(mt_json_num(j, "duration", 0), 2.0, 0.3), "garbage behind an MP3 adds no time");
    json_decref(j);
    memmove(more + 100000, data, n);
    memset(more, 0x3C, 100000);
    spill("leading.mp3", more, n + 100000);
    j = probe("leading.mp3", &err);
    OK(!j || strcmp(mt_json_str(j, "container", ""), "mp3") == 0,
       "garbage before an MP3 does not make another format of it");
    json_decref(j);
    free(data);
    free(more);
}

static json_t *check(const char *name, const struct mt_av_progress *progress, struct mt_err *err)
{
    char *path = path_of(name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    json_t *j = mt_av_check(fd, &mt_av_default_limits, progress, err);

    close(fd);
    free(path);
    return j;
}

static int stop(void *ctx, int64_t done_us, int64_t total_us)
{
    int64_t *seen = ctx;

    *seen = total_us;
    return done_us >= 0;
}

static void test_check(void)
{
    struct mt_err err = {0};
    int64_t seen = -1;
    struct mt_av_progress progress = {.tell = stop, .ctx = &seen};
    json_t *j = check("film.mp4", NULL, &err);
    size_t n;

    OK(mt_json_int(j, "video.frames", 0) == 60, "check: frames");
    OK(mt_json_int(j, "video.width", 0) == 320, "check: width");
    OK(near(mt_json_num(j, "audio.duration", 0), 2.0, 0.05), "check: samples");
    OK(near(mt_json_num(j, "duration", 0), 2.0, 0.05), "check: duration");
    OK(mt_json_int(j, "errors", -1) == 0, "check: no errors");
    OK(mt_json_int(j, "streams", 0) == 2, "check: streams");
    json_decref(j);
    j = check("film.mp4", &progress, &err);
    OK(!j && err.code == MT_ERR_CANCELLED, "check: can be stopped");
    json_decref(j);
    char *data = slurp("fast.mp4", &n);
    memset(data + n / 2, 0x55, n / 4);
    spill("holes.mp4", data, n);
    free(data);
    j = check("holes.mp4", NULL, &err);
    OK(mt_json_int(j, "errors", 0) > 0, "check: damage in the middle is counted");
    OK(json_array_size(json_object_get(j, "messages")) > 0, "check: and explained");
    json_decref(j);
}

static void test_versions(void)
{
    json_t *j = mt_av_versions();

    OK(strlen(mt_json_str(j, "libavcodec", "")) > 4, "versions");
    json_decref(j);
}

/* What a row of the manifest permits: bit 0 ok, bit 1 degraded, bit 2 refused. */
static int permitted(const char *expected)
{
    if (strstr(expected, "or accept") || strstr(expected, "or reject") ||
        strncmp(expected, "either", 6) == 0)
        return 7;
    if (strncmp(expected, "accept-with-warning", 19) == 0)
        return 2;
    return strncmp(expected, "accept", 6) == 0 ? 1 : 4;
}

/*
 * Called "accept" there, but damaged: the second checksum of the last of its nine AC-3 frames is
 * wrong, and without looking at that ffmpeg says that an exponent of it is out of range.
 */
static bool known_damage(const char *file)
{
    return strstr(file, "mp4-two-audio-tracks-ac3-5-1-and-aac-stereo") != NULL;
}

static void test_row(const char *corpus, const char *file, const char *expected)
{
    struct mt_err err;
    char *path = mt_asprintf("%s/%s", corpus, file);
    json_t *j = probe_path(path, &mt_av_default_limits, &err);
    int got = !j ? 4 : strcmp(state_of(j), "ok") == 0 ? 1 : 2;
    int may = permitted(expected) | (known_damage(file) ? 2 : 0);

    if (!OK(got & may, file)) {
        char *text = j ? mt_json_compact(json_object_get(j, "damage")) : mt_strdup(err.msg);
        printf("# wanted %s\n# got %s\n", expected, text);
        free(text);
    }
    if (!j)
        OK(err.code != MT_OK && err.msg[0] && err.code != MT_ERR_FAILED && err.code != MT_ERR_BUG,
           "refused with a reason");
    json_decref(j);
    free(path);
}

static void test_corpus(const char *corpus)
{
    char *name = mt_asprintf("%s/MANIFEST.tsv", corpus), line[8192];
    FILE *in = fopen(name, "r");
    bool first = true;

    OK(in != NULL, name);
    while (in && fgets(line, sizeof(line), in)) {
        char *field[6] = {0}, *rest = line;
        for (int i = 0; i < 6; i++)
            field[i] = strsep(&rest, "\t");
        if (!first && field[5])
            test_row(corpus, field[0], field[5]);
        first = false;
    }
    if (in)
        fclose(in);
    free(name);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR"), *corpus = getenv("MEDIA_TEST_CORPUS");

    snprintf(dir, sizeof(dir), "%s/av_probe.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir) || system("ffmpeg -version >/dev/null 2>&1") != 0) {
        printf("1..0 # SKIP no temporary directory or no ffmpeg\n");
        return 0;
    }
    mt_av_log_capture();
    test_versions();
    test_film();
    test_rotation();
    test_kinds();
    test_cuts();
    test_refusals();
    test_garbage();
    test_check();
    if (corpus && *corpus)
        test_corpus(corpus);
    char *cmd = mt_asprintf("rm -rf '%s'", dir);
    OK(system(cmd) == 0, "clean up");
    free(cmd);
    return tap_done();
}
