// SPDX-License-Identifier: GPL-2.0-or-later
// player.js - a film with a choice of renditions, pictures at the seek bar, and captions.
import {el} from './dom.js';
import {t, clock, language, languageName} from './words.js';
import {send} from './api.js';

// The key of an object, from a URL of it: "ASSET/720p-x.mp4".
export const keyOf = url => /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[^?#]+/.exec(url || '')?.[0];

const seconds = text => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);

// Cues of a storyboard: when, and which part of which sheet.
export function readStoryboard(text, url) {
    const cues = [];
    for (const block of text.replace(/\r/g, '').split('\n\n')) {
        const m = /([\d:.]+) --> ([\d:.]+)[^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/.exec(block);
        if (m) cues.push({start: seconds(m[1]), end: seconds(m[2]), src: new URL(m[3], url).href,
            x: +m[4], y: +m[5], w: +m[6], h: +m[7]});
    }
    return cues;
}

async function storyboard(variants) {
    const found = variants.find(v => v.variant_type === 'storyboard' && v.format === 'vtt' && v.url);
    if (!found) return [];
    // Signed for all beside it, so that its relative names lead to the sheets.
    const {url} = await send('POST', 'sign', {key: keyOf(found.url), depth: 2});
    const answer = await fetch(url);
    return answer.ok ? readStoryboard(await answer.text(), new URL(url, location.href)) : [];
}

const playable = v => v.url && (/^(low|high)_res$/.test(v.variant_type) || v.variant_type === 'audio_only') &&
    ['mp4', 'webm', 'm4a', 'mp3', 'opus', 'ogg'].includes(v.format);
const lines = v => Number(/x(\d+)/.exec(v.resolution || '')?.[1]) || 0;

export function renditions(doc) {
    const found = (doc.variants || []).filter(playable);
    const films = found.filter(v => v.variant_type !== 'audio_only');
    return (films.length ? films : found).sort((a, b) => lines(b) - lines(a));
}

// The highest one that the window has room for.
function first(list) {
    const room = Math.max(360, innerHeight * devicePixelRatio);
    return list.find(v => lines(v) <= room) || list[list.length - 1];
}

function tracks(video, doc) {
    const found = (doc.variants || []).filter(v => v.variant_type === 'caption' && v.format === 'vtt' && v.url);
    const own = found.find(v => (v.language || '').startsWith(language)) || found[0];
    for (const v of found)
        video.append(el('track', {kind: 'captions', src: v.url, srclang: v.language || 'und',
            label: languageName(v.language || 'und'), default: v === own}));
    return found.length;
}

// The list of captions beside the player: the one of the browser is hard to find.
function captionChoice(video) {
    const choice = el('select', {onchange: () => {
        [...video.textTracks].forEach((track, i) => { track.mode = String(i) === choice.value ? 'showing' : 'disabled'; });
    }}, el('option', {value: '-1'}, t('captions_off')),
    [...video.querySelectorAll('track')].map((track, i) => el('option', {value: String(i)}, track.label)));
    const chosen = [...video.querySelectorAll('track')].findIndex(track => track.default);
    choice.value = String(chosen);
    return el('label', {}, t('captions'), choice);
}

function seekBar(video, cues) {
    const label = el('span'), preview = el('div', {class: 'preview', hidden: true, 'aria-hidden': 'true'}, label);
    const bar = el('input', {type: 'range', min: '0', max: '1000', step: '1', value: '0', 'aria-label': t('seek')});
    const whole = () => Number.isFinite(video.duration) ? video.duration : cues.at(-1)?.end || 0;
    const show = part => {
        const at = part * whole(), cue = cues.find(c => at < c.end) || cues.at(-1);
        label.textContent = clock(at);
        if (!cue) return;
        const room = bar.clientWidth, scale = Math.min(1, 240 / cue.w);
        Object.assign(preview.style, {width: `${cue.w}px`, height: `${cue.h}px`, zoom: scale,
            backgroundImage: `url("${cue.src}")`, backgroundPosition: `-${cue.x}px -${cue.y}px`,
            left: `${Math.min(Math.max(0, part * room - cue.w * scale / 2), room - cue.w * scale) / scale + 12}px`});
        preview.hidden = false;
    };
    const hide = () => { preview.hidden = true; };
    bar.addEventListener('pointermove', e => {
        const r = bar.getBoundingClientRect();
        show(Math.min(1, Math.max(0, (e.clientX - r.left) / r.width)));
    });
    bar.addEventListener('pointerleave', hide);
    bar.addEventListener('blur', hide);
    bar.addEventListener('input', () => {
        if (whole()) video.currentTime = bar.value / 1000 * whole();
        show(bar.value / 1000);
    });
    const follow = () => {
        const part = whole() ? video.currentTime / whole() : 0;
        bar.value = String(Math.round(part * 1000));
        bar.setAttribute('aria-valuetext', `${clock(video.currentTime)} / ${clock(whole())}`);
    };
    video.addEventListener('timeupdate', follow);
    video.addEventListener('loadedmetadata', follow);
    // Drags are followed by the film, not fought by it.
    return el('div', {class: 'seek'}, preview, bar);
}

// fresh() gives the document anew: signatures of URLs expire while a film is paused.
export async function player(doc, fresh) {
    let list = renditions(doc), renewed = 0;
    const poster = (doc.thumbnails || []).find(x => x.representative && x.url) || (doc.thumbnails || []).find(x => x.url);
    const video = el('video', {controls: true, preload: 'metadata', playsinline: true, id: 'film', poster: poster?.url});
    const chosen = first(list);
    const qualities = el('select', {id: 'quality', onchange: () => play(list[qualities.selectedIndex])},
        list.map(v => el('option', {selected: v === chosen}, `${v.quality || v.format} · ${v.resolution || v.format}`)));
    function play(v) {
        const at = video.currentTime, on = !video.paused;
        video.src = v.url;
        if (!at && !on) return;
        video.addEventListener('loadedmetadata', () => { video.currentTime = at; if (on) video.play().catch(() => {}); }, {once: true});
    }
    video.addEventListener('error', async () => {
        if (Date.now() - renewed < 30000) return;
        renewed = Date.now();
        const i = qualities.selectedIndex, again = renditions(await fresh());
        if (again[i]) { list = again; play(list[i]); }
    });
    const count = tracks(video, doc);
    play(chosen);
    const cues = await storyboard(doc.variants || []).catch(() => []);
    return el('section', {}, el('div', {class: 'player'}, video), seekBar(video, cues),
        el('div', {class: 'bar'}, el('label', {}, t('quality'), qualities), count ? captionChoice(video) : null));
}
