// SPDX-License-Identifier: GPL-2.0-or-later
// waveform-data.cjs - what waveform-data, the part of peaks.js that reads waveforms, makes of one.
//
//   NODE_MODULES=DIR node waveform-data.cjs FILE
//
// Prints what it says of the file, the maxima of both channels about the middle of it, of the first
// tenth, whether its own JSON is the file again, and its length with a fourth of the points.
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');

const WaveformData = createRequire(process.env.NODE_MODULES + '/x')('waveform-data');
const json = JSON.parse(readFileSync(process.argv[2]));
const wave = WaveformData.create(json);
const part = (channel, from, to) =>
    Math.max(...wave.channel(channel).max_array().slice(Math.ceil(wave.length * from), wave.length * to));

console.log(JSON.stringify({
    channels: wave.channels,
    sample_rate: wave.sample_rate,
    bits: wave.bits,
    length: wave.length,
    scale: wave.scale,
    duration: wave.duration,
    max: [part(0, 0.4, 0.6), part(1, 0.4, 0.6)],
    quiet: part(0, 0, 0.1),
    same: JSON.stringify(wave.toJSON().data) === JSON.stringify(json.data),
    resampled: wave.resample({ scale: 4 * wave.scale }).length,
}));
