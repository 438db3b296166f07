/* SPDX-License-Identifier: GPL-2.0-or-later */
/* av_attack.c - files that want another file opened: none is. */
#include "av/probe.h"
#include "base/file.h"
#include "base/mem.h"

#include "../tap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { PER_FILE_S = 30 };

static char dir[PATH_MAX], canary[PATH_MAX + 16];
static int watch = -1;

/* How often somebody opened the canary since the last question. */
static int opens(void)
{
    char events[4096];
    ssize_t n = read(watch, events, sizeof(events));

    return n > 0 ? (int)(n / (ssize_t)sizeof(struct inotify_event)) : 0;
}

static int write_file(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -1 : mt_write_all(fd, data, n);

    if (fd >= 0)
        close(fd);
    return rc;
}

static int count_fds(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Probes and checks the bytes; the canary stays closed, and no descriptor is left. */
static void attack(const char *title, const void *data, size_t n, bool must_refuse)
{
    char *path = mt_asprintf("%s/attack.mp4", dir);
    struct mt_err err = {0};

    OK(write_file(path, data, n) == 0, "write the attack");
    int fd = open(path, O_RDONLY | O_CLOEXEC), before = count_fds();
    opens();
    alarm(PER_FILE_S);
    json_t *j = mt_av_probe(fd, &(struct mt_av_probe){.limits = &mt_av_default_limits}, &err);
    json_t *k = mt_av_check(fd, &mt_av_default_limits, NULL, &err);
    alarm(0);
    OK(opens() == 0, title);
    OK(count_fds() == before, "no descriptor is left");
    if (must_refuse && !OK(!j && !k, "and it is refused"))
        printf("# %s was accepted\n", title);
    if (must_refuse && !j)
        printf("# %s: %s\n", mt_code_name(err.code), err.msg);
    json_decref(j);
    json_decref(k);
    close(fd);
    free(path);
}

static void attack_text(const char *title, const char *fmt)
{
    char *text = mt_asprintf(fmt, canary, canary);

    attack(title, text, strlen(text), true);
    free(text);
}

static void le32(char *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(v >> 8 * i & 0xFF);
}

static void be32(char *p, size_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(v >> (24 - 8 * i) & 0xFF);
}

static size_t get_be32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (size_t)u[0] << 24 | (size_t)u[1] << 16 | (size_t)u[2] << 8 | u[3];
}

static char *put(char *p, const void *data, size_t n)
{
    memcpy(p, data, n);
    return p + n;
}

/* A playlist inside the subtitle chunk (GAB2) of an AVI. */
static void attack_avi(void)
{
    char file[2048] = {0}, list[1024], *p = file;
    int len = snprintf(list, sizeof(list),
                       "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n"
                       "file://%s\n#EXT-X-ENDLIST\n",
                       canary);
    size_t n = len > 0 && len < 900 ? (size_t)len : 0, chunk = 23 + n;

    p = put(p, "RIFF\0\0\0\0AVI LIST\x98\0\0\0hdrlavih\x38\0\0\0", 32);
    le32(p, 40000);
    p[12] = 0x10;
    p[16] = p[24] = 1;
    p += 56;
    p = put(p, "LIST\x4C\0\0\0strlstrh\x38\0\0\0txts", 24);
    p[16] = p[20] = p[28] = 1;
    p += 52;
    p = put(p, "strf\0\0\0\0LIST", 12);
    le32(p, 4 + 8 + chunk);
    p = put(p + 4, "movi00tx", 8);
    le32(p, chunk);
    p = put(p + 4, "GAB2\0\2\0\4\0\0\0a\0\0\0\4\0", 17);
    le32(p, n);
    p = put(p + 4, list, n);
    p += 2;
    le32(file + 4, (size_t)(p - file) - 8);
    attack("AVI with a playlist as subtitle", file, (size_t)(p - file), true);
}

static char *find(char *data, size_t n, const char *type)
{
    char *p = memmem(data, n, type, 4);

    return p ? p - 4 : NULL;
}

