/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_measure.c - loudness, silence, black, freezes and scenes of films whose figures are known. */
#include "av/measure.h"
#include "av/measure_parts.h"

#include "../tap.h"
#include "base/mem.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { ALL = MT_AV_LOUDNESS | MT_AV_SILENCE | MT_AV_BLACK | MT_AV_FREEZE | MT_AV_SCENES };

static char dir[64];

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

static json_t *measure_by(const char *name, struct mt_av_measure spec, struct mt_err *err)
{
    char path[160];
    json_t *doc;
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    spec.limits = mt_av_default_limits;
    doc = mt_av_measure(fd, &spec, err);
    close(fd);
    return doc;
}

static struct mt_av_measure usual(unsigned what)
{
    return (struct mt_av_measure){.what = what,
                                  .silence_db = -60,
                                  .silence_us = 2000000,
                                  .black_us = 500000,
                                  .freeze_us = 2000000,
                                  .scene_threshold = 10};
}

static json_t *measure(const char *name, unsigned what)
{
    struct mt_err err = {0};
    json_t *doc = measure_by(name, usual(what), &err);

    if (!doc)
        printf("# %s: %s: %s\n", name, mt_code_name(err.code), err.msg);
    return doc;
}

static bool close_to(const json_t *number, double want, double by)
{
    bool ok = json_is_number(number) && fabs(json_number_value(number) - want) <= by;

    if (!ok)
        printf("# got %f, wanted %f\n", json_number_value(number), want);
    return ok;
}

static bool loudness_is(const json_t *doc, const char *figure, double want, double by)
{
    return close_to(json_object_get(json_object_get(doc, "loudness"), figure), want, by);
}

/* Whether member of doc is exactly these n stretches of from and to, within by seconds. */
static bool spans_are(const json_t *doc, const char *member, const double *want, size_t n,
                      double by)
{
    const json_t *list = json_object_get(doc, member);
    bool ok = json_is_array(list) && json_array_size(list) == n;

    if (!ok)
        printf("# %zu of %s, wanted %zu\n", json_array_size(list), member, n);
    for (size_t i = 0; ok && i < n; i++) {
        const json_t *span = json_array_get(list, i);

        ok = close_to(json_object_get(span, "start"), want[2 * i], by) &&
             close_to(json_object_get(span, "end"), want[2 * i + 1], by);
    }
    return ok;
}

/* EBU Tech 3341 (2016), table 1, the lengths of some cases cut short. */
static void test_loudness(void)
{
    json_t *doc;

    make("-f lavfi -i 'aevalsrc=0.070795*sin(2000*PI*t)|0.070795*sin(2000*PI*t):s=48000:d=10' "
         "-c:a pcm_s24le case1.wav");
    doc = measure("case1.wav", MT_AV_LOUDNESS);
    OK(loudness_is(doc, "integrated_lufs", -23, 0.1), "case 1: -23 LUFS");
    OK(loudness_is(doc, "max_momentary_lufs", -23, 0.1) &&
           loudness_is(doc, "max_short_term_lufs", -23, 0.1),
       "momentary and short-term as well");
    OK(loudness_is(doc, "sample_peak_dbfs", -23, 0.05) &&
           loudness_is(doc, "true_peak_dbtp", -23, 0.1),
       "its peaks");
    OK(loudness_is(doc, "range_lu", 0, 0.1) && loudness_is(doc, "threshold_lufs", -33, 0.2),
       "its range and threshold");
    json_decref(doc);
    make("-f lavfi -i 'aevalsrc=0.022387*sin(2000*PI*t)|0.022387*sin(2000*PI*t):s=48000:d=10' "
         "-c:a flac case2.mka");
    doc = measure("case2.mka", MT_AV_LOUDNESS);
    OK(loudness_is(doc, "integrated_lufs", -33, 0.1), "case 2: -33 LUFS, in Matroska");
    json_decref(doc);
    make("-f lavfi -i \"aevalsrc='pow(10,if(between(t,10,70),-23,-36)/20)*sin(2000*PI*t)':"
         "s=48000:d=80\" -af 'pan=stereo|c0=c0|c1=c0' -c:a pcm_s24le case3.wav");
    doc = measure("case3.wav", MT_AV_LOUDNESS);
    OK(loudness_is(doc, "integrated_lufs", -23, 0.1), "case 3: what is quieter is gated");
    OK(loudness_is(doc, "range_lu", 13, 1.5), "and makes the range");
    json_decref(doc);
    make("-f lavfi -i 'aevalsrc=0.039811*sin(2000*PI*t)|0.039811*sin(2000*PI*t)|0.063096*"
         "sin(2000*PI*t)|0.031623*sin(2000*PI*t)|0.031623*sin(2000*PI*t):c=5.0:s=48000:d=10' "
         "-c:a pcm_s24le case6.wav");
    doc = measure("case6.wav", MT_AV_LOUDNESS);
    OK(loudness_is(doc, "integrated_lufs", -23, 0.1), "case 6: five channels, weighted");
    json_decref(doc);
    make("-f lavfi -i 'aevalsrc=min(1\\,min(t\\,5-t)*2)*0.5*sin(PI*t*24000+PI/4):s=48000:d=5' -c:a "
         "pcm_s24le case16.wav");
    doc = measure("case16.wav", MT_AV_LOUDNESS);
    OK(loudness_is(doc, "true_peak_dbtp", -6, 0.4) &&
           loudness_is(doc, "sample_peak_dbfs", -9.03, 0.05),
       "case 16: the true peak lies between the samples");
    json_decref(doc);
}

