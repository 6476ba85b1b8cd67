// One cold start in a process of its own: from before the engine is imported to the first answer. Prints milliseconds as JSON.
//   node cold_start.mjs ENGINE MODEL-NAME FILES-AS-JSON
import { benchFeeds } from '../tests/zoo/inputs.mjs';
import { engines } from './engines.mjs';

const [engine, name, files] = process.argv.slice(2);
const feeds = benchFeeds[name]();
const start = performance.now();
const model = await engines[engine](JSON.parse(files));
const ready = performance.now() - start;
await model.run(feeds);
console.log(JSON.stringify({ ready, answer: performance.now() - start }));
process.exit(0);  // engines may keep workers alive
