/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_thumbs.c - pictures of films made for it: the right frame, upright, in the right colours. */
#include "av/thumbs.h"

#include "../tap.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { PICTURES = 32, SECOND = 1000000 };

/* Eight colours, a second each, with a white corner so that no frame is flat. */
static const int colours[8][3] = {{192, 32, 32},  {32, 160, 32},  {32, 32, 192}, {192, 192, 32},
                                  {32, 192, 192}, {192, 32, 192}, {112, 80, 48}, {64, 128, 176}};
#define CORNER "drawbox=x=0:y=0:w=iw/4:h=ih/4:color=white:t=fill"

static char dir[64];

/* What mt_av_thumbs() emitted; the pictures themselves lie in dir as pic-NNN.ext. */
struct seen {
    int n, w, h;
    int64_t time[PICTURES], wanted[PICTURES];
    char note[PICTURES][200];
    int fail_at, cancel_at, told;
    bool leaks;
    const char *ext;
};

static bool MT_PRINTF(1, 2) run(const char *fmt, ...)
{
    char command[4096];
    int n = snprintf(command, sizeof command, "cd '%s' && ", dir);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
    va_end(ap);
    return system(command) == 0;
}

/* A film of dir made by ffmpeg; ends the test where that is impossible. */
static void MT_PRINTF(1, 2) make(const char *fmt, ...)
{
    char args[3000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(args, sizeof args, fmt, ap);
    va_end(ap);
    if (!run("ffmpeg -nostdin -v error -y %s", args)) {
        printf("Bail out! ffmpeg %s\n", args);
        exit(1);
    }
}

static int emit(void *ctx, const struct mt_av_picture *p, struct mt_err *err)
{
    static const char *const exts[] = {"webp", "jpg", "png"};
    struct seen *seen = ctx;
    char name[128];

    if (seen->fail_at && seen->n + 1 == seen->fail_at)
        return mt_fail(err, MT_ERR_NO_SPACE, "no room");
    seen->ext = exts[p->format];
    seen->leaks = seen->leaks || memmem(p->data, p->size, "Exif", 4) ||
                  memmem(p->data, p->size, "EXIF", 4) || memmem(p->data, p->size, "Lavc", 4);
    snprintf(name, sizeof name, "%s/pic-%03d.%s", dir, seen->n, seen->ext);
    if (seen->n < PICTURES && mt_write_file(name, p->data, p->size, err) == 0) {
        seen->time[seen->n] = p->time_us;
        seen->wanted[seen->n] = p->wanted_us;
        snprintf(seen->note[seen->n], sizeof seen->note[0], "%s", p->note ? p->note : "");
        seen->w = p->width;
        seen->h = p->height;
        seen->n++;
    }
    return 0;
}

static int tell(void *ctx, int64_t done, int64_t total)
{
    struct seen *seen = ctx;

    (void)done;
    (void)total;
    return seen->cancel_at && ++seen->told >= seen->cancel_at;
}

static json_t *take(const char *name, struct mt_av_thumbs *spec, struct seen *seen,
                    struct mt_err *err)
{
    char path[160];
    json_t *doc;
    int fd;

    run("rm -f pic-*");
    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    spec->limits = mt_av_default_limits;
    spec->progress = (struct mt_av_progress){tell, seen};
    spec->emit = emit;
    spec->ctx = seen;
    if (!spec->n_formats)
        spec->n_formats = 1;
    if (!spec->quality)
        spec->quality = 90;
    doc = mt_av_thumbs(fd, spec, err);
    close(fd);
    return doc;
}

static struct seen shoot(const char *name, struct mt_av_thumbs spec)
{
    struct seen seen = {0};
    struct mt_err err = {0};
    json_t *doc = take(name, &spec, &seen, &err);

    if (!doc)
        printf("# %s: %s: %s\n", name, mt_code_name(err.code), err.msg);
    json_decref(doc);
    return seen;
}

static enum mt_code refused(const char *name, struct mt_av_thumbs spec, struct seen seen)
{
    struct mt_err err = {0};
    json_t *doc = take(name, &spec, &seen, &err);

    json_decref(doc);
    return doc ? MT_OK : err.code;
}

/* The mean colour of a spot (in 256ths of the sides) of each picture taken, by another decoder. */
static int spots(const struct seen *seen, int x, int y, unsigned char rgb[PICTURES][3])
{
    char command[600];
    FILE *f;
    int n;

    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -f image2 -i '%s/pic-%%03d.%s' -vf "
             "'crop=max(2\\,iw/8):max(2\\,ih/8):(iw-ow)*%d/256:(ih-oh)*%d/256,scale=1:1:flags=area+"
             "accurate_rnd+full_chroma_int' -f rawvideo -pix_fmt rgb24 -",
             dir, seen->ext ? seen->ext : "none", x, y);
    f = popen(command, "r");
    n = f ? (int)fread(rgb, 3, PICTURES, f) : 0;
    if (f)
        pclose(f);
    return n;
}

