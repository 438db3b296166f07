/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_transcode.c - renditions of films made here, measured with other tools. */
#include "../tap.h"
#include "av/transcode.h"
#include "av_films.h"

#include "json/json.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define TESTSRC "-f lavfi -i testsrc2=s=320x240:r=25:d="
#define SINE "-f lavfi -i sine=r=48000:f=440:d="
#define X264 " -c:v libx264 -preset ultrafast -pix_fmt yuv420p "

static struct mt_err err;

static struct mt_av_transcode spec_of(const struct mt_av_rendition *renditions, int n)
{
    return (struct mt_av_transcode){
        .renditions = renditions,
        .n = n,
        .preset = "ultrafast",
        .threads = 1,
        .limits = mt_av_default_limits,
    };
}

/* Transcodes source to out.mp4 (short side height) and, if also is not 0, also.mp4. */
static json_t *ladder(const char *source, int height, int also)
{
    struct mt_av_rendition r[2] = {
        {.name = "one", .height_px = height, .crf = 20, .audio_bps = 128000},
        {.name = "two", .height_px = also, .crf = 30, .max_bps = 600000, .audio_bps = 128000},
    };
    struct mt_av_transcode spec = spec_of(r, also ? 2 : 1);
    int fd = in_dir(source, O_RDONLY);
    json_t *report;

    r[0].fd = in_dir("out.mp4", O_RDWR | O_CREAT | O_TRUNC);
    r[1].fd = in_dir("also.mp4", O_RDWR | O_CREAT | O_TRUNC);
    memset(&err, 0, sizeof(err));
    report = mt_av_transcode(fd, &spec, &err);
    if (!report)
        printf("# %s: %s\n", mt_code_name(err.code), err.msg);
    close(fd);
    close(r[0].fd);
    close(r[1].fd);
    return report;
}

/* What ffprobe says of out.mp4: entries of the stream, comma-separated. */
static const char *probe(const char *stream, const char *entries)
{
    char command[1024];

    snprintf(command, sizeof(command),
             "ffprobe -v error -count_frames -select_streams %s -show_entries %s -of "
             "csv=p=0 $D/out.mp4",
             stream, entries);
    return sh(command);
}

/* "r,g,b" of the pixel at x, y of the first frame of out.mp4. */
static void pixel(int x, int y, int rgb[3])
{
    char command[512];

    snprintf(command, sizeof(command),
             "ffmpeg -nostdin -v error -i $D/out.mp4 -frames:v 1 -vf crop=2:2:%d:%d,scale=1:1 "
             "-pix_fmt rgb24 -f rawvideo - | od -An -tu1",
             x, y);
    rgb[0] = rgb[1] = rgb[2] = -1;
    (void)sscanf(sh(command), "%d %d %d", &rgb[0], &rgb[1], &rgb[2]);
}

static int near_rgb(const int rgb[3], int r, int g, int b)
{
    int same = abs(rgb[0] - r) <= 8 && abs(rgb[1] - g) <= 8 && abs(rgb[2] - b) <= 8;

    if (!same)
        printf("# is %d,%d,%d, should be %d,%d,%d\n", rgb[0], rgb[1], rgb[2], r, g, b);
    return same;
}

static void test_decodes(const char *name)
{
    IS_STR(sh("ffmpeg -nostdin -v error -i $D/out.mp4 -f null - 2>&1"), "", name);
}

/* ---- the tests ---- */

