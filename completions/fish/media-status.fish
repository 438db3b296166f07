# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-status; made by scripts/make-completions, not by hand.

function __media_ids
    set -l words (commandline -opc)
    set -l where
    for i in (seq (count $words))
        switch $words[$i]
            case "--db=*" "--config=*"
                set -a where $words[$i]
            case --db --config
                set -a where $words[$i] $words[(math $i + 1)]
        end
    end
    timeout -k 0.1 2 media-status $argv[1] --limit 50 $where 2>/dev/null |
        sed -n 's/^{"schema":1,"\\(job_id\\|asset":{"id\\)":"\\([0-9a-f-]*\\)","[a-z_]*":"\\([^"\\\\]*\\).*/\\2\t\\3/p'
end
complete -c media-status -f
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a job -d 'one job: state, progress, steps, error, results'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a asset -d 'one asset with its renditions, as its media document'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a jobs -d 'jobs, newest first'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a assets -d 'assets, newest first'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a queue -d 'how many jobs wait, run and have ended'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a why -d 'what failed where, why, and what to run again'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a doctor -d 'whether this machine can do the work, safely'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a metrics -d 'figures for Prometheus'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a report -d 'what was done, how fast, what failed; or one asset'
complete -c media-status -n 'not __fish_seen_subcommand_from job asset jobs assets queue why doctor metrics report watch' -a watch -d 'what goes on, redrawn every second until q'
complete -c media-status -n '__fish_seen_subcommand_from job' -k -a '(__media_ids jobs)'
complete -c media-status -n '__fish_seen_subcommand_from asset' -k -a '(__media_ids assets)'
complete -c media-status -n '__fish_seen_subcommand_from jobs' -l status -x -a 'pending processing completed failed cancelled dead' -d 'pending, processing, completed, failed ...'
complete -c media-status -n '__fish_seen_subcommand_from jobs' -l type -x -a 'ingest transcode thumbnail analyze' -d 'ingest, transcode, thumbnail, analyze ...'
complete -c media-status -n '__fish_seen_subcommand_from jobs' -l asset -x -a '(__media_ids assets)' -d 'jobs of this asset only'
complete -c media-status -n '__fish_seen_subcommand_from jobs' -l limit -x -d 'at most so many; 20 unless given'
complete -c media-status -n '__fish_seen_subcommand_from jobs' -l cursor -x -d 'go on behind a list whose last line has this as next'
complete -c media-status -n '__fish_seen_subcommand_from assets' -l status -x -a 'pending uploading processing completed held rejected failed' -d 'completed, held, rejected, failed, uploading ...'
complete -c media-status -n '__fish_seen_subcommand_from assets' -l type -x -a 'video audio image' -d 'video, audio or image'
complete -c media-status -n '__fish_seen_subcommand_from assets' -l limit -x -d 'at most so many; 20 unless given'
complete -c media-status -n '__fish_seen_subcommand_from assets' -l cursor -x -d 'go on behind a list whose last line has this as next'
complete -c media-status -n '__fish_seen_subcommand_from why' -k -a '(__media_ids jobs)'
complete -c media-status -n '__fish_seen_subcommand_from why' -k -a '(__media_ids assets)'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l nginx -r -F -d 'look at this configuration of nginx too'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l clamd -x -d 'ask the clamd at this socket'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l signatures -x -a '(__fish_complete_directories)' -d 'where virus signatures are; /var/lib/clamav'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l jwks-file -r -F -d 'keys that media-api verifies tokens with'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l url-keys -r -F -d 'keys that media-api signs URLs with'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l uploads -x -a '(__fish_complete_directories)' -d 'where media-api collects uploads'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l rate-file -r -F -d 'where media-api keeps account of requests'
complete -c media-status -n '__fish_seen_subcommand_from doctor' -l listen -x -d 'where media-api answers: unix:/path, or host:port'
complete -c media-status -n '__fish_seen_subcommand_from metrics' -l output -r -F -d 'replace this file, whole; default: standard output'
complete -c media-status -n '__fish_seen_subcommand_from metrics' -l signatures -x -a '(__fish_complete_directories)' -d 'where virus signatures are; /var/lib/clamav'
complete -c media-status -n '__fish_seen_subcommand_from report' -k -a '(__media_ids assets)'
complete -c media-status -n '__fish_seen_subcommand_from report' -l since -x -d 'from this day or time on, in UTC'
complete -c media-status -n '__fish_seen_subcommand_from report' -l until -x -d 'to the end of this day, or up to this time'
complete -c media-status -n '__fish_seen_subcommand_from report' -l csv -d 'CSV instead of JSON or tables'
complete -c media-status -n '__fish_seen_subcommand_from report' -l html -r -F -d 'a page of HTML into FILE; - is standard output'
complete -c media-status -n '__fish_seen_subcommand_from report' -l lang -x -a 'en ar' -d 'language of the page: en or ar'
complete -c media-status -n '__fish_seen_subcommand_from watch' -l interval -x -d 'look again after so long; 1 second unless given'
complete -c media-status -l db-read -x -d 'ask this replica of the database instead'
complete -c media-status -l json -d 'JSON on a terminal too, instead of tables'
complete -c media-status -l help -s h -d 'show this help and exit'
complete -c media-status -l version -s V -d 'show versions and exit'
complete -c media-status -l quiet -d 'only errors on standard error'
complete -c media-status -l verbose -s v -d 'say more; twice: everything'
complete -c media-status -l config -r -F -d 'read this configuration only'
complete -c media-status -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-status -l store -x -d 'object store: file:///path'
complete -c media-status -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-status -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-status -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-status -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-status -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-status -l fail-fast -d 'stop at the first failure'
complete -c media-status -l print-config -d 'show each setting, its value and origin'
