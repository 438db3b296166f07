# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for media-thumbs; made by scripts/make-completions, not by hand.

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
complete -c media-thumbs -f
complete -c media-thumbs -F
complete -c media-thumbs -k -a '(__media_ids assets)'
complete -c media-thumbs -l count -x -d 'pictures, spread over the film'
complete -c media-thumbs -l at -x -d 'at these times instead: 30,1:00,50%'
complete -c media-thumbs -l every -x -d 'one each so much time instead'
complete -c media-thumbs -l scenes -d 'the first of each scene instead'
complete -c media-thumbs -l cover -x -a 'fallback first only' -d 'embedded cover art: for want of a film, first, or only'
complete -c media-thumbs -l size -x -d 'instead of both: 320x,160x90,x90'
complete -c media-thumbs -l fit -x -a 'contain cover width' -d 'into the size: contain, cover (cut), width'
complete -c media-thumbs -l width -x -d 'of the picture; 0: as the source'
complete -c media-thumbs -l height -x -d 'at most; 0: follows the width'
complete -c media-thumbs -l format -x -a '(__fish_append , webp jpg png avif jxl gif tiff)' -d 'webp, jpg, png, avif, jxl; of pictures gif, tiff'
complete -c media-thumbs -l picture-quality -x -d 'of the pictures, 1 to 100'
complete -c media-thumbs -l gravity -x -a 'center smart north south east west' -d 'of pictures: what --fit cover keeps; smart looks'
complete -c media-thumbs -l optimise -d 'of pictures: smallest without visible loss'
complete -c media-thumbs -l strip -x -a 'private all none' -d 'metadata of pictures: all but rights, all, none'
complete -c media-thumbs -l still -d 'the first frame only of animated pictures'
complete -c media-thumbs -l storyboard -d 'sheets of tiles, WebVTT, JSON, HLS and DASH as well'
complete -c media-thumbs -l contact-sheet -x -d 'a page for people, columns and rows: 4x5'
complete -c media-thumbs -l tile-every -x -d 'from tile to tile; 0: fitted to the film'
complete -c media-thumbs -l tile-size -x -d 'the longer side of a tile'
complete -c media-thumbs -l sheet-format -x -a 'jpg webp' -d 'of sheets: jpg or webp; HLS has jpg only'
complete -c media-thumbs -l waveform -x -a '(__fish_append , json png svg)' -d 'the sound too, as json, png, svg'
complete -c media-thumbs -l waveform-size -x -d 'of its pictures'
complete -c media-thumbs -l waveform-colors -x -d 'rrggbb of sound and background, or none'
complete -c media-thumbs -l waveform-points -x -d 'a second, of JSON'
complete -c media-thumbs -l waveform-split -d 'each channel by itself'
complete -c media-thumbs -l preview -x -d 'a silent clip of the most telling scenes, so long: 30'
complete -c media-thumbs -l trailer -x -d 'the same with sound'
complete -c media-thumbs -l clip-format -x -a '(__fish_append , mp4 webm webp)' -d 'of both: mp4, webm; previews also webp'
complete -c media-thumbs -l preview-size -x -d 'the shorter side of a preview'
complete -c media-thumbs -l trailer-size -x -d 'the shorter side of a trailer'
complete -c media-thumbs -l jobs -x -d 'pictures converted at once; 0: one per processor'
complete -c media-thumbs -l output -s o -x -a '(__fish_complete_directories)' -d 'write plain files into DIR, no database'
complete -c media-thumbs -l force -d 'make again what is there already'
complete -c media-thumbs -l timeout -x -d 'longest work on one file'
complete -c media-thumbs -l max-pixels -x -d 'largest picture, width times height'
complete -c media-thumbs -l max-side -x -d 'longest side of a picture'
complete -c media-thumbs -l max-streams -x -d 'streams in one file'
complete -c media-thumbs -l max-duration -x -d 'longest film'
complete -c media-thumbs -l max-frames -x -d 'pictures in one stream'
complete -c media-thumbs -l memory -x -d 'memory of one jailed process'
complete -c media-thumbs -l dry-run -s n -d 'change nothing, say what would be done'
complete -c media-thumbs -l help -s h -d 'show this help and exit'
complete -c media-thumbs -l version -s V -d 'show versions and exit'
complete -c media-thumbs -l quiet -d 'only errors on standard error'
complete -c media-thumbs -l verbose -s v -d 'say more; twice: everything'
complete -c media-thumbs -l config -r -F -d 'read this configuration only'
complete -c media-thumbs -l db -x -d 'database: sqlite:///path or postgresql://host/name'
complete -c media-thumbs -l store -x -d 'object store: file:///path'
complete -c media-thumbs -l progress -x -a 'auto bar plain json none' -d 'auto, bar, plain, json or none'
complete -c media-thumbs -l log-format -x -a 'text json journal' -d 'messages as text, json or journal'
complete -c media-thumbs -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c media-thumbs -l files-from -r -F -d 'operands from FILE too, one a line; - is stdin'
complete -c media-thumbs -l null -s 0 -d 'names in --files-from end with NUL'
complete -c media-thumbs -l fail-fast -d 'stop at the first failure'
complete -c media-thumbs -l print-config -d 'show each setting, its value and origin'
