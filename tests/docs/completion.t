#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# completion.t - what bash, zsh and fish offer after a program's name.
. "$(dirname "$0")/../tap.sh"

shells='bash zsh fish'
has() { command -v "$1" >/dev/null; }
for s in $shells; do
    ok "$s is installed" has "$s"
done

# Words of the line become arguments; the last is the one to complete.
offer_bash() {
    bash --norc -c '
        compopt() { :; }
        . "$MT_TOP/completions/bash/$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "$(complete -p "$1" | sed -n "s/.*-F \([^ ]*\).*/\1/p")"
        printf "%s\n" "${COMPREPLY[@]}"' _ "$@" | sed 's/ $//'
}

offer_fish() {
    # shellcheck disable=SC2016
    fish --no-config -c 'source $argv[1]; complete -C $argv[2]' \
        "$MT_TOP/completions/fish/$1.fish" "$*" | cut -f1
}

# zsh completes only in its line editor: one runs on a pseudo-terminal, and compadd
# notes what it is given.
offer_zsh() {
    local t
    t=$(mktemp -d "$T/zsh.XXXXXX")
    cat >"$t/init" <<ZSH
fpath=($MT_TOP/completions/zsh \$fpath)
autoload -Uz compinit
compinit -u -D
PROMPT=
zstyle ':completion:*' insert-tab false
compadd() {
    if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
        local -a hit
        builtin compadd -A hit "\$@"
        print -rl -- \$hit >>$t/hits
    fi
    builtin compadd "\$@"
}
comppostfuncs=(post)
post() { : >$t/done }
bindkey '^I' complete-word
: >$t/ready
ZSH
    # shellcheck disable=SC2016
    zsh -f -c '
        zmodload zsh/zpty zsh/zselect
        zpty -b z zsh -f -i
        zpty -w z "source $1/init"
        repeat 400; do [[ -e $1/ready ]] && break; zpty -rt z _l; zselect -t 5; done
        zpty -w -n z "$2"$'\''\t'\''
        repeat 400; do [[ -e $1/done ]] && break; zpty -rt z _l; zselect -t 5; done
        zpty -d z' _ "$t" "$*" >/dev/null 2>&1
    [ ! -e "$t/hits" ] || sort -u "$t/hits" | sed '/^$/d'
}

# offers SHELL NAME WANTED WORD...: exactly these, in any order
offers() {
    local shell=$1 name=$2 wanted=$3
    shift 3
    is "$("offer_$shell" "$@" | sort -u | tr '\n' ' ')" "$wanted" "$shell: $name" ||
        diag "$(ls "$MT_TOP/completions/$shell")"
}

cd "$T" || exit 1
touch film.mp4
for p in $(programs); do
    for s in $shells; do
        all=$("$p" --cli-spec=json | jq -r '.options[] | "--" + .name' | sort -u | tr '\n' ' ')
        offers "$s" "$p: all its options" "$all" "$p" --
        [ "$s:$p" = zsh:media-probe ] || [ "$s" != zsh ] || continue
        offers "$s" "$p: values of a choice" 'auto bar json none plain ' "$p" --progress ''
        offers "$s" "$p: files for an option that takes one" 'film.mp4 ' "$p" --config 'fi'
    done
    offers bash "$p: nothing for free text" ' ' "$p" --db x
    offers bash "$p: also after =" 'never ' "$p" --color = n
    offers fish "$p: also after =" '--color=never ' "$p" --color=n
done
for s in $shells; do
    offers "$s" 'files for operands' 'film.mp4 ' media-ingest 'fi'
    offers "$s" 'commands' 'job jobs ' media-status jo
    offers "$s" 'options of a command' '--since ' media-status report --si
    offers "$s" 'not those of another' "$([ "$s" != bash ] || echo ' ')" media-status queue --si
    offers "$s" 'values of its choices' 'ar en ' media-status report --lang ''
    offers "$s" 'types that are only usual' 'thumbnail transcode ' media-status jobs --type t
done
# Lists: shells differ in whether they show what stands before the last comma.
for s in $shells; do
    is "$("offer_$s" media-transcode -q '' | sort | tr '\n' ' ')" \
        '1080p 1440p 144p 2160p 240p 360p 480p 720p audio auto source ' "$s: qualities"
    is "$("offer_$s" media-transcode -q 1080p,7 | sed 's/.*,//' | sort -u | grep -x 720p)" 720p "$s: and the next one"
    is "$("offer_$s" media-analyze -t loudness,sc | sed 's/.*,//' | grep -x scenes)" scenes "$s: types of analysis"
    is "$("offer_$s" media-thumbs --format we | sed 's/.*,//')" webp "$s: picture formats"
done

# --- ids, asked of media-status; the rest moves and locks a file
if on_postgresql; then done_testing; fi
for s in $shells; do
    is "$("offer_$s" media-status job 'zz')" '' "$s: without a database there are no ids"
done
make-media "$media" clip.mp4 && cp "$media/clip.mp4" .
asset=$(media-ingest clip.mp4 2>/dev/null | jq -r .asset.id)
job=$(media-status jobs | jq -r .job_id)
for s in $shells; do
    offers "$s" 'ids of jobs' "$job " media-status job "${job:0:3}"
    offers "$s" 'ids of assets' "$asset " media-status report "${asset:0:3}"
    offers "$s" 'ids for an option' "$asset " media-status jobs --asset "${asset:0:3}"
    offers "$s" 'ids besides files' "$asset " media-thumbs "${asset:0:3}"
done
mv "$db" "$T/another.db"
for s in $shells; do
    offers "$s" 'ids of the database named before' "$job " media-status --db "sqlite://$T/another.db" job "${job:0:3}"
    is "$("offer_$s" media-status --db "sqlite://$T/none.db" job "${job:0:3}")" '' "$s: and of no other"
    [ "$s" = bash ] || offers "$s" 'also after =' "$asset " media-status "--db=sqlite://$T/another.db" asset "${asset:0:3}"
done
offers bash 'words as bash cuts them' "$job " media-status --db = sqlite : "//$T/another.db" job "${job:0:3}"
offers bash 'and quotes' "$job " media-status --db "'sqlite" : "//$T/another.db'" job "${job:0:3}"
mv "$T/another.db" "$db"
# A database that does not answer holds nobody up for long.
mkfifo "$T/.hold"
sqlite3 "$db" <"$T/.hold" >"$T/.held" 2>&1 &
exec 9>"$T/.hold"
echo 'BEGIN EXCLUSIVE; SELECT 1;' >&9
for _ in $(seq 100); do [ -s "$T/.held" ] && break; sleep 0.05; done
SECONDS=0
is "$(offer_bash media-status job "${job:0:3}")" '' 'a locked database has no ids'
between "$SECONDS" 0 6 'and one does not wait long to hear it'
exec 9>&-
wait

# With the prefix and the flags of the build: with others programs would be made anew, while other
# tests run them.
make=${MT_MAKE:-make O=$MT_BUILD}
# shellcheck disable=SC2086
run $make -s -C "$MT_TOP" install DESTDIR="$T/root"
exits 0 'make install'
for f in bash-completion/completions/media-status zsh/site-functions/_media-status \
    fish/vendor_completions.d/media-status.fish; do
    ok "installs $f" test -f "$T/root/usr/local/share/$f"
done
# shellcheck disable=SC2086
like "$($make -n -C "$MT_TOP" install PREFIX=/usr)" '/usr/share/zsh/vendor-completions' \
    'and in /usr where zsh of Debian looks there'
done_testing