/* The value of step i; NAN for null or none. */
static double step_is(const json_t *course, int i)
{
    json_t *v = json_array_get(json_object_get(course, "lufs"), (size_t)i);

    return json_is_number(v) ? json_number_value(v) : NAN;
}

static void test_course(void)
{
    struct mt_course c;
    json_t *doc, *course;

    make("-f lavfi -i \"aevalsrc='if(between(t,4,6),0,pow(10,if(lt(t,4),-23,-33)/20))*"
         "sin(2000*PI*t)':s=48000:d=10\" -af 'pan=stereo|c0=c0|c1=c0' -c:a pcm_s24le course.wav");
    doc = measure("course.wav", MT_AV_LOUDNESS);
    course = json_object_get(json_object_get(doc, "loudness"), "over_time");
    OK(close_to(json_object_get(course, "step_s"), 0.1, 1e-9), "loudness ten times a second");
    OK(fabs(step_is(course, 20) + 23) < 0.11 && fabs(step_is(course, 80) + 33) < 0.11,
       "as loud as it is at that time");
    OK(fabs(step_is(course, 36) + 23) < 0.11 && step_is(course, 40) < -25.5 &&
           step_is(course, 40) > -26.5,
       "a window that is half silent counts half, and where its middle is");
    OK(isnan(step_is(course, 50)), "silence has none");
    OK(isnan(step_is(course, 0)) && isnan(step_is(course, 1)) && !isnan(step_is(course, 2)) &&
           json_array_size(json_object_get(course, "lufs")) <= 99,
       "nothing is said of windows that are not full");
    json_decref(doc);

    mt_course_init(&c);
    for (int i = 0; i < 72000; i++) /* two hours: an hour at -20, an hour at -40 and -30 in turn */
        mt_course_add(&c, (int64_t)i * 100000, i < 36000 ? -20 : i % 2 ? -40 : -30);
    course = mt_course_json(&c);
    OK(json_array_size(json_object_get(course, "lufs")) == 563 &&
           close_to(json_object_get(course, "step_s"), 12.8, 1e-9),
       "two hours are no more than 600 steps");
    OK(fabs(step_is(course, 100) + 20) < 0.01 && fabs(step_is(course, 400) + 32.6) < 0.01,
       "of the mean of the energy");
    json_decref(course);
    mt_course_add(&c, -1, -10);
    mt_course_add(&c, INT64_MAX, -10);
    mt_course_add(&c, 0, NAN);
    course = mt_course_json(&c);
    OK(json_array_size(json_object_get(course, "lufs")) <= MT_COURSE_POINTS &&
           step_is(course, 0) < -20,
       "whatever the stamps");
    json_decref(course);
}

