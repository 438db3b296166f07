#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# page.t - the page in a real browser, before real nginx, media-api and a supervisor. From left to
# right here; page-ar.t is the same from right to left.
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/api.sh
. "$(dirname "$0")/../api.sh"
# shellcheck source=tests/site.sh
. "$(dirname "$0")/../site.sh"
[ -z "${MT_QUICK-}" ] || skip_rest 'a browser, for the quick tests'
language=${MT_PAGE_LANGUAGE:-en}
site_tools
for tool in chromium chromedriver python3; do
    command -v $tool >/dev/null || skip_rest "$tool is not installed"
done

cd "$T" || exit 1
worker=
at_exit() {
    [ -z "$worker" ] || { kill "$worker" 2>/dev/null; wait "$worker"; }
    site_stop
}
api_setup

# --- every word in both languages, and no script or style that the policy would refuse
www=$MT_TOP/share/www
keys_of() { sed -n "/^    $1: {/,/^    },/p" "$www/words.js" | grep -oE "(^|[ {,])('[a-z.-]+'|[a-z_]+): '" | tr -d " {,:'" | sort; }
is "$(keys_of ar)" "$(keys_of en)" 'each word is there in both languages'
isnt "$(keys_of en | wc -l)" 0 'and there are words'
is "$(keys_of en | uniq -d)" '' 'none twice'
used=$(grep -ohE "\bt\('[a-z_.]+'" "$www"/*.js | sed "s/t('//; s/'//" | sort -u)
is "$(comm -23 <(echo "$used") <(keys_of en))" '' 'all that are used'
while read -r kind; do
    keys_of ar | grep -qx "p.$kind" || fail "problem '$kind' has no title"
    keys_of ar | grep -qx "m.$kind" || fail "problem '$kind' has no meaning"
done < <(sed -n 's/^    {"\([a-z-]*\)", [0-9]*,.*/\1/p' "$MT_TOP/lib/http/problem.c")
is "$(keys_of ar | grep -c '^m\.')" "$(grep -c '^    {"[a-z-]*", [0-9]' "$MT_TOP/lib/http/problem.c")" 'each kind of problem is told in the language of the page'
is "$(grep -lE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|style="|onclick="|https?://' "$www"/*.js "$www/index.html")" '' \
    'no markup in strings, nothing from elsewhere'

# --- a film with words in both languages
printf '1\n00:00:00,500 --> 00:00:04,000\nمرحبا بكم\n\n' >ar.srt
printf '1\n00:00:00,500 --> 00:00:04,000\nhello there\n\n' >en.srt
ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=s=640x360:r=25:d=6,noise=alls=50:allf=t" -f lavfi -i sine=r=48000:d=6 \
    -i ar.srt -i en.srt -map 0 -map 1 -map 2 -map 3 -c:v libx264 -preset ultrafast -b:v 16M -pix_fmt yuv420p -c:a aac -c:s srt \
    -metadata:s:s:0 language=ara -metadata:s:s:1 language=eng film.mkv || diag 'ffmpeg failed'
film='a film.mkv'
[ "$language" = en ] || film='فيلم قصير.mkv'
mv film.mkv "$film"

site_install ''
site_api --rate 0
ok 'nginx and media-api start' site_nginx || diag "$(cat "$site/error.log")"
MEDIA_QUALITY=240p,144p MEDIA_PRESET=ultrafast \
    media-queue work -j2 >"$T/worker.log" 2>&1 &
worker=$!

shots=${MEDIA_TEST_SHOTS:-$T/shots}
mkdir -p "$shots" home
HOME=$T/home XDG_CONFIG_HOME=$T/home XDG_CACHE_HOME=$T/home timeout 270 "$MT_TOP/tests/page-flows" "$language" "$url" \
    "$(token "page-$language" operator)" "$T/$film" "$shots" "$(free_port)" >"$T/flows" 2>&1
is "$?" 0 'the flows end' || diag "$(tail -n 5 "$T/flows")" "$(tail -n 5 "$T/worker.log")"
while IFS= read -r line; do
    case $line in
    'ok '*) pass "${line#ok }" ;;
    'not ok '*) fail "${line#not ok }" ;;
    *) diag "$line" ;;
    esac
done <"$T/flows"
sanitized "$site/api.log" 'media-api'
is "$(grep -c ' 5[0-9][0-9] ' "$site/error.log")" 0 'nginx had no errors' || diag "$(tail -n 5 "$site/error.log")"
done_testing
