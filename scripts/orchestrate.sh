# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# orchestrate.sh - from files in folders to jobs in the queue; media-orchestrate sources it.

# --- what is there

declare -gA seen # key of a file -> done or refused; a job whose end was dealt with
ledger=''

read_ledger() {
    local key what
    seen=()
    [ -e "$ledger" ] || return 0
    while read -r key what; do seen[$key]=$what; done <"$ledger"
}

# settled KEY WHAT: from now on nobody asks
settled() {
    seen[$1]=$2
    printf '%s %s\n' "$1" "$2" >>"$ledger"
}

keys=() paths=() n_files=0 n_growing=0
# scan: the files that are whole and not settled, into keys and paths
scan() {
    local dir path dev ino size mtime ctime key now writing='' depth=()
    keys=() paths=() n_files=0 n_growing=0
    [ -n "$recursive" ] || depth=(-maxdepth 1)
    printf -v now '%(%s)T' -1
    for dir in "${dirs[@]}"; do
        if [ ! -d "$dir" ]; then
            warn "there is no directory '$dir' any more"
            continue
        fi
        while read -rd '' dev && read -rd '' ino && read -rd '' size && read -rd '' mtime &&
            read -rd '' ctime && read -rd '' path; do
            n_files=$((n_files + 1))
            key=file:$ino:$size:$mtime:$ctime
            [ -z "${seen[$key]-}" ] || continue
            # The time of change is the kernel's: nobody can write to a file and not move it.
            if [ $((now - ${ctime%.*})) -lt "$settle" ]; then
                n_growing=$((n_growing + 1))
                continue
            fi
            [ -n "$writing" ] || writing=$(being_written)
            if [[ $writing == *" $dev:$ino "* ]]; then
                n_growing=$((n_growing + 1))
                continue
            fi
            keys+=("$key") paths+=("$path")
        done < <(find "$dir" -mindepth 1 "${depth[@]}" \( -name '.*' -o -iname '*.part' -o -iname '*.partial' \
            -o -iname '*.crdownload' -o -iname '*.download' -o -iname '*.filepart' -o -iname '*.!qB' \
            -o -iname '*.tmp' -o -name '*~' \) -prune -o -type f -printf '%D\0%i\0%s\0%T@\0%C@\0%p\0')
    done
}

# being_written: " DEV:INODE DEV:INODE " of the files that a process has open for writing, as far as this
# user may know
being_written() {
    printf ' '
    find /proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -type l -perm -u=w -print0 2>/dev/null |
        xargs -0r stat -L -c '%d:%i' 2>/dev/null | sort -u | tr '\n' ' '
}

# --- into the queue