static void test_silence(void)
{
    const double whole[] = {0, 5}, parts[] = {0, 2.5, 6, 9};
    json_t *doc, *loudness;

    make("-f lavfi -i anullsrc=cl=stereo:r=48000:d=5 -c:a pcm_s16le -t 5 silent.wav");
    doc = measure("silent.wav", MT_AV_LOUDNESS | MT_AV_SILENCE);
    loudness = json_object_get(doc, "loudness");
    OK(json_is_null(json_object_get(loudness, "integrated_lufs")) &&
           json_is_null(json_object_get(loudness, "true_peak_dbtp")) &&
           json_is_null(json_object_get(loudness, "range_lu")),
       "silence has no loudness");
    OK(spans_are(doc, "silence", whole, 1, 0.01), "and lasts until the end");
    json_decref(doc);
    make("-f lavfi -i 'aevalsrc=if(between(t\\,2.5\\,6)\\,0.3*sin(900*t)\\,0.0005*sin(900*t)):"
         "s=44100:d=9' -c:a pcm_s16le parts.wav");
    doc = measure("parts.wav", MT_AV_SILENCE);
    OK(spans_are(doc, "silence", parts, 2, 0.01), "quiet parts, the open one closed");
    OK(!json_object_get(doc, "loudness"), "nothing that was not asked for");
    json_decref(doc);
}

/* Black 0-2, moving 2-5, white 5-8, moving 8-11, black 11-12; sound 0-4. */
static void test_film(void)
{
    const double black[] = {0, 2, 11, 12}, freeze[] = {0, 2, 5, 8};
    const double scenes[] = {0, 2, 2, 5, 5, 8, 8, 11, 11, 12}, silence[] = {4, 12};
    json_t *doc;

    make("-f lavfi -i color=black:s=640x360:r=25:d=2 -f lavfi -i testsrc2=s=640x360:r=25:d=3 "
         "-f lavfi -i color=white:s=640x360:r=25:d=3 -f lavfi -i mandelbrot=s=640x360:r=25 "
         "-f lavfi -i color=black:s=640x360:r=25:d=1 -f lavfi -i sine=1000:d=4,apad=whole_dur=12 "
         "-filter_complex '[3]trim=duration=3[m];[0][1][2][m][4]concat=n=5:v=1[v]' -map '[v]' "
         "-map 5 -c:v libx264 -preset veryfast -crf 12 -pix_fmt yuv420p -c:a pcm_s16le film.mov");
    doc = measure("film.mov", ALL);
    OK(spans_are(doc, "black", black, 2, 0.001), "black to the frame, the open one closed");
    OK(spans_are(doc, "freeze", freeze, 2, 0.001), "frozen pictures to the frame");
    OK(spans_are(doc, "scenes", scenes, 5, 0.001), "scenes to the frame, without gaps");
    OK(spans_are(doc, "silence", silence, 1, 0.01), "silence of the same film");
    OK(json_integer_value(json_object_get(doc, "errors")) == 0 &&
           json_object_size(json_object_get(doc, "not_applicable")) == 0 &&
           close_to(json_object_get(doc, "duration"), 12, 0.01),
       "nothing wrong, nothing missing");
    json_decref(doc);
    make("-i film.mov -c:v copy -c:a aac -output_ts_offset 500 film.ts");
    doc = measure("film.ts", MT_AV_SCENES | MT_AV_BLACK);
    OK(json_array_size(json_object_get(doc, "scenes")) == 5 &&
           close_to(json_object_get(json_array_get(json_object_get(doc, "scenes"), 2), "start"), 5,
                    0.1),
       "times count from the start of the film, whatever the container's");
    json_decref(doc);
    make("-i film.mov -vf 'select=if(lt(t\\,6)\\,1\\,not(mod(n\\,3)))' -vsync vfr -an -c:v libx264 "
         "-crf 12 -preset veryfast vfr.mp4");
    doc = measure("vfr.mp4", MT_AV_SCENES);
    OK(json_array_size(json_object_get(doc, "scenes")) == 5 &&
           close_to(json_object_get(json_array_get(json_object_get(doc, "scenes"), 4), "end"), 12,
                    0.13),
       "variable frame rates");
    json_decref(doc);
}

