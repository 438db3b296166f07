/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_sound.c - tracks of sound, listened to with other tools. */
#include "../tap.h"
#include "av/sound.h"
#include "av_films.h"

#include "json/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ok(cond, ...) (snprintf(label, sizeof(label), __VA_ARGS__), OK(cond, label))

static char label[256];
static struct mt_err err;

static json_t *encode(const char *source, struct mt_av_voice *voices, int n, int64_t origin_us)
{
    struct mt_av_sound spec = {
        .voices = voices, .n = n, .origin_us = origin_us, .limits = mt_av_default_limits};
    int fd = in_dir(source, O_RDONLY);
    json_t *report;

    for (int i = 0; i < n; i++) {
        char name[32];

        snprintf(name, sizeof(name), "out%d", i);
        voices[i].fd = in_dir(name, O_RDWR | O_CREAT | O_TRUNC);
        if (voices[i].ceiling_dbtp == 0)
            voices[i].ceiling_dbtp = -1;
    }
    memset(&err, 0, sizeof(err));
    report = mt_av_sound(fd, &spec, &err);
    if (!report)
        printf("# %s: %s: %s\n", source, mt_code_name(err.code), err.msg);
    for (int i = 0; i < n; i++)
        close(voices[i].fd);
    close(fd);
    return report;
}

static json_t *one(const char *source, struct mt_av_voice voice)
{
    json_t *report = encode(source, &voice, 1, INT64_MIN);
    json_t *it = json_incref(json_array_get(json_object_get(report, "voices"), 0));

    json_decref(report);
    return it;
}

static long samples_of(const char *file, const char *more)
{
    char command[512];

    snprintf(command, sizeof(command),
             "ffmpeg -nostdin -v error -i $D/%s %s -ac 1 -f s16le - | wc -c", file, more);
    return atol(sh(command)) / 2;
}

/* Where in out0 the click is, in samples of 48 kHz. */
static long click_at(const char *file)
{
    char command[512];

    snprintf(command, sizeof(command),
             "ffmpeg -nostdin -v error -i $D/%s -ac 1 -ar 48000 -y -f s16le $D/raw; "
             "perl -e 'local $/; open F, \"<\", \"$ENV{D}/raw\"; @s = unpack(\"s<*\", <F>); "
             "$m = 0; for (0..$#s) { if (abs($s[$_]) > $m) { $m = abs($s[$_]); $at = $_ } } "
             "print $at'",
             file);
    return atol(sh(command));
}

static const struct {
    const char *codec, *format;
    long more; /* samples that libavcodec hears at the end, at most */
} kinds[] = {
    {"aac", "m4a", 1024}, {"aac", "mp4", 1024}, {"opus", "opus", 0},  {"opus", "mp4", 960},
    {"mp3", "mp3", 0},    {"mp3", "mp4", 2400}, {"vorbis", "ogg", 0}, {"flac", "flac", 0},
    {"flac", "mp4", 0},   {"pcm", "wav", 0},    {"alac", "m4a", 0},   {"pcm", "mov", 0},
    {"aac", "mka", 0},    {"opus", "mka", 0},   {"opus", "webm", 0},
};

/* A click at 0.75 s of 3.1 s, both found again in each codec and format. */
static void codecs(void)
{
    make("-f lavfi -i \"aevalsrc='if(eq(n,36000),0.9,0.01*sin(2*PI*300*t))':s=48000:d=3.1\" "
         "-c:a pcm_s16le $D/click.wav");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        json_t *v = one("click.wav", (struct mt_av_voice){.stream = -1,
                                                          .codec = kinds[i].codec,
                                                          .format = kinds[i].format,
                                                          .bps = 128000});
        long found = samples_of("out0", ""), at = click_at("out0");

        ok(v && mt_json_int(v, "samples", 0) == 148800, "%s in %s: 3.1 s encoded", kinds[i].codec,
           kinds[i].format);
        ok(found >= 148800 - 64 && found <= 148800 + kinds[i].more,
           "%s in %s: as long when decoded (%ld)", kinds[i].codec, kinds[i].format, found);
        ok(labs(at - 36000) <= 2, "%s in %s: the click is where it was (%ld)", kinds[i].codec,
           kinds[i].format, at);
        json_decref(v);
    }
}