static bool near(const unsigned char got[3], const int want[3], int by)
{
    bool ok =
        abs(got[0] - want[0]) <= by && abs(got[1] - want[1]) <= by && abs(got[2] - want[2]) <= by;

    if (!ok)
        printf("# colour %d,%d,%d, wanted %d,%d,%d\n", got[0], got[1], got[2], want[0], want[1],
               want[2]);
    return ok;
}

/* Whether each picture shows the colour of the second it claims to be from, and of its wish. */
static bool colours_fit(const struct seen *seen, int n)
{
    unsigned char rgb[PICTURES][3];
    bool ok = seen->n == n && spots(seen, 192, 192, rgb) == n;

    for (int i = 0; ok && i < n; i++)
        ok = near(rgb[i], colours[seen->wanted[i] / SECOND], 5) &&
             seen->time[i] / SECOND == seen->wanted[i] / SECOND;
    return ok;
}

static void make_colours(const char *name, const char *options)
{
    char graph[1500] = "", *p = graph;

    for (int i = 0; i < 8; i++)
        p += sprintf(p, "color=c=0x%02X%02X%02X:s=320x240:r=25:d=1[c%d];", colours[i][0],
                     colours[i][1], colours[i][2], i);
    sprintf(p, "[c0][c1][c2][c3][c4][c5][c6][c7]concat=n=8," CORNER ",format=yuv420p");
    make("-filter_complex '%s' -c:v libx264 -preset veryfast -crf 8 %s %s", graph, options, name);
}

static void test_times(void)
{
    int64_t times[8];
    struct seen s;

    for (int i = 0; i < 8; i++)
        times[i] = i * SECOND + 410000;
    make_colours("key.mp4", "-g 25");
    make_colours("gop.mp4", "-g 1000 -sc_threshold 0");
    make_colours("gop.mkv", "-g 100 -sc_threshold 0");
    make_colours("raw.h264", "-g 25");
    make_colours("late.ts", "-g 50 -sc_threshold 0 -output_ts_offset 1000");
    s = shoot("key.mp4", (struct mt_av_thumbs){.count = 8});
    OK(colours_fit(&s, 8), "eight pictures, one from each second");
    s = shoot("gop.mp4", (struct mt_av_thumbs){.count = 8});
    OK(colours_fit(&s, 8), "in one GOP too");
    s = shoot("gop.mkv", (struct mt_av_thumbs){.times_us = times, .n_times = 8});
    OK(colours_fit(&s, 8), "times that were named, long GOPs in Matroska");
    s = shoot("gop.mp4", (struct mt_av_thumbs){.times_us = times, .n_times = 8, .exact = true});
    OK(colours_fit(&s, 8) && s.time[3] == 3400000, "the exact frame on screen");
    s = shoot("raw.h264", (struct mt_av_thumbs){.count = 8});
    OK(colours_fit(&s, 8), "a raw stream without any timestamp");
    s = shoot("late.ts", (struct mt_av_thumbs){.count = 8});
    OK(colours_fit(&s, 8), "a transport stream that starts at 1000 s");
    OK(s.n && s.time[0] < SECOND, "times count from its start");
    times[0] = 100 * INT64_C(1000000);
    s = shoot("key.mp4", (struct mt_av_thumbs){.times_us = times, .n_times = 2});
    OK(s.n == 2 && s.wanted[1] == times[0] && s.time[1] >= 7 * SECOND &&
           strstr(s.note[1], "beyond"),
       "a time beyond the end is clamped and noted");
    times[1] = times[2] = 1700000;
    s = shoot("key.mp4", (struct mt_av_thumbs){.times_us = times + 1, .n_times = 2, .exact = true});
    OK(s.n == 1, "two pictures of one frame are one");
    make("-f lavfi -i testsrc2=s=320x240:r=25 -frames:v 1 -pix_fmt yuv420p one.mp4");
    s = shoot("one.mp4", (struct mt_av_thumbs){.count = 10});
    OK(s.n == 1 && s.time[0] == 0, "one frame, one picture");
}