static void test_scenes(void)
{
    const double whole[] = {0, 6};
    json_t *doc;

    make("-f lavfi -i testsrc2=s=320x240:r=25:d=6 -vf "
         "'fade=out:st=1:d=1,fade=in:st=2:d=1:enable=gte(t\\,2)' -c:v libx264 -crf 12 -pix_fmt "
         "yuv420p fade.mp4");
    doc = measure("fade.mp4", MT_AV_SCENES);
    OK(json_array_size(json_object_get(doc, "scenes")) <= 2, "a fade is no burst of cuts");
    json_decref(doc);
    make("-f lavfi -i testsrc2=s=320x240:r=25:d=6 -vf "
         "'drawbox=color=white:t=fill:enable=between(n\\,60\\,62)' -c:v libx264 -crf 12 -pix_fmt "
         "yuv420p flash.mp4");
    doc = measure("flash.mp4", MT_AV_SCENES);
    OK(json_array_size(json_object_get(doc, "scenes")) <= 2, "a flash counts once at most");
    json_decref(doc);
    make("-f lavfi -i testsrc2=s=320x240:r=25:d=6 -c:v libx264 -crf 12 -pix_fmt yuv420p one.mp4");
    doc = measure("one.mp4", MT_AV_SCENES);
    OK(spans_are(doc, "scenes", whole, 1, 0.001), "one scene is the whole film");
    json_decref(doc);
}

static int stop(void *ctx, int64_t done, int64_t total)
{
    (void)ctx;
    (void)done;
    (void)total;
    return 1;
}

static enum mt_code refusal(const char *name, struct mt_av_measure spec)
{
    struct mt_err err = {0};
    json_t *doc = measure_by(name, spec, &err);

    json_decref(doc);
    return doc ? MT_OK : err.code;
}

static void test_kinds(void)
{
    struct mt_av_measure spec = usual(ALL);
    const json_t *absent;
    json_t *doc;

    doc = measure("case1.wav", ALL);
    absent = json_object_get(doc, "not_applicable");
    OK(json_object_get(doc, "loudness") && !json_object_get(doc, "scenes") &&
           json_object_get(absent, "scenes") && json_object_get(absent, "black") &&
           json_object_size(absent) == 3,
       "sound has no pictures");
    json_decref(doc);
    doc = measure("one.mp4", ALL);
    absent = json_object_get(doc, "not_applicable");
    OK(json_object_get(doc, "scenes") && !json_object_get(doc, "loudness") &&
           json_object_get(absent, "loudness") && json_object_size(absent) == 2,
       "pictures without sound");
    json_decref(doc);
    make("-f lavfi -i testsrc2=s=64x64 -frames:v 1 still.png");
    OK(refusal("still.png", spec) == MT_ERR_NOT_APPLICABLE, "a still image cannot be measured");
    spec.progress.tell = stop;
    OK(refusal("film.mov", spec) == MT_ERR_CANCELLED, "stopped on request");
    OK(refusal("film.mov", usual(0)) == MT_ERR_USAGE, "nothing to measure");
    spec = usual(ALL);
    spec.scene_threshold = 101;
    OK(refusal("film.mov", spec) == MT_ERR_USAGE, "a threshold out of range");
    run("cp film.ts bad.ts && s=$(stat -c %%s film.ts) && head -c 30000 /dev/urandom | "
        "dd of=bad.ts bs=1 seek=$((s / 2)) conv=notrunc status=none");
    doc = measure("bad.ts", ALL);
    OK(json_integer_value(json_object_get(doc, "errors")) > 0 && json_object_get(doc, "loudness") &&
           json_object_get(doc, "scenes"),
       "damage is counted and the rest measured");
    json_decref(doc);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.40s/mt-measure-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    mt_av_log_capture();
    test_loudness();
    test_course();
    test_silence();
    test_film();
    test_scenes();
    test_kinds();
    run("rm -rf '%s'", dir);
    return tap_done();
}