# A name that is no UTF-8, as JSON cannot hold it: bash writes such bytes in octal.
is_bytes() {
    local quoted
    printf -v quoted %q "$1"
    [[ $quoted == *\$\'* ]] && ! printf %s "$1" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1
}

# job_lines: a job for each of keys and paths, a line each
job_lines() {
    local i path packed
    # Fields end with NUL; what split() makes of the last one is not the same in all versions of jq.
    { for i in "${!keys[@]}"; do
        path=${paths[i]} packed=''
        if is_bytes "$path"; then
            packed=$(printf %s "$path" | base64 -w0)
            path=''
        fi
        printf '%s\0%s\0%s\0' "${keys[i]}" "$path" "$packed"
    done; printf end; } | jq -Rsc --argjson options "$options" --argjson metadata "$metadata" --argjson by "$by" \
        --argjson workflow "$workflow" --argjson priority "$priority" --arg class "$class" --argjson needs "$needs" \
        --argjson timeout "$timeout" '
        split("\u0000")[:-1] as $t | range(0; $t | length; 3) | {type: "ingest", class: $class, needs: $needs,
            timeout_s: (if $timeout == 0 then null else $timeout end), priority: $priority, unique_key: $t[.], unless_known: true,
            parameters: ({processing_options: (if $timeout == 0 then $options else {timeout_s: $timeout} + $options end), metadata: $metadata, uploaded_by: $by, workflow: $workflow,
                file: (if $t[. + 2] == "" then $t[. + 1] else null end),
                file_base64: (if $t[. + 2] == "" then null else $t[. + 2] end)} | del(.[] | nulls))}'
}

# put_away KEY PATH DIR: never over another file, and only the very file of the key
put_away() {
    local base=${2##*/} to n=1
    [ "file:$(stat -c '%i:%s' -- "$2" 2>/dev/null)" = "$(cut -d: -f1-3 <<<"$1")" ] || return 0
    to=$3/$base
    while ! { mv -nT -- "$2" "$to" && [ ! -e "$2" ]; }; do
        [ -e "$to" ] || return 1
        [ $n -lt 10000 ] || return 1
        to=$3/$n-$base
        n=$((n + 1))
    done
}

# told KEY PATH JOB STATUS: of a file that was refused, a line once
told() {
    local shown
    shown=$(printf %s "$2" | iconv -c -f UTF-8 -t UTF-8)
    { media-status job -- "$3" </dev/null 2>/dev/null || echo '{}'; } |
        jq -c --arg file "$shown" --arg job "$3" --arg status "$4" \
            '{schema: 1, type: "refused", file: $file, job_id: $job, status: $status, error}'
}

n_new=0 n_waiting=0 n_done=0 n_refused=0
# settle_one KEY PATH JOB STATUS DUPLICATE
settle_one() {
    case $4 in
    completed)
        n_done=$((n_done + 1))
        if [ "$after" != keep ]; then
            put_away "$1" "$2" "${after#move:}" || { warn "cannot move '$2' to '${after#move:}'"; return; }
        fi
        settled "$1" 'done' ;;
    failed | dead | cancelled)
        n_refused=$((n_refused + 1))
        told "$@"
        if [ "$refused" != keep ]; then
            put_away "$1" "$2" "${refused#move:}" || warn "cannot move '$2' to '${refused#move:}'"
        fi
        settled "$1" refused ;;
    *)
        n_waiting=$((n_waiting + 1))
        [ "$5" = true ] || n_new=$((n_new + 1)) ;;
    esac
}

# submit: what was scanned; a file whose job has ended is settled. The status of media-queue.
submit() {
    local i=0 status=0 job state_of duplicate
    n_new=0 n_waiting=0 n_done=0 n_refused=0
    [ ${#keys[@]} -gt 0 ] || return 0
    job_lines >"$tmp/jobs" || return 1
    media-queue submit <"$tmp/jobs" >"$tmp/answers"
    status=$?
    # Two at once: the second one sees what the first one has settled, and says it no more.
    exec 8>>"$ledger.lock"
    flock 8
    read_ledger
    while IFS=$'\t' read -r job state_of duplicate; do
        [ -n "${seen[${keys[i]}]-}" ] || [ "$job" = null ] ||
            settle_one "${keys[i]}" "${paths[i]}" "$job" "$state_of" "$duplicate"
        i=$((i + 1))
    done < <(jq -r '[.job_id // "null", .status // "null", .duplicate // false] | @tsv' "$tmp/answers")
    exec 8>&-
    return $status
}

# forget: keys of files that are long gone
forget() {
    local key
    [ ${#seen[@]} -gt $((2 * n_files + 1000)) ] || return 0
    exec 8>>"$ledger.lock"
    flock 8
    declare -A here=()
    while read -r key; do here[$key]=1; done < <(
        for dir in "${dirs[@]}"; do find "$dir" -type f -printf 'file:%i:%s:%T@:%C@\n'; done)
    read_ledger
    for key in "${!seen[@]}"; do
        [ -z "${here[$key]-}" ] || printf '%s %s\n' "$key" "${seen[$key]}"
    done >"$ledger.new" && mv -f "$ledger.new" "$ledger"
    exec 8>&-
}

# --all-assets: a workflow for each asset that has none; one that came by this script finds all done
other_assets() {
    media-status assets --status completed --limit 500 </dev/null 2>/dev/null | jq -c --argjson options "$options" \
        'select(.asset) | {type: "workflow", class: "io", asset_id: .asset.id, unique_key: "workflow:\(.asset.id)",
            unless_known: true, parameters: ({processing_options: $options} | del(.[] | nulls))}' |
        media-queue submit >/dev/null
}