static void test_black(void)
{
    struct seen s;

    make("-f lavfi -i color=black:s=320x240:r=25:d=4 -f lavfi -i testsrc2=s=320x240:r=25:d=6 "
         "-filter_complex concat=n=2 -c:v libx264 -g 25 -pix_fmt yuv420p intro.mp4");
    s = shoot("intro.mp4", (struct mt_av_thumbs){.count = 2});
    OK(s.n == 2 && s.time[0] >= 4 * SECOND && s.time[0] <= 5 * SECOND && strstr(s.note[0], "black"),
       "a black intro is left for a neighbour, with a note");
    OK(s.n == 2 && !s.note[1][0], "what is good stays");
    make("-f lavfi -i color=black:s=320x240:r=25:d=6 -c:v libx264 -g 25 -pix_fmt yuv420p dark.mp4");
    s = shoot("dark.mp4", (struct mt_av_thumbs){.count = 3});
    OK(s.n == 3 && strstr(s.note[0], "only black") && strstr(s.note[2], "only black"),
       "a film that is all black gives its pictures and says so");
    make("-f lavfi -i testsrc2=s=320x60:r=25:d=4 -vf pad=320:240:0:90:black -c:v libx264 -g 25 "
         "-pix_fmt yuv420p bars.mp4");
    s = shoot("bars.mp4", (struct mt_av_thumbs){.count = 2});
    OK(s.n == 2 && !s.note[0][0] && !s.note[1][0], "letterbox bars are not black frames");
}

static void test_shape(void)
{
    static const int red[] = {254, 0, 0}, blue[] = {0, 0, 254};
    unsigned char left[PICTURES][3], right[PICTURES][3];
    struct seen s;

    make("-f lavfi -i color=red:s=160x96:r=25:d=1 -vf "
         "drawbox=x=0:y=ih/2:w=iw:h=ih/2:color=blue:t=fill -c:v libx264 -crf 5 -pix_fmt yuv420p "
         "up.mp4");
    if (!run("ffmpeg -v quiet -y -display_rotation:v:0 -90 -i up.mp4 -c copy turned.mp4"))
        make("-i up.mp4 -c copy -metadata:s:v:0 rotate=270 turned.mp4");
    s = shoot("turned.mp4", (struct mt_av_thumbs){.count = 1, .boxes = {{48, 0}}, .n_boxes = 1});
    OK(s.w == 48 && s.h == 80, "a rotated film fits the box upright");
    OK(spots(&s, 0, 128, left) == 1 && spots(&s, 255, 128, right) == 1 && near(left[0], blue, 6) &&
           near(right[0], red, 6),
       "turned clockwise");
    make("-f lavfi -i testsrc2=s=720x576:r=25:d=1 -vf setsar=64/45 -c:v libx264 -pix_fmt yuv420p "
         "wide.mp4");
    s = shoot("wide.mp4", (struct mt_av_thumbs){.count = 1, .boxes = {{320, 0}}, .n_boxes = 1});
    OK(s.w == 320 && s.h == 180, "anamorphic pictures get square pixels");
    make("-f lavfi -i testsrc2=r=25:d=1 -vf scale=161:121 -c:v libvpx -b:v 1M odd.webm");
    s = shoot("odd.webm", (struct mt_av_thumbs){.count = 1, .boxes = {{4000, 0}}, .n_boxes = 1});
    OK(s.w == 161 && s.h == 121, "never larger than the source, odd sides stay");
    s = shoot("odd.webm", (struct mt_av_thumbs){.count = 1, .boxes = {{320, 1}}, .n_boxes = 1});
    OK(s.w == 1 && s.h == 1, "no side below one");
}