/* A film whose track says that its media is in another file ('alis' data reference). */
static void attack_reference(void)
{
    static const char *const parents[] = {"moov", "trak", "mdia", "minf", "dinf", "dref"};
    char *cmd = mt_asprintf("cd '%s' && ffmpeg -v error -nostdin -y -f lavfi -i "
                            "testsrc2=s=64x64:d=1 -c:v mpeg4 film.mov </dev/null",
                            dir);
    char *path = mt_asprintf("%s/film.mov", dir), alias[1024] = {0};
    struct mt_err err;
    struct mt_buf buf;

    mt_buf_init(&buf, 1 << 24);
    OK(system(cmd) == 0 && mt_read_file(path, &buf, &err) == 0, "a film is made");
    size_t name = strlen(canary), n = 12 + 150 + 4 + ((name + 1) & ~(size_t)1) + 4;
    be32(alias, n);
    memcpy(alias + 4, "alis", 4);
    alias[12 + 137] = 1; /* nlvl_from, nlvl_to */
    alias[12 + 135] = 1;
    alias[12 + 150 + 1] = 18; /* an absolute path follows */
    alias[12 + 150 + 3] = (char)name;
    memcpy(alias + 12 + 150 + 4, canary, name);
    memset(alias + n - 4, 0xFF, 2);
    char *dref = find(buf.data, buf.len, "dref");
    if (OK(dref != NULL && name < 250, "it has a data reference")) {
        size_t at = (size_t)(dref - buf.data), old = get_be32(dref + 16);
        for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
            char *box = find(buf.data, buf.len, parents[i]);
            if (box)
                be32(box, get_be32(box) + n - old);
        }
        char *out = mt_alloc(buf.len + n);
        char *p = put(out, buf.data, at + 16);
        p = put(p, alias, n);
        p = put(p, buf.data + at + 16 + old, buf.len - at - 16 - old);
        attack("MOV with a data reference", out, (size_t)(p - out), false);
        free(out);
    }
    mt_buf_free(&buf);
    free(path);
    free(cmd);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof(dir), "%s/av_attack.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (!mkdtemp(dir) || watch < 0 || system("ffmpeg -version >/dev/null 2>&1") != 0) {
        printf("1..0 # SKIP no temporary directory, inotify or ffmpeg\n");
        return 0;
    }
    mt_av_log_capture();
    snprintf(canary, sizeof(canary), "%s/canary.ts", dir);
    char *cmd = mt_asprintf("ffmpeg -v error -nostdin -y -f lavfi -i testsrc2=s=64x64:d=1 "
                            "-c:v mpeg2video '%s' </dev/null",
                            canary);
    OK(system(cmd) == 0, "a canary is made");
    free(cmd);
    OK(inotify_add_watch(watch, canary, IN_OPEN) >= 0, "and watched");
    close(open(canary, O_RDONLY | O_CLOEXEC));
    OK(opens() == 1, "the watch sees an open");

    attack_text("HLS playlist", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://%s\n"
                                "#EXTINF:10,\n%s\n#EXT-X-ENDLIST\n");
    attack_text("HLS key", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,"
                           "URI=\"%s\"\n#EXTINF:10,\n%s\n#EXT-X-ENDLIST\n");
    attack_text("concat script", "ffconcat version 1.0\nfile '%s'\nfile '%s'\n");
    attack_text("DASH manifest",
                "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                "profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\" type=\"static\">\n"
                "<Period><AdaptationSet><Representation id=\"1\" bandwidth=\"1\"><BaseURL>%s"
                "</BaseURL></Representation></AdaptationSet></Period><!-- %s --></MPD>\n");
    attack_text("SDP", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=%s\nc=IN IP4 127.0.0.1\nt=0 0\n"
                       "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\na=x:%s\n");
    attack_text("SVG", "<?xml version=\"1.0\"?>\n<!DOCTYPE svg [<!ENTITY x SYSTEM \"file://%s\">]>"
                       "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                       "xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"9\" height=\"9\">"
                       "<image xlink:href=\"file://%s\" width=\"9\" height=\"9\"/>&x;</svg>\n");
    attack_avi();
    attack_reference();

    cmd = mt_asprintf("rm -rf '%s'", dir);
    OK(system(cmd) == 0, "clean up");
    free(cmd);
    return tap_done();
}
