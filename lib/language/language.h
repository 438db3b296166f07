/* SPDX-License-Identifier: GPL-2.0-or-later */
/* language.h - which language a name or a text is in. */
#ifndef MT_LANGUAGE_LANGUAGE_H
#define MT_LANGUAGE_LANGUAGE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The ISO 639-1 code of a language that a model names in English ("arabic", "Egyptian Arabic" is
 * none), in any case; a code or tag ("ar", "ar-EG", "yue") is given back as it is, its first
 * subtag in lower case. The deprecated "iw", "in", "ji" and Whisper's "jw" become those of today;
 * codes of three letters (ISO 639-2) become those of two where there are any.
 * "" for what is neither, and for "und". out has room for 16 bytes. Returns out.
 */
char *mt_language_code(const char *name, char out[16]);

/*
 * How many letters of the text are Arabic, Latin and of any other script (Unicode blocks; marks
 * and digits are not counted).
 */
struct mt_language_letters {
    int64_t arabic, latin, other;
};
struct mt_language_letters mt_language_letters(const char *text);

/*
 * What the script of the text says, as far as it says anything: "ar", "en", or NULL when it has
 * fewer than three letters or no script has two thirds of them. A guess between these two alone:
 * Persian is written in Arabic letters too, French in Latin ones.
 */
const char *mt_language_by_script(const char *text);

/* Whether the code's first subtag is one of a language written from right to left. */
bool mt_language_is_rtl(const char *code);

#endif