static void test_colours(void)
{
    static const int olive[] = {112, 80, 48};
    struct mt_av_thumbs each[3] = {{.count = 1, .formats = {MT_AV_WEBP}},
                                   {.count = 1, .formats = {MT_AV_JPEG}},
                                   {.count = 1, .formats = {MT_AV_PNG}}};
    static const char *const films[][2] = {
        {"hd.mp4", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"},
        {"sd.mp4", "scale=320:240:out_color_matrix=bt601:out_range=tv,format=yuv420p"},
        {"full.mp4", "scale=out_color_matrix=bt709:out_range=pc,format=yuvj420p"}};
    unsigned char rgb[PICTURES][3];
    struct seen s;

    for (int f = 0; f < 3; f++) {
        make("-f lavfi -i color=0x705030:s=1280x720:r=25:d=0.2 -vf '" CORNER
             ",%s' -c:v libx264 -crf 5 %s %s",
             films[f][1],
             f == 1   ? ""
             : f == 2 ? "-colorspace bt709 -color_range pc"
                      : "-colorspace bt709",
             films[f][0]);
        for (int i = 0; i < 3; i++) {
            s = shoot(films[f][0], each[i]);
            OK(spots(&s, 192, 192, rgb) == 1 && near(rgb[0], olive, 3), films[f][0]);
            OK(!s.leaks, "nothing of the source's or the encoder's metadata");
        }
    }
    make("-f lavfi -i color=0x705030@0.5:s=64x64,format=rgba -frames:v 1 alpha.png");
    s = shoot("alpha.png", (struct mt_av_thumbs){.count = 1, .formats = {MT_AV_JPEG}});
    OK(spots(&s, 128, 128, rgb) == 1 && near(rgb[0], (const int[]){183, 167, 151}, 3),
       "transparent pictures lie on white in JPEG");
    s = shoot("alpha.png",
              (struct mt_av_thumbs){
                  .count = 1, .boxes = {{32, 0}}, .n_boxes = 1, .formats = {MT_AV_PNG}});
    OK(spots(&s, 128, 128, rgb) == 1 && near(rgb[0], olive, 3), "and keep their colour in PNG");
}

/* How much rows differ from the next against how much from the one after that. */
static double combing(const char *picture)
{
    static unsigned char luma[288][360];
    double one = 0, two = 0.001;
    char command[300];
    FILE *f;

    snprintf(command, sizeof command,
             "ffmpeg -nostdin -v error -i '%s/%s' -f rawvideo -pix_fmt gray -", dir, picture);
    f = popen(command, "r");
    if (!f || fread(luma, 1, sizeof luma, f) != sizeof luma)
        one = 1e9;
    if (f)
        pclose(f);
    for (int y = 0; y < 286; y++)
        for (int x = 0; x < 360; x++) {
            one += abs(luma[y][x] - luma[y + 1][x]);
            two += abs(luma[y][x] - luma[y + 2][x]);
        }
    return one / two;
}

static void test_kinds(void)
{
    unsigned char rgb[PICTURES][3];
    struct seen s;

    make("-f lavfi -i "
         "'testsrc2=s=360x288:r=50:d=1,scroll=horizontal=0.05,tinterlace=interleave_top' "
         "-c:v libx264 -crf 12 -flags +ildct+ilme -x264-params tff=1 -pix_fmt yuv420p inter.mp4");
    s = shoot("inter.mp4", (struct mt_av_thumbs){.count = 1, .formats = {MT_AV_PNG}});
    make("-i inter.mp4 -vf 'select=gte(n\\,12)' -frames:v 1 woven.png");
    OK(s.n == 1 && combing("woven.png") > 1.1 && combing("pic-000.png") < 1,
       "interlaced pictures come without combing");
    make("-f lavfi -i color=gray:s=320x240:r=25:d=0.2 -vf 'format=yuv420p10,"
         "geq=lum=if(lt(Y\\,60)\\,200\\,572):cb=512:cr=512,"
         "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc' "
         "-c:v libx265 -x265-params log-level=0 "
         "-color_trc smpte2084 -color_primaries bt2020 -colorspace bt2020nc hdr.mp4");
    s = shoot("hdr.mp4", (struct mt_av_thumbs){.count = 1, .formats = {MT_AV_PNG}});
    OK(spots(&s, 128, 192, rgb) == 1 && rgb[0][0] > 180 && rgb[0][0] < 255 &&
           abs(rgb[0][0] - rgb[0][1]) <= 3 && abs(rgb[0][1] - rgb[0][2]) <= 3,
       "the white of HDR is nearly white in SDR, and neutral");
    make("-f lavfi -i testsrc2=s=200x200:d=1 -frames:v 1 cover.jpg");
    make("-f lavfi -i sine=d=2 -i cover.jpg -map 0 -map 1 -c:a libmp3lame -c:v copy "
         "-disposition:v attached_pic cover.mp3");
    s = shoot("cover.mp3", (struct mt_av_thumbs){.count = 10, .boxes = {{100, 0}}, .n_boxes = 1});
    OK(s.n == 1 && s.w == 100 && strstr(s.note[0], "cover art"), "cover art is one picture");
    s = shoot("cover.jpg", (struct mt_av_thumbs){.count = 10});
    OK(s.n == 1 && s.w == 200, "a still image gives one picture");
}

static void test_failures(void)
{
    struct mt_av_thumbs four = {.count = 4};
    const struct seen none = {0};

    make("-f lavfi -i sine=d=1 sound.wav");
    OK(refused("sound.wav", four, none) == MT_ERR_NOT_APPLICABLE, "sound has no picture");
    OK(refused("key.mp4", four, (struct seen){.fail_at = 2}) == MT_ERR_NO_SPACE,
       "a failure of the receiver is the failure");
    OK(refused("key.mp4", four, (struct seen){.cancel_at = 1}) == MT_ERR_CANCELLED,
       "stopped on request");
    OK(refused("key.mp4", (struct mt_av_thumbs){.count = 0}, none) == MT_ERR_USAGE, "no pictures");
    OK(refused("key.mp4", (struct mt_av_thumbs){.count = 1, .quality = 101}, none) == MT_ERR_USAGE,
       "a quality out of range");
}

static void test_damage(void)
{
    struct mt_err err = {0};
    struct seen seen = {0};
    struct mt_av_thumbs spec = {.count = 8};
    json_t *doc;

    run("cp key.mp4 bad.mp4 && s=$(stat -c %%s key.mp4) && "
        "head -c $((s / 8)) /dev/urandom | dd of=bad.mp4 bs=1 seek=$((s / 3)) conv=notrunc "
        "status=none");
    doc = take("bad.mp4", &spec, &seen, &err);
    OK(doc && seen.n >= 4, "a damaged film still gives pictures");
    OK(doc && json_integer_value(json_object_get(doc, "pictures")) == seen.n, "they are counted");
    OK(doc && json_integer_value(json_object_get(doc, "representative")) < seen.n,
       "one of them is the most telling");
    json_decref(doc);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.40s/mt-thumbs-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    mt_av_log_capture();
    test_times();
    test_black();
    test_shape();
    test_colours();
    test_kinds();
    test_failures();
    test_damage();
    run("rm -rf '%s'", dir);
    return tap_done();
}