static void lossless(void)
{
    static const char *const files[] = {"s16.wav", "s24.wav"};

    make("-f lavfi -i anoisesrc=d=1.7:r=44100:c=pink -ac 2 -c:a pcm_s16le $D/s16.wav");
    make("-f lavfi -i anoisesrc=d=1.7:r=96000:c=pink -ac 2 -c:a pcm_s24le $D/s24.wav");
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            json_t *v =
                one(files[i],
                    (struct mt_av_voice){.stream = -1,
                                         .codec = (const char *[]){"flac", "alac", "pcm"}[k],
                                         .format = (const char *[]){"flac", "m4a", "wav"}[k]});
            char command[512];

            snprintf(command, sizeof(command),
                     "for f in %s out0; do ffmpeg -nostdin -v error -i $D/$f -f md5 -c:a pcm_s24le "
                     "-; done | uniq | wc -l",
                     files[i]);
            ok(v && atoi(sh(command)) == 1, "%s: %s is the same bit by bit", files[i],
               mt_json_str(v, "codec", "?"));
            ok(mt_json_int(v, "bits", 0) == (i ? 24 : 16), "%s: as many bits", files[i]);
            json_decref(v);
        }
}

/* One decode, several voices, each with its own channels and rate. */
static void several(void)
{
    struct mt_av_voice voices[] = {
        {.stream = 0, .codec = "aac", .format = "mp4", .bps = 128000, .channels = 2},
        {.stream = 1, .codec = "aac", .format = "mp4", .bps = 128000},
        {.stream = 0, .codec = "opus", .format = "mp4", .bps = 96000},
        {.stream = 0, .codec = "mp3", .format = "mp3", .bps = 96000},
    };
    json_t *report;

    make("-f lavfi -i sine=f=300:r=48000:d=2 -f lavfi -i sine=f=900:r=44100:d=2 -filter_complex "
         "'[0]pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0[a]' -map '[a]' -map 1 -c:a flac "
         "$D/two.mka");
    report = encode("two.mka", voices, 4, 0);
    ok(report, "several voices from one decode");
    const json_t *all = json_object_get(report, "voices");
    ok(mt_json_int(json_array_get(all, 0), "channels", 0) == 2, "5.1 mixed to stereo");
    ok(mt_json_int(json_array_get(all, 1), "sample_rate_hz", 0) == 44100, "44.1 kHz stay");
    ok(mt_json_int(json_array_get(all, 2), "channels", 0) == 6 &&
           strncmp(mt_json_str(json_array_get(all, 2), "layout", ""), "5.1", 3) == 0,
       "5.1 is kept where nobody says otherwise");
    ok(mt_json_int(json_array_get(all, 3), "channels", 0) == 2, "MP3 has two channels");
    ok(strncmp(sh("ffprobe -v error -show_entries stream=channels,channel_layout -of csv=p=0 "
                  "$D/out2"),
               "6,5.1", 5) == 0,
       "and 5.1 is what is found");
    json_decref(report);
}