static void test_fit(void)
{
    static const struct {
        int w, h, want, out_w, out_h, limited;
    } cases[] = {
        {1920, 1080, 720, 1280, 720, 0},
        {1080, 1920, 720, 720, 1280, 0},
        {1280, 720, 1080, 1280, 720, 1},
        {161, 121, 480, 160, 120, 1},
        {1920, 1080, 480, 854, 480, 0},
        {1920, 800, 360, 864, 360, 0},
        {1, 1, 720, 2, 2, 1},
        {1920, 1080, 0, 1920, 1080, 0},
        {641, 361, 360, 640, 360, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int w, h, limited;
        char name[64];

        mt_av_fit(cases[i].w, cases[i].h, cases[i].want, &w, &h, &limited);
        snprintf(name, sizeof(name), "%dx%d at %d: %dx%d", cases[i].w, cases[i].h, cases[i].want, w,
                 h);
        OK(w == cases[i].out_w && h == cases[i].out_h && limited == cases[i].limited, name);
    }
}

static void test_boxes(void)
{
    unsigned char box[8];
    char order[64] = "";
    int fd = in_dir("out.mp4", O_RDONLY);
    off_t at = 0;

    while (strlen(order) < 40 && pread(fd, box, 8, at) == 8) {
        strncat(order, (const char *)box + 4, 4);
        strcat(order, " ");
        at += (off_t)box[0] << 24 | box[1] << 16 | box[2] << 8 | box[3];
    }
    close(fd);
    IS_STR(order, "ftyp moov free mdat ", "the index comes first");
}

static void test_tags(void)
{
    IS_STR(sh("ffprobe -v error -show_entries format_tags=title,comment,location,copyright -of "
              "csv=p=0 $D/out.mp4"),
           "A title,Nobody", "title and rights are kept, place and comment are not");
    IS_STR(probe("a", "stream_tags=language"), "ara", "the language of the sound is kept");
    IS_STR(sh("ffprobe -v error -show_chapters -of csv=p=0 $D/out.mp4 | cut -d, -f4,6,7"),
           "0.000000,1.500000,Begin\n1.500000,5.000000,End", "chapters are kept");
}

static void test_ladder(void)
{
    make("-f lavfi -i testsrc2=s=640x360:r=25:d=5 " SINE
         "5 -i $D/meta -map 0 -map 1 -map_metadata 2 -map_chapters 2 -ac 2" X264
         "-g 250 -c:a aac -metadata:s:a language=ara -shortest $D/plain.mp4");
    json_t *report = ladder("plain.mp4", 720, 240);

    OK(report != NULL, "two renditions of a plain film");
    IS_STR(probe("v", "stream=codec_name,width,height,pix_fmt,nb_read_frames"),
           "h264,640,360,yuv420p,125", "it is not enlarged and has all frames");
    IS_STR(probe("v", "stream=sample_aspect_ratio,start_time,duration"), "1:1,0.000000,5.000000",
           "it begins at 0 and is as long");
    IS_STR(probe("v", "stream=color_range,color_space,color_transfer,color_primaries"),
           "tv,smpte170m,smpte170m,smpte170m", "its colours are named");
    IS_STR(sh("ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0 "
              "$D/out.mp4 | grep K | cut -d, -f1"),
           "0.000000\n2.000000\n4.000000", "key frames lie at multiples of 2 s only");
    test_boxes();
    test_tags();
    test_decodes("it decodes without a message");
    OK(mt_json_int(report, "source.frames", 0) == 125 &&
           mt_json_int(report, "source.errors", -1) == 0,
       "the report counts frames and no errors");
    IS_STR(sh("ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0 "
              "$D/also.mp4"),
           "426,240", "the second is smaller");
    IS_STR(sh("for f in out also; do ffmpeg -nostdin -v error -i $D/$f.mp4 -map 0:a -c copy -f md5 "
              "-; done | sort -u | wc -l"),
           "1", "both carry the same sound");
    json_decref(report);
}

static void test_high(void)
{
    struct mt_av_rendition r = {.name = "h", .height_px = 240, .crf = 23, .max_bps = 900000};
    struct mt_av_transcode spec = spec_of(&r, 1);
    int fd = in_dir("plain.mp4", O_RDONLY);

    r.fd = in_dir("out.mp4", O_RDWR | O_CREAT | O_TRUNC);
    spec.preset = "medium";
    json_t *report = mt_av_transcode(fd, &spec, &err);
    OK(report != NULL, "without sound, preset medium");
    close(fd);
    close(r.fd);
    json_decref(report);
    IS_STR(probe("v", "stream=profile,nb_read_frames"), "High,125", "it is High profile");
    IS_STR(probe("a", "stream=codec_name"), "", "there is no sound");
    IS_STR(sh("ffprobe -v error -select_streams v -show_entries frame=key_frame,pict_type -of "
              "csv=p=0 $D/out.mp4 | grep -c 1,I"),
           "3", "with B-frames as well there are three key frames");
}

/* Puts the 2x2 matrix into the first tkhd box of turned.mp4. */
static void set_matrix(int a, int b, int c, int d)
{
    static unsigned char file[1 << 20];
    const int value[9] = {a * 0x10000, b * 0x10000, 0, c * 0x10000, d * 0x10000, 0, 0, 0, 1 << 30};
    int fd = in_dir("turned.mp4", O_RDWR);
    ssize_t n = read(fd, file, sizeof(file));
    unsigned char *tkhd = memmem(file, n > 0 ? (size_t)n : 0, "tkhd", 4);
    unsigned char bytes[36];

    for (int i = 0; i < 36; i++)
        bytes[i] = (unsigned char)((unsigned)value[i / 4] >> (24 - 8 * (i % 4)));
    OK(tkhd && pwrite(fd, bytes, 36, tkhd - file + 44) == 36, "# matrix written");
    close(fd);
}

/* Where the red quarter, which lies at the top left of the source, goes by the matrix. */
static void test_turned(int a, int b, int c, int d)
{
    int x = -a - c, y = -b - d, red[3], blue[3];
    int w = a ? 320 : 240, h = a ? 240 : 320;
    /* blue lies at the top right */
    int bx = a - c, by = b - d;
    char name[64], size[32];

    set_matrix(a, b, c, d);
    json_decref(ladder("turned.mp4", 240, 0));
    snprintf(size, sizeof(size), "%d,%d", w, h);
    snprintf(name, sizeof(name), "matrix %d %d %d %d: size", a, b, c, d);
    IS_STR(probe("v", "stream=width,height"), size, name);
    pixel(x < 0 ? w / 4 : 3 * w / 4, y < 0 ? h / 4 : 3 * h / 4, red);
    pixel(bx < 0 ? w / 4 : 3 * w / 4, by < 0 ? h / 4 : 3 * h / 4, blue);
    snprintf(name, sizeof(name), "matrix %d %d %d %d: picture", a, b, c, d);
    OK(near_rgb(red, 255, 0, 0) && near_rgb(blue, 0, 0, 255), name);
}

static void test_rotation(void)
{
    make("-f lavfi -i color=red:s=160x120:d=0.2 -f lavfi -i color=blue:s=160x120:d=0.2 -f lavfi "
         "-i color=white:s=320x120:d=0.2 -filter_complex '[0][1]hstack[t];[t][2]vstack'" X264
         "-qp 1 $D/turned.mp4");
    for (int s = 0; s < 8; s++) {
        int first = s & 1 ? -1 : 1, second = s & 2 ? -1 : 1;

        if (s & 4)
            test_turned(0, first, second, 0);
        else
            test_turned(first, 0, 0, second);
    }
}

static void test_shapes(void)
{
    make("-f lavfi -i testsrc2=s=160x120:r=25:d=0.4 -vf setsar=2 " X264 "$D/ana.mp4");
    json_decref(ladder("ana.mp4", 720, 0));
    IS_STR(probe("v", "stream=width,height,sample_aspect_ratio"), "320,120,1:1",
           "anamorphic pictures get square pixels");
    make("-f lavfi -i testsrc2=s=161x121:r=25:d=0.4 -c:v ffv1 -pix_fmt yuv444p $D/odd.mkv");
    json_decref(ladder("odd.mkv", 720, 0));
    IS_STR(probe("v", "stream=width,height,pix_fmt,nb_read_frames"), "160,120,yuv420p,10",
           "odd sides become even, 4:4:4 becomes 4:2:0");
    make(TESTSRC "0.04 -frames:v 1 " X264 "$D/single.mp4");
    json_decref(ladder("single.mp4", 120, 0));
    IS_STR(probe("v", "stream=width,height,nb_read_frames,duration"), "160,120,0.040000,1",
           "one frame");
}

/* How alike out.mp4 and a film after a filter are, 0 to 1. */
static double likeness(const char *filter)
{
    return atof(shf("ffmpeg -nostdin -i $D/out.mp4 -i $D/fields.mpg -lavfi '[1]%s[x];[0][x]ssim' "
                    "-f null - 2>&1 | grep SSIM | sed 's/.*SSIM Y:\\([0-9.]*\\).*/\\1/'",
                    filter));
}

static void test_interlaced(void)
{
    make("-f lavfi -i testsrc2=s=320x240:r=50:d=2 -vf tinterlace=interleave_top,fieldorder=tff "
         "-c:v mpeg2video -q:v 2 -flags +ilme+ildct -top 1 $D/fields.mpg");
    json_t *report = ladder("fields.mpg", 240, 0);

    OK(likeness("bwdif=mode=send_frame") > 0.985, "fields are woven into whole pictures");
    OK(likeness("null") < 0.97, "which differ from both fields at once");
    OK(mt_json_int(report, "source.frames", 0) == 50, "one picture for each frame");
    json_decref(report);
}

static void test_vfr(void)
{
    char before[8192];

    make(TESTSRC "4 -vf \"select='lt(n,30)+not(mod(n,7))'\" -vsync vfr " X264 "$D/vfr.mkv");
    snprintf(before, sizeof(before), "%s",
             sh("ffprobe -v error -show_entries frame=pts_time -of csv=p=0 $D/vfr.mkv"));
    json_decref(ladder("vfr.mkv", 240, 0));
    OK(strlen(before) > 100, "a film of varying rate");
    IS_STR(sh("ffprobe -v error -show_entries frame=pts_time -of csv=p=0 $D/out.mp4"), before,
           "every frame keeps its time");
    IS_STR(sh("ffprobe -v error -show_entries packet=pts_time,flags -of csv=p=0 $D/out.mp4 | grep "
              "K | cut -d, -f1"),
           "0.000000\n2.240000", "the first frame after 2 s is a key frame");
}

/* When the sound sets in, and when the first picture is shown, in seconds of the file. */
static double onset(const char *file)
{
    return atof(shf("ffmpeg -nostdin -i $D/%s -af aresample=async=1:first_pts=0,"
                    "silencedetect=n=-40dB:d=0.1 -vn -f null - 2>&1 | grep -m1 silence_end | sed "
                    "'s/.*silence_end: \\([0-9.]*\\).*/\\1/'",
                    file));
}

static double first_picture(const char *file)
{
    return atof(shf("ffprobe -v error -select_streams v -show_entries frame=pts_time -of csv=p=0 "
                    "$D/%s | head -1",
                    file));
}

static void test_sync(void)
{
    make(TESTSRC "2 -itsoffset 0.7 " SINE "2 -map 0 -map 1" X264 "-c:a pcm_s16le $D/late.mkv");
    json_decref(ladder("late.mkv", 240, 0));
    OK(fabs(onset("out.mp4") - 0.7) < 0.01, "late sound stays late");
    OK(first_picture("out.mp4") == 0, "and the picture begins at 0");
    make(SINE "2 -itsoffset 0.5 " TESTSRC "2 -map 0 -map 1 -output_ts_offset 3" X264
              "-c:a pcm_s16le $D/late2.mkv");
    json_decref(ladder("late2.mkv", 240, 0));
    OK(fabs(first_picture("out.mp4") + 3 - first_picture("late2.mkv")) < 0.002,
       "a late picture stays late");
    OK(first_picture("out.mp4") > 0.4, "by half a second");
    IS_STR(probe("a", "stream=start_time"), "0.000000", "and the sound begins at 0");
}

static void test_sound(void)
{
    make(TESTSRC "1 -f lavfi -i aevalsrc='0.9|0.9|0.9|0.9|0.9|0.9:c=5.1:d=1' " X264
                 "-c:a pcm_s16le $D/five.mkv");
    json_decref(ladder("five.mkv", 120, 0));
    IS_STR(probe("a", "stream=profile,sample_rate,channels"), "LC,44100,2", "5.1 becomes stereo");
    OK(atof(sh("ffmpeg -nostdin -i $D/out.mp4 -vn -af astats=measure_perchannel=none -f null - "
               "2>&1 | grep 'Max level' | sed 's/.*: //'")) < 1.1,
       "and does not clip");
    make(TESTSRC "1 -f lavfi -i sine=r=8000:d=1 " X264 "-c:a pcm_s16le $D/phone.mkv");
    json_decref(ladder("phone.mkv", 120, 0));
    IS_STR(probe("a", "stream=sample_rate,channels"), "48000,1", "mono stays mono");
    OK(fabs(atof(probe("a", "stream=duration")) - 1) < 0.001, "all of it is there");
    make("-f lavfi -i \"testsrc2=s=160x120:d=2,setpts=PTS+gt(T\\,1)*4000/TB\" -f lavfi -i "
         "\"sine=d=2,asetpts=PTS+gt(T\\,1)*4000/TB\" -vsync 0" X264 "-c:a pcm_s16le $D/hole.mkv");
    json_decref(ladder("hole.mkv", 120, 0));
    OK(fabs(atof(probe("a", "stream=duration")) - 4002) < 0.1, "sound goes on after a long hole");
    make(SINE "1 -c:a aac $D/only.m4a");
    OK(!ladder("only.m4a", 120, 0) && err.code == MT_ERR_NOT_APPLICABLE, "sound only");
}

static void test_colors(void)
{
    int rgb[3];

    make("-f lavfi -i color=red@0.5:s=320x240:r=10:d=0.4,format=rgba -c:v png $D/alpha.mov");
    json_decref(ladder("alpha.mov", 240, 0));
    pixel(100, 100, rgb);
    OK(near_rgb(rgb, 128, 0, 0), "transparent pictures are shown on black");
    make("-f lavfi -i color=white:s=320x240:r=10:d=0.4 -c:v mjpeg -pix_fmt yuvj420p $D/full.avi");
    json_decref(ladder("full.avi", 240, 0));
    IS_STR(sh("ffmpeg -nostdin -v error -i $D/out.mp4 -frames:v 1 -vf crop=2:2 -pix_fmt yuv420p -f "
              "rawvideo - | "
              "od -An -tu1 | tr -s ' '"),
           " 235 235 235 235 128 128", "full range becomes limited");
    make("-f lavfi -i color=gray:s=320x240:r=10:d=0.4,format=yuv420p10le "
         "-vf setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc -c:v ffv1 "
         "-color_primaries bt2020 -colorspace bt2020nc -color_trc smpte2084 $D/hdr.mkv");
    IS_STR(sh("ffprobe -v error -show_entries stream=color_transfer -of csv=p=0 $D/hdr.mkv"),
           "smpte2084", "an HDR film");
    json_decref(ladder("hdr.mkv", 240, 0));
    IS_STR(probe("v", "stream=pix_fmt,color_range,color_space,color_transfer,color_primaries"),
           "yuv420p,tv,bt709,bt709,bt709", "HDR becomes SDR");
}

static void test_changes(void)
{
    make(TESTSRC "1 " SINE "1 -c:v mpeg2video -c:a mp2 -output_ts_offset 50 $D/a.ts");
    make("-f lavfi -i testsrc2=s=160x240:r=25:d=1 " SINE
         "1 -c:v mpeg2video -c:a mp2 -output_ts_offset 20 $D/b.ts");
    sh("cat $D/a.ts $D/b.ts >$D/joined.ts");
    json_t *report = ladder("joined.ts", 240, 0);

    OK(mt_json_int(report, "source.repaired.jumps", 0) == 1, "a clock that starts over is noticed");
    OK(mt_json_int(report, "source.frames", 0) ==
           atoi(sh("ffprobe -v error -count_frames -select_streams v -show_entries "
                   "stream=nb_read_frames -of csv=p=0 $D/joined.ts | tr -d ,")),
       "no frame that decodes is lost");
    OK(fabs(atof(probe("v", "format=duration")) - 2) < 0.1, "the halves follow each other");
    IS_STR(probe("v", "stream=width,height"), "320,240", "a change of size is scaled away");
    test_decodes("and it decodes");
    json_decref(report);
}

static void test_damage(void)
{
    int fd;
    char rubbish[4096];

    make(TESTSRC "3 -c:v libx264 -preset ultrafast -g 10 $D/bad.ts");
    fd = in_dir("bad.ts", O_RDWR);
    for (size_t i = 0; i < sizeof(rubbish); i++)
        rubbish[i] = (char)(i * 2654435761u >> 7);
    for (off_t at = 40000; at < 200000; at += 40000)
        OK(pwrite(fd, rubbish, sizeof(rubbish), at) == sizeof(rubbish), "# damaged");
    close(fd);
    json_t *report = ladder("bad.ts", 120, 0);
    OK(mt_json_int(report, "source.errors", 0) > 0, "errors are counted");
    OK(mt_json_int(report, "source.frames", 0) > 50, "and decoding goes on");
    test_decodes("what comes out is sound");
    json_decref(report);
}

static int stop(void *ctx, int64_t done_us, int64_t total_us)
{
    (void)done_us;
    *(int64_t *)ctx = total_us;
    return 1;
}

static void test_failures(void)
{
    struct mt_av_rendition r = {.name = "x", .height_px = 120, .crf = 23, .audio_bps = 64000};
    struct mt_av_transcode spec = spec_of(&r, 1);
    int fd = in_dir("plain.mp4", O_RDONLY);
    int64_t total = 0;

    r.fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    OK(!mt_av_transcode(fd, &spec, &err) && err.code == MT_ERR_NO_SPACE, "a full disk");
    close(r.fd);
    r.fd = in_dir("out.mp4", O_RDWR | O_CREAT | O_TRUNC);
    spec.progress = (struct mt_av_progress){.tell = stop, .ctx = &total};
    OK(!mt_av_transcode(fd, &spec, &err) && err.code == MT_ERR_CANCELLED, "cancelled");
    OK(total >= 5000000, "the length was told");
    spec.progress.tell = NULL;
    spec.preset = "nonsense";
    OK(!mt_av_transcode(fd, &spec, &err) && err.code == MT_ERR_USAGE, "no such preset");
    close(fd);
    close(r.fd);
}

static void write_chapters(void)
{
    static const char text[] = ";FFMETADATA1\ntitle=A title\ncomment=private\ncopyright=Nobody\n"
                               "location=+30.0+031.0/\n"
                               "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=Begin\n"
                               "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=5000\ntitle=End\n";
    int fd = in_dir("meta", O_WRONLY | O_CREAT);

    OK(write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1, "# metadata");
    close(fd);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%s/mt-transcode-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(dir) || setenv("D", dir, 1) < 0) {
        perror(dir);
        return 1;
    }
    mt_av_log_capture();
    write_chapters();
    test_fit();
    test_ladder();
    test_high();
    test_rotation();
    test_shapes();
    test_interlaced();
    test_vfr();
    test_sync();
    test_sound();
    test_colors();
    test_changes();
    test_damage();
    test_failures();
    sh("rm -rf \"$D\"");
    return tap_done();
}
