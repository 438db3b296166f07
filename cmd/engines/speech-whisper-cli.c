/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * speech-whisper-cli.c - speech to text by the whisper-cli of whisper.cpp, offline.
 *
 * Its options stand in media-engine(7). Loading a model takes longer than a sentence, so that one
 * process gets many pieces of the sound, each a file; what it writes beside each is read as soon
 * as it is whole.
 */
#include "asr/asr.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine-kit/kit.h"
#include "engine-kit/pieces.h"
#include "json/json.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GAP_S 2.0

/* Whisper looks at 30 s at a time. */
enum { BATCH = 64, LENGTH_S = 30, OUTPUT_MAX = 32 << 20, ARGS = 24 };

struct batch {
    const json_t *task, *options;
    const struct mt_kit_piece *pieces;
    size_t n, first, in_all; /* first: number of pieces[0] among all */
    size_t done;
    pid_t pid;
};

/* The program as execve() wants it: an absolute path, or what PATH has. free() it; NULL: none. */
static char *find_program(const json_t *options)
{
    const char *name = mt_json_str(options, "program", "whisper-cli");
    const char *path = getenv("PATH");

    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? mt_strdup(name) : NULL;
    while (path && *path) {
        char *full = mt_asprintf("%.*s/%s", (int)strcspn(path, ":"), path, name);
        if (access(full, X_OK) == 0)
            return full;
        free(full);
        path += strcspn(path, ":");
        path += *path == ':';
    }
    return NULL;
}

/*
 * Why the file cannot be a model, or NULL. Models begin with the number 0x67676d6c and eleven more,
 * of which the first is how many tokens there are and the seventh how many values each has. They
 * are stored, so a file with less than two bits for each has no weights: whisper.cpp would hear
 * nothing.
 */