/* Sound that begins late, has a hole, and a line that is not the sound's own. */
static void holes(void)
{
    struct mt_av_voice voice = {.stream = -1, .codec = "flac", .format = "flac"};
    json_t *report;

    make("-f lavfi -i \"aevalsrc='if(eq(n,36000),0.9,0.01*sin(2*PI*300*t))':s=48000:d=2\" "
         "-af 'asetpts=PTS+if(gte(T\\,1)\\,1.5/TB\\,0)+0.5/TB' -c:a pcm_s16le $D/hole.mkv");
    report = encode("hole.mkv", &voice, 1, 0);
    ok(labs(samples_of("out0", "") - 192000) <= 48, "0.5 s before it and a hole of 1.5 s: 4 s");
    ok(labs(click_at("out0") - 60000) <= 48, "the click is at 1.25 s");
    ok(fabs(mt_json_num(json_array_get(json_object_get(report, "voices"), 0), "silence_s", 0) -
            2.0) < 0.01,
       "2 s of silence are reported");
    json_decref(report);
    report = encode("hole.mkv", &voice, 1, 1000000);
    ok(labs(samples_of("out0", "") - 144000) <= 48, "a film that begins later has less of it");
    json_decref(report);
}

static double measured(const char *what)
{
    char command[512];

    snprintf(command, sizeof(command),
             "ffmpeg -nostdin -i $D/out0 -af ebur128=peak=true -f null - 2>&1 | grep -A20 Summary |"
             " grep '%s' | tail -1 | sed 's/.*: *//; s/ .*//'",
             what);
    return atof(sh(command));
}

static void loudness(void)
{
    struct mt_av_voice voice = {
        .stream = -1, .codec = "aac", .format = "m4a", .bps = 192000, .loudness_lufs = -23};
    json_t *v;

    make("-f lavfi -i \"aevalsrc='0.05*sin(2*PI*500*t)*(1+0.5*sin(2*PI*0.2*t))':s=48000:d=12\" "
         "-ac 2 $D/quiet.wav");
    make("-f lavfi -i \"aevalsrc='0.02*sin(2*PI*500*t)+if(lt(mod(n,24000),3),0.9,0)':s=48000:d=12\""
         " -ac 2 $D/spiky.wav");
    v = one("quiet.wav", voice);
    ok(v && fabs(measured("I:") + 23) < 0.15, "-23 LUFS are met (%.1f)", measured("I:"));
    ok(fabs(mt_json_num(v, "loudness.result.integrated_lufs", 0) + 23) < 0.15,
       "and measured here as well");
    ok(mt_json_num(v, "loudness.missed_lu", -1) == 0, "nothing is missed");
    json_decref(v);
    voice.loudness_lufs = -14;
    voice.codec = "flac", voice.format = "flac";
    v = one("spiky.wav", voice);
    ok(v && measured("Peak:") <= -0.9 && measured("Peak:") > -1.3,
       "spikes stop it at -1 dBTP (%.1f)", measured("Peak:"));
    double missed = mt_json_num(v, "loudness.missed_lu", 0);
    ok(missed > 1 && fabs(measured("I:") + 14 + missed) < 0.2, "what is missed is told: %.1f LU",
       missed);
    json_decref(v);
    voice.codec = "opus", voice.format = "opus", voice.bps = 64000;
    v = one("spiky.wav", voice);
    ok(mt_json_num(v, "loudness.result.true_peak_dbtp", 9) <= -0.8,
       "a codec's overshoot is taken back (%.2f dBTP)",
       mt_json_num(v, "loudness.result.true_peak_dbtp", 9));
    json_decref(v);
    make("-f lavfi -i anullsrc=r=48000 -t 3 $D/silent.wav");
    v = one("silent.wav", voice);
    ok(v && mt_json_num(v, "loudness.gain_db", 9) == 0, "silence stays silence");
    json_decref(v);
}

