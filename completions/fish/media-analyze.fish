# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-analyze; made by scripts/make-completions, not by hand.

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
complete -c media-analyze -f
complete -c media-analyze -F
complete -c media-analyze -k -a '(__media_ids assets)'
complete -c media-analyze -l types -s t -x -a '(__fish_append , loudness silence black freeze scenes transcription moderation objects faces)' -d 'loudness, silence, black, freeze, scenes ...'
complete -c media-analyze -l silence-level -x -d 'softer than this is silence'
complete -c media-analyze -l silence-min -x -d 'shortest silence to report'
complete -c media-analyze -l black-min -x -d 'shortest black to report'
complete -c media-analyze -l freeze-min -x -d 'shortest freeze to report'
complete -c media-analyze -l scene-threshold -x -d 'how strong a change is a cut, 1 to 100'
complete -c media-analyze -l engine -x -d 'use this engine for the type; several with commas'
complete -c media-analyze -l languages -x -d 'what may be spoken, likeliest first: ar,en'
complete -c media-analyze -l captions -x -a '(__fish_append , vtt srt ttml txt)' -d 'make captions of a transcription, or none'
complete -c media-analyze -l subtitles -x -a 'ignore use only' -d 'take what is said from the film\'s own text: use, only'
complete -c media-analyze -l engine-path -x -d 'directories of engines, parted by colons'
complete -c media-analyze -l engine-stall -x -d 'longest silence of an engine'
complete -c media-analyze -l engine-jobs -x -d 'processes of one engine at once; 0: all processors'
complete -c media-analyze -l list-engines -d 'list the engines and what they lack'
complete -c media-analyze -l output -s o -x -a '(__fish_complete_directories)' -d 'write plain files into DIR, no database'
complete -c media-analyze -l force -d 'make again what is there already'
complete -c media-analyze -l timeout -x -d 'longest work on one file'
complete -c media-analyze -l max-pixels -x -d 'largest picture, width times height'
complete -c media-analyze -l max-side -x -d 'longest side of a picture'
complete -c media-analyze -l max-streams -x -d 'streams in one file'
complete -c media-analyze -l max-duration -x -d 'longest film'
complete -c media-analyze -l max-frames -x -d 'pictures in one stream'
complete -c media-analyze -l memory -x -d 'memory of one jailed process'
complete -c media-analyze -l dry-run -s n -d 'change nothing, say what would be done'
complete -c media-analyze -l help -s h -d 'show this help and exit'
complete -c media-analyze -l version -s V -d 'show versions and exit'
complete -c media-analyze -l quiet -d 'only errors on standard error'
complete -c media-analyze -l verbose -s v -d 'say more; twice: everything'
complete -c media-analyze -l config -r -F -d 'read this configuration only'
complete -c media-analyze -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-analyze -l store -x -d 'object store: file:///path'
complete -c media-analyze -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-analyze -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-analyze -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-analyze -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-analyze -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-analyze -l fail-fast -d 'stop at the first failure'
complete -c media-analyze -l print-config -d 'show each setting, its value and origin'
