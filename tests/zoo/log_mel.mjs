// Whisper's front end: 16 kHz samples -> [1, 80, 3000] log mel energies of 30 seconds, 10 ms apart. As in openai/whisper's audio.py: Hann window
// of 400 samples, reflected at the ends, Slaney's mel scale with filters of unit area, logarithms cut off at 80 dB below the largest.

const RATE = 16000, WINDOW = 400, HOP = 160, FRAMES = 3000, MELS = 80, BINS = WINDOW / 2 + 1;

// Linear below 1 kHz, logarithmic above: 27 mels per factor of 6.4.
const LINEAR = 200 / 3, BREAK = 1000 / LINEAR, STEP = Math.log(6.4) / 27;
const toMel = (hertz) => (hertz < 1000 ? hertz / LINEAR : BREAK + Math.log(hertz / 1000) / STEP);
const toHertz = (mel) => (mel < BREAK ? mel * LINEAR : 1000 * Math.exp((mel - BREAK) * STEP));

function melFilters() {
  const edges = Array.from({ length: MELS + 2 }, (_, i) => toHertz((toMel(RATE / 2) * i) / (MELS + 1)));
  return Array.from({ length: MELS }, (_, m) => Float64Array.from({ length: BINS }, (_, bin) => {
    const hertz = (bin * RATE) / WINDOW, [low, centre, high] = edges.slice(m, m + 3);
    const triangle = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
    return (Math.max(0, triangle) * 2) / (high - low);
  }));
}

export function logMel(samples) {
  const audio = new Float64Array(WINDOW + FRAMES * HOP), half = WINDOW / 2;
  audio.set(samples.subarray(0, FRAMES * HOP), half);
  for (let i = 1; i <= half; i++) audio[half - i] = audio[half + i];  // the other end is silence
  const cosines = Float64Array.from({ length: WINDOW }, (_, i) => Math.cos((2 * Math.PI * i) / WINDOW));
  const window = cosines.map((cosine) => 0.5 - 0.5 * cosine);
  const filters = melFilters(), logs = new Float64Array(MELS * FRAMES), frame = new Float64Array(WINDOW), power = new Float64Array(BINS);
  for (let t = 0; t < FRAMES; t++) {
    let silent = true;
    for (let i = 0; i < WINDOW; i++) {
      frame[i] = window[i] * audio[t * HOP + i];
      silent &&= frame[i] === 0;
    }
    for (let bin = 0; bin < BINS && !silent; bin++) {
      let real = 0, imaginary = 0;
      for (let i = 0, phase = 0; i < WINDOW; i++) {
        real += frame[i] * cosines[phase];
        imaginary += frame[i] * cosines[(phase + 300) % WINDOW];  // sin x = cos(x + 3/4 of a turn)
        phase = (phase + bin) % WINDOW;
      }
      power[bin] = real * real + imaginary * imaginary;
    }
    if (silent) power.fill(0);
    for (let m = 0; m < MELS; m++) {
      let energy = 0;
      for (let bin = 0; bin < BINS; bin++) energy += filters[m][bin] * power[bin];
      logs[m * FRAMES + t] = Math.log10(Math.max(energy, 1e-10));
    }
  }
  const floor = logs.reduce((most, value) => Math.max(most, value)) - 8;
  return { type: 'float32', dims: [1, MELS, FRAMES], data: Float32Array.from(logs, (value) => (Math.max(value, floor) + 4) / 4) };
}

/** Something like a voice saying vowels: two formants under harmonics of a gliding pitch, with pauses. `seconds` long. */
export function babble(seconds) {
  const vowels = [[730, 1090], [270, 2290], [300, 870], [530, 1840], [570, 840]];
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    const t = i / RATE, syllable = Math.floor(t / 0.28), within = t / 0.28 - syllable;
    const pitch = 120 + 25 * Math.sin(2 * Math.PI * 0.7 * t);
    phase += (2 * Math.PI * pitch) / RATE;
    const envelope = syllable % 5 === 4 ? 0 : Math.sin(Math.PI * within) ** 0.7;
    const formants = vowels[(syllable * 3) % vowels.length];
    let value = 0;
    for (let h = 1; h * pitch < 4000; h++) {
      const gain = formants.reduce((sum, formant) => sum + Math.exp(-(((h * pitch - formant) / 120) ** 2)), 0.02);
      value += (gain * Math.sin(h * phase)) / Math.sqrt(h);
    }
    return 0.2 * envelope * value;
  });
}
