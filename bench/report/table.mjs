// The table that grows on the terminal while models are measured.
import { ms, number, percent, ratio } from './format.mjs';

const columns = [
  ['model', 20], ['host', 9], ['ours', 8], ['web', 8], ['native', 8], ['litert', 8], ['tfjs', 8], ['web/ours', 9], ['ours/nat', 9], ['lrt/ours', 9], ['tfjs/ours', 10], ['GFLOP/s', 8], ['of peak', 8],
  ['cold', 8], ['web cold', 9], ['ratio', 7],
];
const line = (cells) => columns.map(([, width], i) => (i < 2 ? cells[i].padEnd(width) : cells[i].padStart(width))).join('');
export const tableHead = () => line(columns.map(([title]) => title));

export function tableRow({ name, hosts }, host) {
  const of = (engine) => hosts[host][engine]?.median, ours = hosts[host].onnx2wasm ?? {}, cold = (engine) => hosts[host][engine]?.cold?.answer;
  // Native code runs in Node only; its ratio to ours in Chromium is across hosts of the same run.
  const native = hosts[host]['onnxruntime-node']?.median ?? hosts.node?.['onnxruntime-node']?.median;
  return line([
    name, host, ms(ours.median), ms(of('onnxruntime-web')), ms(native), ms(of('litert')), ms(of('tfjs')), ratio(of('onnxruntime-web') / ours.median), ratio(ours.median / native),
    ratio(of('litert') / ours.median), ratio(of('tfjs') / ours.median), number(ours.gflops), percent(ours.share), ms(cold('onnx2wasm')), ms(cold('onnxruntime-web')),
    ratio(cold('onnxruntime-web') / cold('onnx2wasm')),
  ]);
}
