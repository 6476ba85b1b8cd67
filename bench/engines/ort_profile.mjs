// ONNX Runtime's profiles: lists of events, one for each node in each run.

/** Events -> [{name, op, microseconds, inputs: dims, outputs: dims}]. */
export const parseProfile = (events) =>
  events.filter(({ cat, name, args }) => cat === 'Node' && name.endsWith('_kernel_time') && args.op_name).map(({ name, dur, args }) => {
    const dims = (list) => (list ?? []).map((entry) => Object.values(entry)[0]);
    return { name: name.replace(/_kernel_time$/, ''), op: args.op_name, microseconds: dur, inputs: dims(args.input_type_shape), outputs: dims(args.output_type_shape) };
  });

/** The last `runs` runs of a profile, by node: [{name, op, inputs, outputs, times: milliseconds}]. */
export function byNode(events, runs) {
  const nodes = new Map();
  for (const { microseconds, ...node } of parseProfile(events)) {
    const key = `${node.op} ${node.name}`;
    if (!nodes.has(key)) nodes.set(key, { ...node, times: [] });
    nodes.get(key).times.push(microseconds / 1000);
  }
  return [...nodes.values()].map((node) => ({ ...node, times: node.times.slice(-runs) }));
}