static void filters(void)
{
    struct mt_av_voice voice = {
        .stream = -1, .codec = "flac", .format = "flac", .denoise = MT_AV_DENOISE_STRONG};
    double before, after;
    json_t *v;

    make("-f lavfi -i \"aevalsrc='if(lt(mod(t,2),1),0.2*sin(2*PI*700*t),0)+0.003*(random(0)-0.5)':"
         "s=48000:d=8\" -ac 2 $D/noisy.wav");
    sh("cp $D/noisy.wav $D/out0");
    before = atof(sh("ffmpeg -nostdin -i $D/out0 -af atrim=5.3:5.9,volumedetect -f null - 2>&1 | "
                     "sed -n 's/.*mean_volume: \\([^ ]*\\).*/\\1/p'"));
    v = one("noisy.wav", voice);
    after = atof(sh("ffmpeg -nostdin -i $D/out0 -af atrim=5.3:5.9,volumedetect -f null - 2>&1 | "
                    "sed -n 's/.*mean_volume: \\([^ ]*\\).*/\\1/p'"));
    ok(v && after < before - 6, "noise between the tones goes (%.1f to %.1f dB)", before, after);
    ok(samples_of("out0", "") == 384000, "and no sample with it (%ld)", samples_of("out0", ""));
    json_decref(v);
    voice.denoise = MT_AV_DENOISE_OFF;
    voice.speech = true;
    v = one("noisy.wav", voice);
    ok(v && samples_of("out0", "") == 384000, "speech keeps the length");
    json_decref(v);
}

static void bad_input(void)
{
    struct mt_av_voice voice = {.stream = -1, .codec = "aac", .format = "m4a", .bps = 128000};
    json_t *v;

    make("-f lavfi -i sine=r=48000 -af atrim=end_sample=1 -c:a pcm_s16le $D/one.wav");
    v = one("one.wav", voice);
    ok(v && mt_json_int(v, "samples", 0) == 1, "one sample");
    json_decref(v);
    make("-f lavfi -i testsrc2=d=1 -c:v libx264 -pix_fmt yuv420p $D/mute.mp4");
    v = one("mute.mp4", voice);
    ok(!v && err.code == MT_ERR_NOT_APPLICABLE, "no sound at all");
    voice.stream = 99;
    v = one("click.wav", voice);
    ok(!v && err.code == MT_ERR_NOT_APPLICABLE, "a stream that is not there");
    voice.stream = -1;
    sh("head -c 3000 $D/click.wav >$D/cut.wav; head -c 44 $D/click.wav >$D/none.wav");
    v = one("cut.wav", voice);
    ok(v && mt_json_int(v, "samples", 0) > 1000, "a file that is cut off");
    json_decref(v);
    v = one("none.wav", voice);
    ok(!v, "a header alone (%s)", mt_code_name(err.code));
    make("-f lavfi -i sine=d=3 -c:a libmp3lame $D/b.mp3");
    sh("perl -e 'local $/; open F, \"<\", \"$ENV{D}/b.mp3\"; $_ = <F>; "
       "for $i (0..30) { substr($_, 3000 + $i * 500, 20) = chr($i) x 20 } print' >$D/bad.mp3");
    v = one("bad.mp3", voice);
    ok(v && fabs(mt_json_num(v, "duration", 0) - 3) < 0.3, "damage costs what is damaged (%.2f s)",
       mt_json_num(v, "duration", 0));
    json_decref(v);
    make("-f lavfi -i sine=d=3:r=22050 -c:a aac $D/p1.ts");
    make("-f lavfi -i sine=d=3:r=48000 -ac 2 -c:a aac $D/p2.ts");
    sh("cat $D/p1.ts $D/p2.ts $D/p1.ts >$D/mixed.ts");
    v = one("mixed.ts", voice);
    ok(v && fabs(mt_json_num(v, "duration", 0) - 9) < 0.3,
       "rates and channels that change on the way (%.2f s, %.2f silent)",
       mt_json_num(v, "duration", 0), mt_json_num(v, "silence_s", 0));
    json_decref(v);
}

int main(void)
{
    snprintf(dir, sizeof(dir), "%s/mt-sound-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    setenv("D", dir, 1);
    mt_av_log_capture();
    codecs();
    lossless();
    several();
    holes();
    loudness();
    filters();
    bad_input();
    if (!getenv("KEEP"))
        sh("rm -rf $D");
    return tap_done();
}