static const char *whats_wrong(const char *model)
{
    uint32_t head[12] = {0};
    int fd = open(model, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : mt_read_full(fd, head, sizeof head);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

    mt_fd_close(&fd);
    if (n < 0)
        return "cannot be read";
    if (n != sizeof head || le32toh(head[0]) != 0x67676d6c)
        return "is no model of whisper.cpp";
    return (uint64_t)size < (uint64_t)le32toh(head[1]) * le32toh(head[7]) / 4 ? "has no weights"
                                                                              : NULL;
}

static void lacks(json_t *doc, const char *hint, const char *fmt, const char *a, const char *b)
{
    char *missing = mt_asprintf(fmt, a, b);

    json_object_set_new(doc, "ready", json_false());
    json_object_set_new(doc, "missing", mt_json_text(missing));
    json_object_set_new(doc, "hint", json_string(hint));
    free(missing);
}

static json_t *about(const json_t *options)
{
    const char *model = mt_json_str(options, "model", "");
    const char *slash = strrchr(model, '/');
    char *version = mt_asprintf("1 %s", slash ? slash + 1 : model);
    char *printable = mt_text_printable(version, 200);
    char *program = find_program(options);
    json_t *doc = json_pack("{s:i, s:s, s:o, s:[s], s:[s], s:{s:s, s:i}, s:i}", "protocol", 1,
                            "name", "speech-whisper-cli", "version", mt_json_text(printable),
                            "types", "transcription", "languages", "*", "needs", "input", "audio",
                            "rate_hz", 16000, "preference", 10);

    if (!program)
        lacks(doc,
              "build whisper.cpp and set engines.speech-whisper-cli.program to its whisper-cli",
              "the program '%s'%s", mt_json_str(options, "program", "whisper-cli"), "");
    else if (*model != '/')
        lacks(doc,
              "set engines.speech-whisper-cli.model to the absolute path of a ggml model of "
              "whisper.cpp",
              "a model%s%s", "", "");
    else if (whats_wrong(model))
        lacks(doc, "fetch one with whisper.cpp's models/download-ggml-model.sh", "a model: '%s' %s",
              model, whats_wrong(model));
    free(program);
    free(version);
    free(printable);
    return doc;
}

static void name_of(size_t i, const char *ext, char name[32])
{
    snprintf(name, 32, "piece-%03zu.wav%s", i, ext);
}

static int write_pieces(const struct batch *batch, struct mt_err *err)
{
    for (size_t i = 0; i < batch->n; i++) {
        char name[32];
        size_t bytes = 0;
        void *wav = mt_kit_wav(batch->task, &batch->pieces[i], &bytes, err);
        if (!wav)
            return -1;
        name_of(i, "", name);
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int ret = fd < 0 ? -1 : mt_write_all(fd, wav, bytes);
        mt_fd_close(&fd);
        free(wav);
        if (ret < 0)
            return mt_fail_errno(err, "cannot hand over a piece of sound");
    }
    return 0;
}

static _Noreturn void become(const char *const *argv)
{
    int words = open("words", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

    if (words < 0 || dup2(words, STDOUT_FILENO) < 0 || dup2(words, STDERR_FILENO) < 0)
        _exit(127);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    dprintf(STDERR_FILENO, "%s\n", strerror(errno));
    _exit(127);
}

static int start(struct batch *batch, struct mt_err *err)
{
    const char *language = mt_kit_only_language(batch->task);
    const char *prompt = mt_json_str(batch->options, "prompt", NULL);
    const char *argv[ARGS + 2 * BATCH];
    char names[BATCH][32], short_code[16] = "auto";
    char *program = find_program(batch->options);
    int n = 0;

    if (!program) {
        mt_fail(err, MT_ERR_UNAVAILABLE, "there is no whisper-cli");
        return mt_hint(err, "set engines.speech-whisper-cli.program to it");
    }
    if (language)
        snprintf(short_code, sizeof short_code, "%.*s", (int)strcspn(language, "-"), language);
    argv[n++] = program;
    argv[n++] = "-m", argv[n++] = mt_json_str(batch->options, "model", "");
    argv[n++] = "-l", argv[n++] = short_code;
    argv[n++] = "-ojf", argv[n++] = "-np";
    if (mt_json_str(batch->options, "threads", NULL))
        argv[n++] = "-t", argv[n++] = mt_json_str(batch->options, "threads", NULL);
    if (prompt)
        argv[n++] = "--prompt", argv[n++] = prompt;
    for (size_t i = 0; i < batch->n; i++) {
        name_of(i, "", names[i]);
        argv[n++] = "-f", argv[n++] = names[i];
    }
    argv[n] = NULL;
    batch->pid = fork();
    if (batch->pid == 0)
        become(argv);
    free(program);
    return batch->pid < 0 ? mt_fail_errno(err, "cannot start whisper-cli") : 0;
}

/* What it wrote about piece i: 1 and the findings said, 0 if it is not there. */
static int take(struct batch *batch, size_t i, struct mt_err *err)
{
    const struct mt_kit_piece *at = &batch->pieces[i];
    double length = at->end_s - at->start_s;
    struct mt_buf buf;
    char name[32];
    json_t *segments = NULL, *segment;
    size_t k;
    int ret = -1;

    name_of(i, ".json", name);
    if (access(name, F_OK) < 0)
        return 0;
    mt_buf_init(&buf, OUTPUT_MAX);
    if (mt_read_file(name, &buf, err) < 0 ||
        !(segments = mt_asr_whispercpp(buf.data ? buf.data : "", buf.len, err)))
        goto out;
    mt_asr_fit(segments, at->start_s, length);
    json_array_foreach(segments, k, segment)
    {
        if (mt_kit_finding(json_incref(segment), err) < 0)
            goto out;
    }
    unlink(name);
    name_of(i, "", name);
    unlink(name);
    batch->done++;
    ret = mt_kit_progress((double)(batch->first + batch->done) / (double)batch->in_all, err) < 0
              ? -1
              : 1;
out:
    if (ret < 0 && err->code == MT_ERR_BUSY)
        err->code = MT_ERR_FAILED; /* a file does not become whole by waiting */
    json_decref(segments);
    mt_buf_free(&buf);
    return ret;
}

/* The last line of what it said, for a message. free() it. */
static char *last_words(void)
{
    struct mt_buf buf;
    struct mt_err ignored;
    char *out;

    mt_buf_init(&buf, 1 << 20);
    if (mt_read_file("words", &buf, &ignored) < 0 || buf.len == 0) {
        out = mt_strdup("it does not say why");
    } else {
        while (buf.len > 0 && strchr("\r\n ", buf.data[buf.len - 1]))
            buf.data[--buf.len] = '\0';
        char *line = strrchr(buf.data, '\n');
        out = mt_text_printable(line ? line + 1 : buf.data, 300);
    }
    mt_buf_free(&buf);
    return out;
}

static int judge(const struct batch *batch, int status, struct mt_err *err)
{
    char *words;

    if (batch->done == batch->n && status == 0)
        return 0;
    words = last_words();
    if (WIFSIGNALED(status))
        mt_fail(err, MT_ERR_FAILED, "whisper-cli died of signal %d: %s", WTERMSIG(status), words);
    else if (WEXITSTATUS(status) != 0)
        mt_fail(err, MT_ERR_FAILED, "whisper-cli ended with status %d: %s", WEXITSTATUS(status),
                words);
    else
        mt_fail(err, MT_ERR_FAILED, "whisper-cli wrote nothing about %zu of %zu pieces: %s",
                batch->n - batch->done, batch->n, words);
    free(words);
    return mt_hint(err, "run whisper-cli with this model by hand; it must know -ojf");
}

static int run_batch(struct batch *batch, struct mt_err *err)
{
    int status = 0, ret = 0;
    pid_t ended = 0;

    if (write_pieces(batch, err) < 0 || start(batch, err) < 0)
        return -1;
    while (ret >= 0 && !ended) {
        char next[32];
        ended = waitpid(batch->pid, &status, WNOHANG);
        name_of(batch->done + 1, ".json", next);
        /* The file of one piece is whole when that of the next is begun. */
        if (batch->done + 1 < batch->n && access(next, F_OK) == 0)
            ret = take(batch, batch->done, err);
        else if (!ended)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (!ended) {
        kill(batch->pid, SIGKILL);
        waitpid(batch->pid, &status, 0);
        return -1;
    }
    while (ret >= 0 && batch->done < batch->n && (ret = take(batch, batch->done, err)) > 0)
        continue;
    return ret < 0 ? -1 : judge(batch, status, err);
}

static int run(const json_t *task, struct mt_err *err)
{
    size_t n = 0;
    struct mt_kit_piece *pieces = mt_kit_pieces(task, LENGTH_S, GAP_S, &n);
    int ret = 0;

    for (size_t i = 0; i < n && ret == 0; i += BATCH) {
        struct batch batch = {.task = task,
                              .options = json_object_get(task, "options"),
                              .pieces = pieces + i,
                              .n = n - i < BATCH ? n - i : BATCH,
                              .first = i,
                              .in_all = n};
        ret = run_batch(&batch, err);
    }
    free(pieces);
    return ret;
}

int main(int argc, char **argv)
{
    static const struct mt_kit_engine engine = {about, run};

    return mt_kit_main(&engine, argc, argv);
}
