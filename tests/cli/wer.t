#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# wer.t - the word error rate of transcripts, English and Arabic.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit

# rate REFERENCE HYPOTHESIS WER NAME
rate() {
    printf '%s\n' "$1" >want
    printf '%s\n' "$2" >got
    run "$MT_TOP/scripts/word-error-rate" want got
    json_is .wer "$3" "$4"
}
rate 'And so, my fellow Americans:' 'and so my fellow americans' 0 'case and punctuation do not count'
rate 'one two three four' 'one too three' 0.5 'a word wrong, a word missing'
json_is '[.substituted, .deleted, .inserted] | join(" ")' '1 1 0' 'told apart'
rate 'one two' 'one and two' 0.5 'a word too many'
rate 'one' 'two three four' 3 'it may be more than one'
rate '' 'words' null 'without a reference there is none'
rate "don’t" "don't" 0 'apostrophes'
rate 'إلى المدرسةِ الكُبرى' 'الي المدرسه الكبري' 0 'spellings of Arabic that are used for each other'
rate 'مرحـــبا، كيف الحال؟' 'مرحبا كيف الحال' 0 'tatweel and Arabic marks'
rate 'في عام ٢٠٢٦' 'في عام 2026' 0 'digits of both kinds'
rate 'قلب كبير' 'كلب كبير' 0.5 'other letters are other words'
done_testing
