// SPDX-License-Identifier: GPL-2.0-or-later
// media.js - what there is: pictures of all of it, and one of it to play.
import {el, theirs} from './dom.js';
import {t, has, bytes, clock, when} from './words.js';
import {get} from './api.js';
import {problemBox} from './problem.js';
import {player, renditions} from './player.js';

const picture = doc => (doc.thumbnails || []).find(x => x.representative && x.url) || (doc.thumbnails || []).find(x => x.url);

function card(asset, seen) {
    const img = el('img', {class: 'picture', alt: '', loading: 'lazy'});
    const e = el('li', {class: 'card'}, img, el('div', {class: 'text'}, el('a', {href: `#/asset/${asset.asset_id}`}, theirs(asset.original_filename)),
        el('p', {class: 'faint'}, [asset.duration ? clock(asset.duration) : null, bytes(asset.file_size), when(asset.created_at)].filter(Boolean).join(' · ')),
        asset.upload_status === 'completed' ? null : el('span', {class: `state ${asset.upload_status}`}, t(asset.upload_status))));
    seen.observe(e);
    e.asset = asset.asset_id;
    e.img = img;
    return e;
}

export async function mediaView(main, signal) {
    const grid = el('ul', {class: 'grid', id: 'assets'}), more = el('button', {type: 'button', class: 'quiet', hidden: true}, t('more')), note = el('div');
    // URLs of pictures are signed, so each comes with its document: of those only that are looked at.
    const seen = new IntersectionObserver(entries => entries.filter(x => x.isIntersecting).forEach(async ({target}) => {
        seen.unobserve(target);
        try { const p = picture(await get(`asset/${target.asset}`, {signal})); if (p) target.img.src = p.url; } catch { /* no picture then */ }
    }), {rootMargin: '200px'});
    let cursor = null;
    async function load() {
        try {
            const page = await get(`assets?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, {signal});
            grid.append(...page.assets.map(a => card(a, seen)));
            cursor = page.next;
            more.hidden = !cursor;
            note.replaceChildren(...grid.children.length ? [] : [el('p', {class: 'faint'}, t('none'))]);
        } catch (error) {
            if (error.name === 'AbortError') return;
            note.replaceChildren(problemBox(error));
            if (error.status === 401) throw error;
        }
    }
    more.addEventListener('click', load);
    main.append(el('h1', {tabindex: '-1'}, t('media')), grid, note, el('p', {}, more));
    await load();
}

function facts(doc) {
    const a = doc.asset, video = (a.metadata?.streams || []).find(s => s.type === 'video' || s.codec_type === 'video');
    const pairs = [[t('state'), has(a.upload_status) ? t(a.upload_status) : a.upload_status], [t('type'), a.mime_type], [t('size'), bytes(a.file_size)],
        [t('length'), a.metadata?.duration ? clock(a.metadata.duration) : null], [t('picture'), video?.width ? `${video.width}×${video.height}` : null], [t('checksum'), a.checksum]];
    return el('dl', {}, pairs.filter(p => p[1]).map(([k, v]) => [el('dt', {}, k), el('dd', {}, el('bdi', {}, v))]));
}

function files(doc) {
    return el('ul', {}, renditions(doc).map(v => el('li', {}, el('a', {href: v.url}, `${v.quality || v.format} ${v.format}`), ` ${bytes(v.file_size || 0)}`)));
}

export async function assetView(main, signal, [id]) {
    const fetched = () => get(`asset/${id}`, {signal});
    const title = el('h1', {tabindex: '-1'}, t('media'));
    main.append(el('p', {}, el('a', {href: '#/media'}, t('back_media'))), title);
    const doc = await fetched(), a = doc.asset, speech = doc.analysis?.transcription, list = renditions(doc);
    title.replaceChildren(theirs(a.original_filename));
    if (list.length) main.append(await player(doc, fetched));
    else if (a.content_type === 'image' && picture(doc)) main.append(el('div', {class: 'player'}, el('img', {src: picture(doc).url, alt: a.original_filename})));
    else main.append(el('p', {class: 'faint'}, t('no_rendition')));
    for (const [name, stage] of Object.entries(doc.stages || {}))
        if (stage.error) main.append(problemBox({kind: '', problem: {title: name, detail: stage.error.message, hint: stage.error.hint}}));
    if (speech?.text) main.append(el('h2', {}, t('text')), el('p', {dir: 'auto', lang: speech.language}, speech.text));
    main.append(el('h2', {}, t('details')), facts(doc));
    if (list.length) main.append(el('h2', {}, t('renditions')), files(doc));
    if (a.url) main.append(el('p', {}, el('a', {class: 'button quiet', href: a.url, download: ''}, t('download'))));
}
